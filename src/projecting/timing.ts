import { backoffMs } from '../stores/backoff';

const betweenTurnsMs = 20;

/** Resolves after a time, or at once when the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/** Gives timers and sockets their turn between two pieces of work. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Gives timers and sockets their turn now and then during work that waits for nothing. */
export class Turns {
  private lastAt = 0;

  async give(): Promise<void> {
    if (performance.now() - this.lastAt < betweenTurnsMs) return;
    await nextTurn();
    this.lastAt = performance.now();
  }
}

/** Grows from 50 ms to 5 s, so that a store that comes back is found soon and one that stays away is not hammered. */
export class Backoff {
  private attempts = 0;

  reset(): void {
    this.attempts = 0;
  }

  wait(signal: AbortSignal): Promise<void> {
    return sleep(backoffMs(this.attempts++, { firstMs: 50, longestMs: 5_000 }), signal);
  }
}

/** One waiter, woken by a notice; a notice given while nobody waits is kept. */
export class Bell {
  private rung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** Until the bell rings, the time is over or the signal is aborted. */
  async wait(ms: number | undefined, signal: AbortSignal): Promise<void> {
    if (!this.rung && !signal.aborted && (ms === undefined || ms > 0)) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          this.wake = undefined;
          resolve();
        };
        const timer = ms === undefined ? undefined : setTimeout(done, ms);
        signal.addEventListener('abort', done);
        this.wake = done;
      });
    }
    this.rung = false;
  }
}
