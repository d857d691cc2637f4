import type { Logger } from '../logging';
import type { ReadinessAnswer } from '../readiness';
import type { EventStore } from '../stores/event-store';
import { fixPartitions } from '../stores/installation';
import type { ReadStore } from '../stores/read-store';
import { type Claim, recordKinds, type WorkerPartition, type WorkerRecord } from '../stores/records';
import { AwaitedRebuilds } from './awaited-rebuilds';
import { type CoordinatorTimes, coordinatorTimes } from './coordination';
import { Coordinator, type OpenRebuild } from './coordinator';
import { convoysOf } from './convoy';
import { DocumentCache } from './document-cache';
import { messageOf } from './faults';
import { Fleet } from './fleet';
import { FlushPace, type Pace } from './flush-pace';
import type { Definition, FoldingKit } from './folding-kit';
import { generationsRead, keptOf, planOf, readGenerations } from './generations';
import { HeadWatch } from './head-watch';
import { KeptClaims } from './kept-claims';
import { LeaseBook, leaseOfCoordinator, type LeaseTimes, PartitionLeases } from './leases';
import { MemoryPool, Slots } from './memory-pool';
import { MerchantDirectory } from './merchant-settings';
import type { ProjectingMetrics } from './metrics';
import type { RunnerLimits } from './partition-runner';
import { sleep } from './timing';

export interface WorkerTimes extends LeaseTimes, CoordinatorTimes {
  readonly heartbeatMs: number;
  /** A worker that gave no sign for this long gets no share. */
  readonly workerAliveMs: number;
  readonly leaseRoundMs: number;
  /** While the worker has less than its share. */
  readonly leaseRoundShortMs: number;
  readonly coordinatorRoundMs: number;
  readonly headRoundMs: number;
  /** A graceful stop gives up flushing after this. */
  readonly drainMsMax: number;
}
const workerTimes: WorkerTimes = {
  ...coordinatorTimes,
  leaseMs: 8_000,
  renewMs: 2_000,
  heartbeatMs: 1_000,
  workerAliveMs: 6_000,
  leaseRoundMs: 500,
  leaseRoundShortMs: 250,
  coordinatorRoundMs: 500,
  headRoundMs: 1_000,
  drainMsMax: 3_500,
};

export interface WorkerLimits extends RunnerLimits {
  /** Folded and not flushed, over all partitions. */
  readonly pendingBytesTotalMax: number;
  readonly cacheBytesMax: number;
  /** Partitions a rebuild reads at the same time while far behind. */
  readonly rebuildPartitionsAtOnce: number;
}
const workerLimits: WorkerLimits = {
  flushEveryMs: 500,
  flushStretchMax: 16,
  flushLateEveryMs: 60_000,
  flushBehindEveryMs: 5_000,
  flushRebuildEveryMs: 10_000,
  pendingBytesMax: 32 << 20,
  pendingBytesTotalMax: 160 << 20,
  cacheBytesMax: 160 << 20,
  stoppedRetryMs: 30_000,
  // One folds while the other waits for the store; more would share the memory, and write the same documents in smaller batches.
  rebuildPartitionsAtOnce: 2,
};

export interface WorkerOptions<D extends Definition> {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly catalog: readonly D[];
  readonly kit: FoldingKit<D>;
  /** Of the code that folds: see codeFingerprint. */
  readonly fingerprint: string;
  readonly partitions: number;
  /** Unique among all processes that ever ran. */
  readonly workerId: string;
  readonly logger: Logger;
  readonly metrics?: ProjectingMetrics;
  readonly times?: Partial<WorkerTimes>;
  readonly limits?: Partial<WorkerLimits>;
  /** Default: a FlushPace within the limits. */
  readonly pace?: Pace;
  /** Epoch ms. */
  readonly now?: () => number;
}

/**
 * One process of the projecting role: holds its share of the partitions, folds them for every generation, and, when it has the
 * coordinator's lease, moves generations along. Outlives outages of both stores.
 */
export class ProjectionWorker<D extends Definition> {
  private readonly times: WorkerTimes;
  private readonly now: () => number;
  private readonly startedAt: number;
  private readonly fleet: Fleet<D>;
  private readonly leases: PartitionLeases;
  private readonly book: LeaseBook;
  private readonly coordinator: Coordinator;
  private readonly heads: HeadWatch;
  private readonly awaited: AwaitedRebuilds;
  private readonly kept: KeptClaims;
  private readonly over = new AbortController();
  private readonly leasing = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private leaseLoop: Promise<void> = Promise.resolve();
  private heartbeat: Promise<void> = Promise.resolve();
  private readonly troubles = new Map<string, string>();
  private isSettled = false;
  private isCoordinator = false;

  constructor(private readonly options: WorkerOptions<D>) {
    const { eventStore, readStore, catalog, kit, fingerprint, partitions, workerId, logger } = options;
    const limits = { ...workerLimits, ...options.limits };
    this.times = { ...workerTimes, ...options.times };
    const now = (this.now = options.now ?? Date.now);
    this.startedAt = now();
    this.book = new LeaseBook(readStore.records, workerId, this.times, now);
    this.fleet = new Fleet<D>({
      eventStore,
      readStore,
      partitions,
      kit,
      merchants: new MerchantDirectory(readStore, now),
      cache: new DocumentCache(limits.cacheBytesMax, (documents) => kit.documentsBytes(documents)),
      owner: workerId,
      fingerprint,
      now,
      limits,
      pace: options.pace ?? new FlushPace(limits),
      pool: new MemoryPool(limits.pendingBytesTotalMax),
      rebuildSlots: new Slots(limits.rebuildPartitionsAtOnce),
      metrics: options.metrics ?? { folded: () => undefined, flushed: () => undefined },
      logger,
      drainMsMax: this.times.drainMsMax,
    });
    this.leases = new PartitionLeases(this.book, partitions, {
      acquired: (partition) => this.fleet.hold(partition),
      lost: (partition) => this.fleet.drop(partition),
      handOver: (partition) => this.fleet.handOver(partition),
    });
    this.coordinator = new Coordinator({ eventStore, readStore, catalog, partitions, fingerprint, logger, now, times: this.times });
    this.heads = new HeadWatch(eventStore, now);
    this.kept = new KeptClaims(workerId);
    this.awaited = new AwaitedRebuilds(this.times, now, (generationId) => this.fleet.isLevel(generationId));
  }

  /**
   * @throws PartitionsRefused another number of partitions was fixed
   * @throws StoreUnavailable the log does not answer; later outages are waited for
   */
  async start(): Promise<void> {
    const { times } = this;
    await fixPartitions(this.options.eventStore, this.options.partitions);
    this.every('generations', times.generationsRoundMs, () => this.refresh(), true);
    this.every('heads', times.headRoundMs, () => this.heads.round(this.fleet.observers()));
    this.every('coordinator', times.coordinatorRoundMs, () => this.coordinate(), true);
    this.heartbeat = this.loop('heartbeat', this.leasing.signal, () => this.beat());
    this.leaseLoop = this.loop('leases', this.leasing.signal, () => this.holdShare());
  }

  /** Flushes, checkpoints and gives everything back, so that others go on at once. */
  async stop(): Promise<void> {
    this.leasing.abort();
    await Promise.all([this.leaseLoop, this.heartbeat]);
    await this.tried('leaving', () => this.leave());
    await this.tried('leaving', () => this.leases.giveAll());
    this.over.abort();
    await Promise.all(this.loops);
    if (this.isCoordinator) await this.tried('leaving', () => this.book.release(leaseOfCoordinator));
    await this.fleet.abandon();
  }

  /** Stops without a word to anyone, as a crash does: for tests of what others then do. */
  async abandon(): Promise<void> {
    this.leasing.abort();
    this.over.abort();
    await Promise.all([this.fleet.abandon(), this.leaseLoop, this.heartbeat, ...this.loops]);
  }

  /** Partitions held at present. */
  get partitions(): readonly number[] {
    return this.leases.held;
  }

  lags(): { partition: number; generation: string; seconds: number }[] {
    return this.fleet.lags();
  }

  /** How far each open rebuild is; empty unless this worker coordinates. */
  rebuilds(): readonly OpenRebuild[] {
    return this.isCoordinator ? this.coordinator.rebuilds : [];
  }

  /** For /health/ready. */
  readiness(): ReadinessAnswer {
    const troubles = [...[...this.troubles].map(([what, why]) => `${what}: ${why}`), ...this.fleet.troubles()];
    if (troubles.length > 0) {
      const more = troubles.length > 3 ? ` (and ${troubles.length - 3} more)` : '';
      return { ok: false, detail: troubles.slice(0, 3).join('; ') + more };
    }
    if (!this.isSettled) return { ok: false, detail: 'taking partitions' };
    const lag = Math.max(0, ...this.lags().map(({ seconds }) => seconds));
    return { ok: true, detail: `${this.partitions.length} partitions, lag ${lag.toFixed(1)} s` };
  }

  private async refresh(): Promise<void> {
    const view = await readGenerations(this.options.readStore.records);
    const plans = [...view.generations.values()].flatMap(({ value }) => planOf(value, this.options.catalog) ?? []);
    this.fleet.follow(plans, convoysOf(view, this.now()), generationsRead(view));
    this.awaited.follow(view.rebuilds.map(({ value }) => value));
    this.kept.follow(keptOf(view));
  }

  private async coordinate(): Promise<void> {
    const lease = (await this.book.list(leaseOfCoordinator)).get(leaseOfCoordinator);
    const isMine = this.book.isMine(lease);
    this.isCoordinator = isMine && lease!.value.until > this.now();
    if (isMine ? this.book.isDueForRenewal(lease!) : this.book.isFree(lease)) {
      this.isCoordinator = await this.book.take(leaseOfCoordinator, lease);
    }
    if (this.isCoordinator) await this.coordinator.round();
  }

  private async beat(): Promise<number> {
    const partitions = this.fleet.statuses();
    await this.tell(this.now(), partitions, this.kept.beside(partitions));
    return this.times.heartbeatMs;
  }

  /** Nobody counts on this worker any more; what it has claimed stays, until somebody has claimed more. */
  private async leave(): Promise<void> {
    const { readStore, workerId } = this.options;
    this.kept.beside(this.fleet.statuses());
    const claims = this.kept.beside([]);
    if (claims.length > 0) await this.tell(0, [], claims);
    else await readStore.records.delete(recordKinds.workers, workerId);
  }

  private async tell(at: number, partitions: WorkerPartition[], claims: Claim[]): Promise<void> {
    const { readStore, workerId } = this.options;
    const { startedAt } = this;
    const record: WorkerRecord = { workerId, pid: process.pid, startedAt, at, partitions, ...(claims.length > 0 && { claims }) };
    await readStore.records.put(recordKinds.workers, workerId, record);
  }

  private async holdShare(): Promise<number> {
    const workers = (await this.options.readStore.records.list<WorkerRecord>(recordKinds.workers)).map(({ value }) => value);
    const alive = workers.filter(({ at }) => this.now() - at < this.times.workerAliveMs).map(({ workerId }) => workerId);
    this.fleet.observe(workers);
    this.kept.heard(workers);
    const isComplete = await this.leases.round(alive);
    this.isSettled = true;
    return isComplete ? this.times.leaseRoundMs : this.times.leaseRoundShortMs;
  }

  /** @param isCutShort where a rebuild waits for nothing but the next round */
  private every(what: string, ms: number, round: () => Promise<void>, isCutShort = false): void {
    const loop = this.loop(what, this.over.signal, async () => {
      await round();
      return isCutShort ? this.awaited.pause(ms, this.over.signal) : ms;
    });
    this.loops.push(loop);
  }

  /** Round after round until the signal; a round that fails is noted and tried again. */
  private async loop(what: string, signal: AbortSignal, round: () => Promise<number>): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.tried(what, round);
      await sleep(waitMs ?? this.times.leaseRoundMs, signal);
    }
  }

  private async tried<T>(what: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await action();
      this.troubles.delete(what);
      return result;
    } catch (error) {
      const message = messageOf(error);
      if (this.troubles.get(what) !== message) this.options.logger.warn({ what }, message);
      this.troubles.set(what, message);
      return undefined;
    }
  }
}
