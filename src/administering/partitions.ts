import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { eventsStream } from '../domain/partition';
import { claimsOf, completeTo } from '../stores/claims';
import { EVENT_STORE, type EventStore } from '../stores/event-store';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { partitionsWithin } from '../stores/overlays';
import { type Claim, controlId, type GenerationRecord, type LivePointer, recordKinds, type WorkerRecord } from '../stores/records';
import { lagSeconds, standings } from './workers';

export interface PartitionRow {
  partition: number;
  generation: string;
  /** The worker that folds it; null while none does. */
  owner: string | null;
  /** Log revision folded and stored; -1 before the first. */
  checkpoint: number;
  /** Newest log revision; -1 while nothing was collected. */
  head: number;
  /** Log records between the two. */
  lag: number;
  lagSeconds: number | null;
  stopped?: string;
}

export class ListPartitions extends Query<PartitionRow[]> {}

/** Each partition of each generation that serves or is being built. */
@QueryHandler(ListPartitions)
export class ListPartitionsHandler implements IQueryHandler<ListPartitions> {
  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(EVENT_STORE) private readonly log: EventStore,
    @Inject(CONFIGURATION) private readonly configuration: Pick<ResolvedConfiguration, 'partitions'>,
  ) {}

  async execute(): Promise<PartitionRow[]> {
    const { records } = this.store;
    const [live, workers, known] = await Promise.all([
      records.list<LivePointer>(recordKinds.live),
      records.list<WorkerRecord>(recordKinds.workers),
      records.list<GenerationRecord>(recordKinds.generations),
    ]);
    const now = Date.now();
    const owned = standings(
      workers.map(({ value }) => value),
      now,
    );
    const claims = workers.flatMap(({ value }) => claimsOf(value));
    const generations = new Set(live.map(({ value }) => value.generationId));
    for (const { generation } of owned.values()) generations.add(generation);

    const generationRecords = new Map(known.map(({ id, value }) => [id, value]));
    const rows: PartitionRow[] = [];
    for (const generation of [...generations].sort(byNumber)) {
      // One that counts a single merchant folds that merchant's partitions; nobody misses the others.
      for (const partition of partitionsWithin(generationRecords.get(generation), this.configuration.partitions)) {
        const standing = owned.get(controlId(generation, partition));
        if (standing === undefined) {
          rows.push(await this.orphan(generation, partition, claims, now));
          continue;
        }
        const { workerId, checkpoint, head, stopped } = standing;
        const lag = Math.max(0, head - checkpoint);
        const row = { partition, generation, owner: workerId, checkpoint, head, lag, lagSeconds: lagSeconds(standing, now) };
        rows.push(stopped === undefined ? row : { ...row, stopped });
      }
    }
    return rows;
  }

  /** Nobody reports it, so the stores are asked. */
  private async orphan(generation: string, partition: number, claims: readonly Claim[], now: number): Promise<PartitionRow> {
    const [control, newest] = await Promise.all([
      this.store.control.get(controlId(generation, partition)),
      this.log.last(eventsStream(partition)),
    ]);
    const { revision: checkpoint, logTime } = control?.checkpoint ?? { revision: -1, logTime: 0 };
    const head = newest === undefined ? -1 : Number(newest.revision);
    const standing = {
      checkpoint,
      checkpointTime: logTime,
      caughtUpAt: completeTo(claims, { generation, partition }, { revision: checkpoint, logTime }),
      head,
    };
    return {
      partition,
      generation,
      owner: null,
      checkpoint,
      head,
      lag: Math.max(0, head - checkpoint),
      lagSeconds: lagSeconds(standing, now),
    };
  }
}

const byNumber = (a: string, b: string): number => Number(a.slice(1)) - Number(b.slice(1));
