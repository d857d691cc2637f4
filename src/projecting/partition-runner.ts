import type { Logger } from '../logging';
import { eventsStream } from '../domain/partition';
import { StoreUnavailable } from '../stores/event-store';
import type { Claim, WorkerPartition } from '../stores/records';
import { Fenced, FoldStopped, messageOf, RebuildNeeded, Stopped } from './faults';
import { lateEveryMs, type Pace, type PaceLimits, paceLookEveryMs } from './flush-pace';
import type { Definition } from './folding-kit';
import type { MemoryPool, Slots } from './memory-pool';
import type { ProjectingMetrics } from './metrics';
import type { FoldContext, PartitionFold } from './partition-fold';
import { PartitionStatus } from './partition-status';
import { mustHold, takeOver } from './taking-over';
import { Backoff, Bell, sleep } from './timing';

export interface RunnerLimits extends PaceLimits {
  /** Before the head of the log is reached, where few and large flushes are faster: at least this long, and as long as it is behind. */
  readonly flushBehindEveryMs: number;
  /** The same of a rebuild, which nobody reads: mostly memory is full before. Progress is told as often, and what a crash loses is folded again. */
  readonly flushRebuildEveryMs: number;
  /** Folded and not taken; beyond it the log is not pulled. */
  readonly pendingBytesMax: number;
  /** A record that cannot be folded is tried again after this. */
  readonly stoppedRetryMs: number;
}

/** What a runner shares with the others of its worker. */
export interface RunnerSurroundings {
  readonly limits: RunnerLimits;
  readonly pool: MemoryPool;
  readonly pace: Pace;
  readonly rebuildSlots: Slots;
  readonly metrics: ProjectingMetrics;
  readonly logger: Logger;
  readonly now: () => number;
  /** What all workers have told readers, as far as it is known here. */
  claims(): readonly Claim[];
  /** Resolves when a flush to r1 may begin: see Convoy. */
  mayFlush(runner: object, r1: number, signal: AbortSignal): Promise<void>;
  /** Resolves once live partitions are not far behind. */
  yieldToLive(signal: AbortSignal): Promise<void>;
}

/**
 * Keeps one partition folded for one generation: pulls the log, flushes beside it, starts over after faults. Never throws; what
 * is wrong is in `status`.
 */
export class PartitionRunner<D extends Definition> {
  private readonly halt = new AbortController();
  private readonly pulling = new AbortController();
  private readonly due = new Bell();
  private readonly room = new Bell();
  private readonly backoff = new Backoff();
  private running: Promise<void> | undefined;
  private isAtHead = false;
  private everAtHead = false;
  private pullEnded = false;
  private lastFlushAt = Number.NEGATIVE_INFINITY;
  private flushingBytes = 0;
  private reportedDuplicates = 0;
  private reportedEvents = 0;
  private readonly standing: PartitionStatus;
  lastRecordAt = 0;
  /** How long after it was appended the last record was folded. */
  private behindMs = 0;

  constructor(
    private readonly context: FoldContext<D>,
    private readonly surroundings: RunnerSurroundings,
    /** Whether its generation is still being built: it then gives way to those that serve until it has reached the head. */
    private readonly isRebuilding: () => boolean,
  ) {
    this.standing = new PartitionStatus(context.partition, context.generation.generationId);
  }

  get status(): WorkerPartition {
    return this.standing.copy;
  }

  /** What keeps it from going on at the moment, for people; undefined when nothing does. */
  get trouble(): string | undefined {
    return this.standing.trouble;
  }

  /** It has reached the head of the log and follows it. */
  get isFollowing(): boolean {
    return this.isAtHead && this.trouble === undefined;
  }

  /** It has reached the head of the log, if only once. */
  get hasBeenLevel(): boolean {
    return this.everAtHead;
  }

  /** Milliseconds of log time, or of waiting, between what was appended and what is flushed. */
  lagMs(now: number): number {
    return this.standing.lagMs(now);
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Stops pulling, flushes what is folded, and ends; gives up flushing after `drainMsMax`. */
  async drain(drainMsMax: number): Promise<void> {
    this.pulling.abort();
    this.due.ring();
    const late = setTimeout(() => this.halt.abort(), drainMsMax);
    await this.running;
    clearTimeout(late);
    this.halt.abort();
  }

  /** Stops at once; what is not flushed is folded again by the next owner. */
  async abandon(): Promise<void> {
    this.pulling.abort();
    this.halt.abort();
    await this.running;
  }

  /** The newest revision of the stream when it was asked for at `askedAt`. */
  observeHead(revision: number, askedAt: number): void {
    this.standing.headAt(revision, askedAt);
  }

  private async run(): Promise<void> {
    while (!this.pulling.signal.aborted) {
      const inTurn = this.isRebuilding() && !this.everAtHead;
      const release = inTurn ? await this.surroundings.rebuildSlots.acquire(this.pulling.signal) : undefined;
      try {
        if (this.pulling.signal.aborted) return;
        await this.attempt(release ?? (() => undefined));
      } catch (error) {
        release?.();
        if (this.halt.signal.aborted || error instanceof Stopped) return;
        await this.recover(error);
      } finally {
        release?.();
      }
    }
  }

  private async attempt(atHead: () => void): Promise<void> {
    const fold = await takeOver(this.context, this.halt.signal);
    this.reportedEvents = fold.eventsRead;
    this.reportedDuplicates = 0;
    this.pullEnded = false;
    this.lastFlushAt = performance.now();
    this.standing.begun(fold.checkpoint, this.surroundings.claims());
    // The first failure of the two ends the other.
    const together = new AbortController();
    const end = (): void => together.abort();
    this.halt.signal.addEventListener('abort', end);
    const failFast = (error: unknown): never => {
      together.abort();
      throw error;
    };
    try {
      const both = await Promise.allSettled([
        this.pull(fold, together.signal, atHead).catch(failFast),
        this.flushes(fold, together.signal).catch(failFast),
      ]);
      for (const one of both) if (one.status === 'rejected') throw one.reason;
    } finally {
      this.halt.signal.removeEventListener('abort', end);
      this.isAtHead = false;
      this.flushingBytes = 0;
      this.surroundings.pool.set(this, 0);
      fold.close();
    }
  }

  private async pull(fold: PartitionFold<D>, together: AbortSignal, atHead: () => void): Promise<void> {
    const signal = AbortSignal.any([together, this.pulling.signal]);
    const { eventStore, partition } = this.context;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        // Whatever the log was away for, it may have come back as another.
        if (attempt > 0) await mustHold(this.context, fold);
        const after = fold.revision < 0 ? undefined : BigInt(fold.revision);
        for await (const item of eventStore.subscribe(eventsStream(partition), { after, signal })) {
          if (signal.aborted) break;
          if (item.kind === 'caught-up') {
            this.isAtHead = this.everAtHead = true;
            // What was folded on the way is shown at once, and a rebuild is not kept from being level.
            this.lastFlushAt = Number.NEGATIVE_INFINITY;
            atHead();
            this.standing.problem = undefined;
            this.standing.level(fold.revision);
          } else {
            await fold.fold(item);
            this.standing.read(fold.revision);
            this.lastRecordAt = this.surroundings.now();
            this.behindMs = this.lastRecordAt - item.createdAt;
            if (this.isAtHead) this.surroundings.pace.folded(this.behindMs);
          }
          this.standing.problem = undefined;
          this.backoff.reset();
          this.account(fold);
          this.due.ring();
          await this.waitForRoom(fold, signal);
        }
        if (!signal.aborted) throw new StoreUnavailable(`the subscription to ${eventsStream(partition)} ended`);
      } catch (error) {
        this.isAtHead = false;
        if (signal.aborted) break;
        if (!(error instanceof StoreUnavailable)) throw error;
        this.note(error);
        await this.backoff.wait(signal);
      }
    }
    this.pullEnded = true;
    this.due.ring();
  }

  private async waitForRoom(fold: PartitionFold<D>, signal: AbortSignal): Promise<void> {
    const { limits, pool } = this.surroundings;
    while (!signal.aborted && fold.hasPending && (fold.pendingBytes >= limits.pendingBytesMax || pool.isFull)) {
      this.due.ring();
      await this.room.wait(50, signal);
    }
    if (this.isRebuilding() && !this.everAtHead) await this.surroundings.yieldToLive(signal);
  }

  private async flushes(fold: PartitionFold<D>, signal: AbortSignal): Promise<void> {
    const { metrics } = this.surroundings;
    while (!signal.aborted) {
      if (!fold.hasPending) {
        if (this.pullEnded) return;
        await this.due.wait(undefined, signal);
        continue;
      }
      const waitMs = this.flushDueInMs(fold);
      if (waitMs > 0) {
        // Not to the end at once: a worker that is no longer busy flushes sooner than it meant to.
        await this.due.wait(Math.min(waitMs, paceLookEveryMs), signal);
        continue;
      }
      const begunAt = (this.lastFlushAt = performance.now());
      this.flushingBytes = fold.pendingBytes;
      const r1 = fold.beginFlush();
      this.room.ring();
      await this.surroundings.mayFlush(this, r1, signal);
      const written = await this.completeFlush(fold, signal);
      this.flushingBytes = 0;
      this.account(fold);
      this.room.ring();
      if (written === undefined) return;
      metrics.flushed(written, (performance.now() - begunAt) / 1000);
      this.standing.flushed(fold.checkpoint);
    }
  }

  /** The same writes again, until the store has answered for all of them. Undefined: given up, the next owner finishes it. */
  private async completeFlush(fold: PartitionFold<D>, signal: AbortSignal): Promise<number | undefined> {
    const backoff = new Backoff();
    while (!signal.aborted) {
      try {
        const written = await fold.completeFlush();
        this.standing.problem = undefined;
        return written;
      } catch (error) {
        if (error instanceof Fenced || error instanceof RebuildNeeded) throw error;
        this.note(error);
        await backoff.wait(signal);
      }
    }
    return undefined;
  }

  private flushDueInMs(fold: PartitionFold<D>): number {
    const { limits, pool, pace } = this.surroundings;
    if (this.pulling.signal.aborted) return this.pullEnded ? 0 : 10;
    if (fold.pendingBytes >= limits.pendingBytesMax || pool.mustFlush(this)) return 0;
    return this.lastFlushAt + (this.isAtHead ? pace.everyMs : this.behindEveryMs) - performance.now();
  }

  private get behindEveryMs(): number {
    const { limits } = this.surroundings;
    return this.isRebuilding() ? limits.flushRebuildEveryMs : Math.max(limits.flushBehindEveryMs, lateEveryMs(this.behindMs, limits));
  }

  private async recover(error: unknown): Promise<void> {
    const { limits, logger } = this.surroundings;
    const { partition, generation } = this.context;
    const where = { partition, generation: generation.generationId };
    if (error instanceof RebuildNeeded) {
      this.standing.stopped(error.message, true);
      logger.error({ ...where }, `stopped, this generation must be rebuilt: ${error.message}`);
      await sleepUntilAborted(this.pulling.signal);
    } else if (error instanceof FoldStopped) {
      this.standing.stopped(`${error.message}; tried again every ${Math.round(limits.stoppedRetryMs / 1000)} s`, false);
      logger.error({ ...where, err: error.cause }, `stopped: ${error.message}`);
      await sleep(limits.stoppedRetryMs, this.pulling.signal);
    } else if (error instanceof Fenced) {
      logger.warn(where, error.message);
      // The lease decides who goes on; meanwhile two owners must not take over from each other in a loop.
      await sleep(1_000, this.pulling.signal);
    } else {
      this.note(error);
      await this.backoff.wait(this.pulling.signal);
    }
  }

  private note(error: unknown): void {
    const { logger } = this.surroundings;
    const { partition, generation } = this.context;
    const where = { partition, generation: generation.generationId };
    const message = messageOf(error);
    if (this.standing.problem !== message) {
      if (error instanceof StoreUnavailable) logger.warn(where, `waiting for a store: ${message}`);
      else logger.error({ ...where, err: error }, `trying again after: ${message}`);
    }
    this.standing.problem = message;
  }

  private account(fold: PartitionFold<D>): void {
    const { metrics, pool } = this.surroundings;
    pool.set(this, fold.pendingBytes + this.flushingBytes);
    metrics.folded(fold.eventsRead - this.reportedEvents, fold.duplicatesDropped - this.reportedDuplicates);
    this.reportedEvents = fold.eventsRead;
    this.reportedDuplicates = fold.duplicatesDropped;
  }
}

function sleepUntilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
