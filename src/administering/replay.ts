import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { DirectoryRecords } from '../configuring/directory-records';
import { Lease } from '../configuring/lease';
import { acceptBatch } from '../domain/accept';
import type { AcceptedEvent } from '../domain/columns';
import { eventsStream, rejectsStream } from '../domain/partition';
import { pseudonymLength, pseudonymsUnder, type PseudonymOf } from '../domain/pseudonyms';
import { blockRecordId, encodeBlock, EVENT_BLOCK } from '../stores/block';
import { EVENT_STORE, type EventStore } from '../stores/event-store';
import { partitionFor, type SpreadSince } from '../domain/spreading';
import { pseudonymSecretOf } from '../stores/pseudonym-secrets';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { REJECTS_REPLAYED, type RejectsReplayed, type StoredReject } from '../stores/rejects';
import { matches, partitionsOf, type RejectFilter } from './rejects';
import { rejectsBackwards, type RejectsRecord } from './rejects-log';

export type ReplayOutcome =
  | {
      readonly ok: true;
      /** Now in the log. */
      replayed: number;
      /** Judged again and refused again. */
      stillRefused: number;
      /** False: it stopped at its limit of events or of time; ask again for the rest. */
      complete: boolean;
    }
  | { readonly ok: false; readonly reason: 'replay-running' };

/** Judges refused events again by the rules of today and appends those that pass. */
export class ReplayRejects extends Command<ReplayOutcome> {
  constructor(
    readonly filter: RejectFilter,
    readonly limit: number,
  ) {
    super();
  }
}

const replayWithinMs = 20_000;

@CommandHandler(ReplayRejects)
export class ReplayRejectsHandler implements ICommandHandler<ReplayRejects> {
  constructor(
    @Inject(EVENT_STORE) private readonly log: EventStore,
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(CONFIGURATION) private readonly configuration: Pick<ResolvedConfiguration, 'partitions'>,
    private readonly directory: DirectoryRecords,
  ) {}

  async execute({ filter, limit }: ReplayRejects): Promise<ReplayOutcome> {
    const done = { ok: true as const, replayed: 0, stillRefused: 0, complete: true };
    const lease = new Lease(this.store.records, 'rejects-replay');
    const deadline = performance.now() + replayWithinMs;
    const held = await lease.hold(new AbortController().signal, async (signal) => {
      for (const partition of partitionsOf(filter, this.configuration.partitions)) {
        for await (const record of rejectsBackwards(this.log, partition)) {
          if (done.replayed >= limit || performance.now() > deadline || signal.aborted) {
            done.complete = false;
            return;
          }
          const { replayed, stillRefused } = await this.replay(record, filter);
          done.replayed += replayed;
          done.stillRefused += stillRefused;
        }
      }
    });
    return held ? done : { ok: false, reason: 'replay-running' };
  }

  /**
   * One record at a time: its events as one block a partition, then the note that says so. A crash in between leaves the note out; the
   * next replay then makes the same blocks with the same record ids, and the events carry the ids they are counted once by.
   */
  private async replay(record: RejectsRecord, filter: RejectFilter): Promise<{ replayed: number; stillRefused: number }> {
    const rows: AcceptedEvent[] = [];
    const places: number[] = [];
    let stillRefused = 0;
    const stillFiltered = this.addressFilters();
    for (const [place, reject] of record.rejects.entries()) {
      if (record.replayed.has(place) || !matches(reject, filter)) continue;
      const isTaken = (await this.directory.merchantExists(reject.merchantId)) && !(await stillFiltered(reject));
      const pseudonymOf = isTaken ? await this.pseudonymsIn(record, reject.merchantId) : undefined;
      const row = pseudonymOf && acceptAgain(reject, pseudonymOf);
      if (row === undefined) {
        stillRefused++;
        continue;
      }
      rows.push(row);
      places.push(place);
    }
    if (rows.length === 0) return { replayed: 0, stillRefused };

    for (const [partition, some] of await this.placed(rows)) {
      const block = encodeBlock(some);
      const blockRecord = { id: blockRecordId(block), type: EVENT_BLOCK, data: block, contentType: 'binary' as const };
      await this.log.append(eventsStream(partition), [blockRecord]);
    }

    const note: RejectsReplayed = { revision: String(record.revision), places };
    const data = Buffer.from(JSON.stringify(note));
    await this.log.append(rejectsStream(record.partition), [
      { id: blockRecordId(data), type: REJECTS_REPLAYED, data, contentType: 'json' },
    ]);
    return { replayed: rows.length, stillRefused };
  }

  /** By partition, as collectors would have placed them. */
  private async placed(rows: readonly AcceptedEvent[]): Promise<Map<number, AcceptedEvent[]>> {
    const { partitions } = this.configuration;
    const spreads = new Map<string, readonly SpreadSince[] | undefined>();
    const placed = new Map<number, AcceptedEvent[]>();
    for (const row of rows) {
      const { merchantId } = row;
      if (!spreads.has(merchantId)) spreads.set(merchantId, (await this.directory.merchant(merchantId))?.spreads);
      const partition = partitionFor(row, spreads.get(merchantId), partitions);
      placed.set(partition, [...(placed.get(partition) ?? []), row]);
    }
    return placed;
  }

  private async pseudonymsIn({ idsAre }: RejectsRecord, merchantId: string): Promise<PseudonymOf | undefined> {
    if (idsAre === 'pseudonyms') return alreadyMade;
    const secret = await pseudonymSecretOf(this.store.records, merchantId);
    return secret === undefined ? undefined : pseudonymsUnder(secret);
  }

  /**
   * Whether a filter that an event's address lay in is still there. The address is forgotten, so a filter that was changed since
   * still counts as the one it was.
   */
  private addressFilters(): (reject: StoredReject) => Promise<boolean> {
    const known = new Map<string, Promise<ReadonlySet<string>>>();
    return async ({ merchantId, filterIds = [] }) => {
      if (filterIds.length === 0) return false;
      let ids = known.get(merchantId);
      if (ids === undefined) known.set(merchantId, (ids = this.addressFiltersOf(merchantId)));
      const present = await ids;
      return filterIds.some((filterId) => present.has(filterId));
    };
  }

  private async addressFiltersOf(merchantId: string): Promise<ReadonlySet<string>> {
    const filters = (await this.directory.merchant(merchantId))?.filters ?? [];
    return new Set(filters.filter(({ field }) => field === 'address').map(({ filterId }) => filterId));
  }
}

/** Behind a pseudonym stands what keeps a text that was too long too long (keptOfEvent). */
const alreadyMade: PseudonymOf = (kept) => kept.slice(0, pseudonymLength);

/** The event as it would have been accepted when it came; undefined when the rules of today refuse it too. */
function acceptAgain(reject: StoredReject, pseudonymOf: PseudonymOf): AcceptedEvent | undefined {
  let event: unknown;
  try {
    event = JSON.parse(reject.original);
  } catch {
    // Cut where it was too long, or never JSON: there is nothing whole to accept.
    return undefined;
  }
  // The address is forgotten; what was derived from it then still holds.
  const { merchantId, receivedAt, clockCorrectionMs } = reject;
  const sentAt = clockCorrectionMs === undefined ? undefined : receivedAt - clockCorrectionMs;
  const context = { merchantId, receivedAt, countryOf: () => undefined, pseudonymOf };
  const [row] = acceptBatch({ ok: true, events: [event], sentAt }, context).accepted;
  return row === undefined || reject.country === undefined ? row : { ...row, country: reject.country };
}
