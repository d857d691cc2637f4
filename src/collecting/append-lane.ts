import { backoffMs } from '../stores/backoff';
import type { EventStore, NewRecord } from '../stores/event-store';
import { StoreUnavailable } from '../stores/event-store';
import type { Logger } from '../logging';
import { metrics } from './metrics';
import type { QueueGauge } from './queue-gauge';

/** Thrown to whoever waits when the store has not confirmed in time, or refuses: send the same events again, they count once. */
export class NotDurable extends Error {
  override readonly name = 'NotDurable';
}

export interface LaneBounds {
  /** Rows are sealed when their record is likely to reach this size. */
  readonly recordBytesTarget: number;
  /** No record is larger, unless a single row is. */
  readonly recordBytesMax: number;
  readonly recordRowsMax: number;
  /** The longest a row waits to be sealed while the store keeps up. */
  readonly sealAfterMs: number;
  /** As sealAfterMs, while someone waits for an acknowledgement: long enough for others to join the append. */
  readonly coalesceMs: number;
  /** How long a caller waits for an acknowledgement; the record is appended all the same. */
  readonly acknowledgeWithinMs: number;
  /** One attempt of the store, which retries transient faults by itself. */
  readonly appendTimeoutMs: number;
  readonly retryAfterMs: { readonly first: number; readonly max: number };
  /** How long an append is tried again that the store answers with an error of its own making. */
  readonly giveUpAfterMs: number;
}

export const laneBounds: LaneBounds = {
  recordBytesTarget: 128 << 10,
  recordBytesMax: 512 << 10,
  recordRowsMax: 8_192,
  sealAfterMs: 200,
  coalesceMs: 2,
  acknowledgeWithinMs: 10_000,
  appendTimeoutMs: 5_000,
  retryAfterMs: { first: 50, max: 2_000 },
  giveUpAfterMs: 60_000,
};

export interface LaneContext {
  readonly eventStore: Pick<EventStore, 'append' | 'maxAppendBytes'>;
  readonly gauge: QueueGauge;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  readonly bounds: LaneBounds;
}

const LEARN_FROM_BYTES = 32 << 10;

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

interface Sealed {
  readonly record: NewRecord;
  readonly rows: number;
  readonly waiters: readonly Waiter[];
}

/**
 * The rows of one stream on their way into the log: gathered, sealed into records, appended one record at a time and in order.
 *
 * Acknowledged means durable: a waiter is resolved only after the append of every record that holds its rows. While an append
 * runs the next rows gather, so that records grow by themselves under load. A record's id comes from its content and stays the
 * same however often it is tried, so an append whose outcome is unknown is simply made again. A caller that stops waiting is
 * told "not durable" although the record may still be appended later: it sends the same event ids again, and they count once.
 */
export class AppendLane<Row> {
  private rows: Row[] = [];
  /** Bytes of the requests the gathered rows came in. */
  private rawBytes = 0;
  private waiters: Waiter[] = [];
  /** When the oldest gathered row came, by performance.now(). */
  private gatheringSince = 0;
  private sealed: Sealed[] = [];
  private timer: NodeJS.Timeout | undefined;
  private timerIsSoon = false;
  private appending = false;
  private closed = false;
  private idleListeners: (() => void)[] = [];
  private cancelBackoff: (() => void) | undefined;
  /** Bytes of a record by bytes of the requests in it, as last seen. */
  private ratio = 0.15;

  constructor(
    private readonly stream: string,
    private readonly kind: 'events' | 'rejects',
    private readonly encode: (rows: readonly Row[]) => NewRecord,
    private readonly context: LaneContext,
  ) {}

  /** @param rawBytes of the request the rows came in, for the bounds of the queue. */
  push(rows: readonly Row[], rawBytes: number): void {
    if (this.rows.length === 0) this.gatheringSince = performance.now();
    for (const row of rows) this.rows.push(row);
    this.rawBytes += rawBytes;
    this.context.gauge.add(rawBytes);
    const { recordBytesTarget, recordRowsMax, sealAfterMs } = this.context.bounds;
    if (this.rawBytes * this.ratio >= recordBytesTarget || this.rows.length >= recordRowsMax) this.seal();
    else if (!this.timer && !this.appending) this.sealIn(sealAfterMs, false);
  }

  /** As push; resolves once the rows are durable, rejects with NotDurable when that took too long or cannot be. */
  pushAndWait(rows: readonly Row[], rawBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const { acknowledgeWithinMs, coalesceMs } = this.context.bounds;
      const seconds = acknowledgeWithinMs / 1_000;
      const deadline = setTimeout(
        () => reject(new NotDurable(`the log did not confirm within ${seconds} s; send the same events again, they count once`)),
        acknowledgeWithinMs,
      );
      // The waiter first: push may seal at once, and must seal the waiter with its rows.
      this.waiters.push({
        resolve: () => {
          clearTimeout(deadline);
          resolve();
        },
        reject: (error) => {
          clearTimeout(deadline);
          reject(error);
        },
      });
      this.push(rows, rawBytes);
      if (this.rows.length > 0 && !this.appending && !this.timerIsSoon) this.sealIn(coalesceMs, true);
    });
  }

  /** Seals what was gathered, without waiting for more, and appends it after what is under way. */
  flush(): void {
    this.seal();
  }

  /** Resolves when nothing is left to append. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.idleListeners.push(resolve));
  }

  /** Gives up what is left and refuses its waiters. Returns the rows that were lost. */
  close(): number {
    this.closed = true;
    clearTimeout(this.timer);
    this.cancelBackoff?.();
    const left = this.sealed.splice(0);
    const error = new NotDurable('the collector is shutting down; send the same events again, they count once');
    for (const sealed of left) this.release(sealed, error);
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
    const lost = left.reduce((sum, { rows }) => sum + rows, this.rows.length);
    this.context.gauge.remove(this.rawBytes);
    this.rows = [];
    this.rawBytes = 0;
    return lost;
  }

  private get isIdle(): boolean {
    return this.rows.length === 0 && this.sealed.length === 0 && !this.appending;
  }

  private msUntilSeal(): number {
    return Math.max(0, this.context.bounds.sealAfterMs - (performance.now() - this.gatheringSince));
  }

  private sealIn(ms: number, soon: boolean): void {
    clearTimeout(this.timer);
    this.timerIsSoon = soon;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.timerIsSoon = false;
      // While an append runs the rows gather on: its completion seals them.
      if (!this.appending) this.seal();
    }, ms);
  }

  private seal(): void {
    if (this.timer) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.timerIsSoon = false;
    }
    if (this.rows.length > 0) {
      const { rows, rawBytes, waiters } = this;
      this.rows = [];
      this.rawBytes = 0;
      this.waiters = [];
      const sealed = this.encodeOrRefuse(rows, waiters);
      const bytes = sealed.reduce((sum, { record }) => sum + record.data.byteLength, 0);
      // Small records compress badly, and say nothing about large ones.
      if (rawBytes >= LEARN_FROM_BYTES) this.ratio = (this.ratio + Math.min(1, bytes / rawBytes)) / 2;
      this.context.gauge.add(bytes);
      this.context.gauge.remove(rawBytes);
      this.sealed.push(...sealed);
    }
    if (!this.appending && this.sealed.length > 0 && !this.closed) void this.appendAll();
  }

  private encodeOrRefuse(rows: readonly Row[], waiters: readonly Waiter[]): Sealed[] {
    try {
      return this.encodeWithinBounds(rows, waiters);
    } catch (error) {
      // Accepted rows can always be encoded; were it otherwise, one bad row must not stop all that come after it.
      metrics.droppedEvents.inc({ cause: 'append-refused' }, rows.length);
      const refused = this.giveUp((error as Error).message);
      for (const waiter of waiters) waiter.reject(refused);
      return [];
    }
  }

  /** One record, or as many as it takes; those who wait do so for the last one, which is appended after the others. */
  private encodeWithinBounds(rows: readonly Row[], waiters: readonly Waiter[]): Sealed[] {
    const record = this.encode(rows);
    const { recordBytesMax, recordRowsMax } = this.context.bounds;
    const isWithin = record.data.byteLength <= recordBytesMax && rows.length <= 2 * recordRowsMax;
    if (isWithin || rows.length === 1) return [{ record, rows: rows.length, waiters }];
    const half = rows.length >> 1;
    return [...this.encodeWithinBounds(rows.slice(0, half), []), ...this.encodeWithinBounds(rows.slice(half), waiters)];
  }

  private async appendAll(): Promise<void> {
    this.appending = true;
    let refused: NotDurable | undefined;
    for (let sealed = this.sealed[0]; sealed && !this.closed; sealed = this.sealed[0]) {
      const error = await this.append(sealed.record);
      if (this.closed) break;
      this.sealed.shift();
      if (error) {
        metrics.droppedEvents.inc({ cause: 'append-refused' }, sealed.rows);
        refused = error;
      } else {
        metrics.appendedRecords.inc({ stream: this.kind });
        metrics.appendedEvents.inc({ stream: this.kind }, sealed.rows);
        metrics.appendedBytes.inc({ stream: this.kind }, sealed.record.data.byteLength);
      }
      // A waiter's rows may lie in several records: it hears of the first failure among those before its own.
      this.release(sealed, refused);
      if (sealed.waiters.length > 0) refused = undefined;
      if (this.sealed.length === 0 && this.waiters.length > 0) this.seal();
    }
    this.appending = false;
    if (this.rows.length > 0 && !this.closed) this.sealIn(this.msUntilSeal(), false);
    if (this.isIdle || this.closed) for (const listener of this.idleListeners.splice(0)) listener();
  }

  private release(sealed: Sealed, error: Error | undefined): void {
    this.context.gauge.remove(sealed.record.data.byteLength);
    for (const waiter of sealed.waiters) {
      if (error) waiter.reject(error);
      else waiter.resolve();
    }
  }

  /** Undefined once appended; the error when the store will not have it. */
  private async append(record: NewRecord): Promise<NotDurable | undefined> {
    const { eventStore, logger, bounds } = this.context;
    if (record.data.byteLength > eventStore.maxAppendBytes) {
      return this.giveUp(`a record of ${record.data.byteLength} bytes is more than the store takes (${eventStore.maxAppendBytes})`);
    }
    const startedAt = performance.now();
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await eventStore.append(this.stream, [record], { timeoutMs: bounds.appendTimeoutMs });
        if (!result.ok) throw new Error(`the stream is at another revision than any: ${String(result.actual)}`);
        metrics.appendSeconds.observe((performance.now() - startedAt) / 1_000);
        return undefined;
      } catch (error) {
        if (this.closed) return new NotDurable('shutting down');
        const triedForMs = performance.now() - startedAt;
        if (!(error instanceof StoreUnavailable) && triedForMs > bounds.giveUpAfterMs) return this.giveUp((error as Error).message);
        metrics.appendRetries.inc();
        if (attempt === 0 || attempt % 10 === 0) {
          logger.warn(
            { stream: this.stream, attempt, triedForMs: Math.round(triedForMs), error: (error as Error).message },
            'append failed, trying again',
          );
        }
        const { first, max } = bounds.retryAfterMs;
        await this.backoff(backoffMs(attempt, { firstMs: first, longestMs: max }));
      }
    }
  }

  private giveUp(why: string): NotDurable {
    this.context.logger.error({ stream: this.stream, why }, 'append given up, its events are not in the log');
    return new NotDurable(`the log refused the events: ${why}`);
  }

  private backoff(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.cancelBackoff = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
