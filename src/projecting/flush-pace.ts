const lookEveryMs = 500;
/** A larger part of the time spent computing than this is a busy worker … */
const busyAbove = 0.75;
/** … a smaller one an idle worker. */
const idleBelow = 0.45;
const step = 1.5;

/**
 * How often partitions at the head of the log are flushed. A flush costs as much as the documents it touches, whatever the number
 * of events; so a worker that is busy flushes more rarely, up to `stretchMax` times the usual pause, and has the time for events.
 */
export class FlushPace {
  private currentMs: number;
  private lookedAt: number;
  private seen: { idle: number; active: number };

  constructor(
    private readonly limits: { readonly flushEveryMs: number; readonly flushStretchMax: number },
    private readonly clock: () => number = () => performance.now(),
    private readonly eventLoop: () => { idle: number; active: number } = () => performance.eventLoopUtilization(),
  ) {
    this.currentMs = limits.flushEveryMs;
    this.lookedAt = clock();
    this.seen = eventLoop();
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
    if (busy > busyAbove) this.currentMs = Math.min(this.currentMs * step, flushEveryMs * flushStretchMax);
    else if (busy < idleBelow) this.currentMs = Math.max(this.currentMs / step, flushEveryMs);
    return this.currentMs;
  }
}
