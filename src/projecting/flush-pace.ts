/** How often the pace is decided anew; whoever waits for it looks as often. */
export const paceLookEveryMs = 500;
/** A larger part of the time spent computing than this is a busy worker, which may stretch the pause so far … */
const busyAbove = 0.75;
const busyStretch = 4;
/** … and up to its bound while it folds events this long after they were appended, that is, does not keep up … */
const behindAboveMs = 1_000;
/** … until it folds them within this. */
const behindBelowMs = 500;
const step = 1.5;

export interface PaceLimits {
  /** From the begin of one flush to the begin of the next, at the head of the log. */
  readonly flushEveryMs: number;
  /** A busy worker lets up to this many times as long pass. */
  readonly flushStretchMax: number;
  /** Of one that does not keep up, however late it is. */
  readonly flushLateEveryMs: number;
}

/** Who is late flushes as rarely as that: readers wait at most twice as long, and the time goes into events. */
export const lateEveryMs = (behindMs: number, limits: PaceLimits): number => Math.min(behindMs, limits.flushLateEveryMs);

export interface Pace {
  /** Milliseconds from the begin of one flush of a partition to the begin of its next. */
  readonly everyMs: number;
  /** A record at the head of the log was folded so long after it was appended. */
  folded(afterMs: number): void;
}

/**
 * How often partitions at the head of the log are flushed. A flush costs as much as the documents it touches, whatever the number
 * of events; so a busy worker flushes more rarely, one that does not keep up with the log up to `flushStretchMax` times as rarely, and one that is later
 * than that as rarely as it is late, without which it would never catch up.
 */
export class FlushPace implements Pace {
  private currentMs: number;
  private lookedAt: number;
  private seen: { idle: number; active: number };
  private behindMs = 0;
  /** Zero unless busy. */
  private lateMs = 0;

  constructor(
    private readonly limits: PaceLimits,
    private readonly clock: () => number = () => performance.now(),
    private readonly eventLoop: () => { idle: number; active: number } = () => performance.eventLoopUtilization(),
  ) {
    this.currentMs = limits.flushEveryMs;
    this.lookedAt = clock();
    this.seen = eventLoop();
  }

  folded(afterMs: number): void {
    if (afterMs > this.behindMs) this.behindMs = afterMs;
  }

  get everyMs(): number {
    const now = this.clock();
    if (now - this.lookedAt < paceLookEveryMs) return this.longer;
    this.lookedAt = now;
    const before = this.seen;
    this.seen = this.eventLoop();
    const active = this.seen.active - before.active;
    const busy = active / Math.max(1, active + this.seen.idle - before.idle);
    const { flushEveryMs, flushStretchMax } = this.limits;
    const busyMs = flushEveryMs * Math.min(busyStretch, flushStretchMax);
    if (busy <= busyAbove) this.currentMs = Math.max(this.currentMs / step, flushEveryMs);
    else if (this.behindMs > behindAboveMs) this.currentMs = Math.min(this.currentMs * step, flushEveryMs * flushStretchMax);
    else if (this.currentMs < busyMs) this.currentMs = Math.min(this.currentMs * step, busyMs);
    else if (this.behindMs < behindBelowMs) this.currentMs = Math.max(this.currentMs / step, busyMs);
    this.lateMs = busy > busyAbove ? lateEveryMs(this.behindMs, this.limits) : 0;
    this.behindMs = 0;
    return this.longer;
  }

  private get longer(): number {
    return Math.max(this.currentMs, this.lateMs);
  }
}
