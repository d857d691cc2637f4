import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Counter } from 'prom-client';
import { UnreadableFact } from '../domain/merchant-events';
import { merchantStream } from '../domain/partition';
import { type Logger, LOGGER } from '../logging';
import { backoffMs } from '../stores/backoff';
import { markDirectoryWhole } from '../stores/directory-whole';
import { EVENT_STORE, type EventStore, type RecordedEvent } from '../stores/event-store';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { type DirectoryView, emptyView, foldDirectory, writesAfter } from './directory';
import { DirectoryRecords } from './directory-records';
import { ExpiringCache } from './expiring-cache';
import { Lease } from './lease';
import { MerchantLog, readRecord } from './merchant-log';

/** Where the directory stands in the log: kind 'directory', id 'position'. */
interface DirectoryPosition {
  /** Commit position, decimal. */
  position: string;
}
const positionKind = 'directory';
const positionId = 'position';

/** Writes under way at once while catching up. */
const writesInFlightMax = 32;
const savePositionAfterRecords = 200;
const savePositionAfterMs = 1_000;
const backoff = { firstMs: 250, longestMs: 30_000 };
const leaseRetryMs = 5_000;

const prefix = merchantStream('');

const unreadable = new Counter({
  name: 'recount_directory_unreadable_records_total',
  help: 'Merchant records this version could not read; their merchants show as they were before',
});

/**
 * Follows the streams of all merchants and writes the directory from them. A change is already written by the process that made
 * it; this repairs what a crash between append and write left out, and builds the directory of an empty read store.
 */
@Injectable()
export class DirectorySubscription implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stop = new AbortController();
  private readonly lease: Lease;
  /** Folded so far, by stream, so that the next fact of a merchant costs no read. */
  private readonly views = new ExpiringCache<DirectoryView>({ entriesMax: 1_000, ttlMs: 60_000 });
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(EVENT_STORE) private readonly log: EventStore,
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly merchants: MerchantLog,
    private readonly directory: DirectoryRecords,
  ) {
    this.lease = new Lease(store.records, 'directory');
  }

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stop.signal.aborted) {
      let waitMs = leaseRetryMs;
      try {
        await this.lease.hold(this.stop.signal, (signal) => this.follow(signal, () => (failures = 0)));
      } catch (error) {
        waitMs = backoffMs(failures++, backoff);
        this.logger.warn({ err: error, retryAfterMs: Math.round(waitMs) }, 'the directory of merchants is not followed at the moment');
      }
      await this.pause(waitMs);
    }
  }

  /** From the saved position on, until the signal. The position is saved behind the writes, never before them. */
  async follow(signal: AbortSignal, onProgress: () => void = () => undefined): Promise<void> {
    const saved = await this.store.records.get<DirectoryPosition>(positionKind, positionId);
    const after = saved === undefined ? undefined : BigInt(saved.value.position);
    const inFlight: Promise<void>[] = [];
    let newest: bigint | undefined;
    let unsaved = 0;
    let savedAt = performance.now();
    const settle = async (): Promise<void> => {
      await Promise.all(inFlight.splice(0));
      if (newest === undefined || unsaved === 0) return;
      const position: DirectoryPosition = { position: String(newest) };
      await this.store.records.put(positionKind, positionId, position);
      unsaved = 0;
      savedAt = performance.now();
      onProgress();
    };
    try {
      for await (const item of this.log.subscribeAll({ prefix, after, signal })) {
        if (item.kind === 'caught-up') {
          await settle();
          await markDirectoryWhole(this.store.records);
          onProgress();
          continue;
        }
        const write = this.take(item);
        // A failure is met where the writes are awaited; until then it must not count as unhandled.
        write.catch(() => undefined);
        inFlight.push(write);
        newest = item.position;
        unsaved++;
        if (inFlight.length >= writesInFlightMax) await Promise.all(inFlight.splice(0));
        if (unsaved >= savePositionAfterRecords || performance.now() - savedAt >= savePositionAfterMs) await settle();
      }
      await settle();
    } finally {
      await Promise.allSettled(inFlight);
    }
  }

  /** Starts writing what one record changes. Folding is synchronous where the merchant is known, so records keep their order. */
  private take(record: RecordedEvent): Promise<void> {
    const known = record.revision === 0n ? emptyView : this.views.get(record.stream);
    if (known === undefined || known.revision < record.revision - 1n) return this.reload(record);
    if (known.revision >= record.revision) return Promise.resolve();
    try {
      const view = foldDirectory(known, readRecord(record), record.revision);
      this.views.set(record.stream, view);
      return this.directory.apply(writesAfter(view, known.revision));
    } catch (error) {
      return this.refuse(error, record);
    }
  }

  /** Reads the merchant from its start: its earlier facts came before the saved position, or were forgotten here. */
  private async reload(record: RecordedEvent): Promise<void> {
    try {
      const { view } = await this.merchants.load(record.stream.slice(prefix.length));
      this.views.set(record.stream, view);
      await this.directory.apply(writesAfter(view, -1n));
    } catch (error) {
      await this.refuse(error, record);
    }
  }

  /**
   * A fact of a newer version must not hold up every other merchant: it is passed over, said, and counted. The merchant is written
   * whole by a process that knows it, at its next change at the latest.
   */
  private async refuse(error: unknown, { stream, revision }: RecordedEvent): Promise<void> {
    if (!(error instanceof UnreadableFact)) throw error;
    this.views.delete(stream);
    unreadable.inc();
    this.logger.error({ err: error, stream, revision: String(revision) }, 'a merchant record cannot be read and is passed over');
  }

  private async pause(ms: number): Promise<void> {
    // Only the stop ends a wait early, and then there is nothing left to do.
    await delay(ms, undefined, { signal: this.stop.signal }).catch(() => undefined);
  }
}
