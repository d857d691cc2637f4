const lookEveryMs = 500;
/** A larger part of the time spent computing than this is a busy worker. */
const busyAbove = 0.75;
/** A busy worker that folds events this long after they were appended does not keep up … */
const behindAboveMs = 1_000;
/** … and one that folds them within this does, however busy. */
const behindBelowMs = 500;
const step = 1.5;

/**
 * How often partitions at the head of the log are flushed. A flush costs as much as the documents it touches, whatever the number
 * of events; so a worker that does not keep up with the log flushes more rarely, up to `flushStretchMax` times the usual pause, and
 * has the time for events. One that keeps up shows what it counted as soon as it can.
 */
export class FlushPace {
  private currentMs: number;
  private lookedAt: number;
  private seen: { idle: number; active: number };
  private behindMs = 0;

  constructor(
    private readonly limits: { readonly flushEveryMs: number; readonly flushStretchMax: number },
    private readonly clock: () => number = () => performance.now(),
    private readonly eventLoop: () => { idle: number; active: number } = () => performance.eventLoopUtilization(),
  ) {
    this.currentMs = limits.flushEveryMs;
    this.lookedAt = clock();
    this.seen = eventLoop();
  }

  /** A record at the head of the log was folded so long after it was appended. */
  folded(afterMs: number): void {
    if (afterMs > this.behindMs) this.behindMs = afterMs;
  }

  /** Milliseconds from the begin of one flush of a partition to the begin of its next. */
  get everyMs(): number {
    const now = this.clock();
    if (now - this.lookedAt < lookEveryMs) return this.currentMs;
    this.lookedAt = now;
    const before = this.seen;
    this.seen = this.eventLoop();
    const active = this.seen.active - before.active;
    const busy = active / Math.max(1, active + this.seen.idle - before.idle);
    const { flushEveryMs, flushStretchMax } = this.limits;
    if (busy > busyAbove && this.behindMs > behindAboveMs) this.currentMs = Math.min(this.currentMs * step, flushEveryMs * flushStretchMax);
    else if (busy <= busyAbove || this.behindMs < behindBelowMs) this.currentMs = Math.max(this.currentMs / step, flushEveryMs);
    this.behindMs = 0;
    return this.currentMs;
  }
}
