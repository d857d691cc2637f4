/** What all folds of a worker hold in memory before it is flushed, bounded together. */
export class MemoryPool {
  private readonly held = new Map<object, number>();
  private total = 0;

  constructor(readonly bytesMax: number) {}

  get bytes(): number {
    return this.total;
  }

  get isFull(): boolean {
    return this.total >= this.bytesMax;
  }

  /** Full, and the owner holds at least an average part of it: flushing this one makes room. */
  mustFlush(owner: object): boolean {
    return this.isFull && (this.held.get(owner) ?? 0) * this.held.size >= this.total;
  }

  set(owner: object, bytes: number): void {
    this.total += bytes - (this.held.get(owner) ?? 0);
    if (bytes === 0) this.held.delete(owner);
    else this.held.set(owner, bytes);
  }
}

/** Rebuilds far behind the log take turns: few partitions at a time, with large batches each. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  /** The answer gives the slot back; calling it again does nothing. Undefined: the signal was aborted while waiting. */
  async acquire(signal: AbortSignal): Promise<(() => void) | undefined> {
    while (this.free === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          signal.removeEventListener('abort', done);
          const place = this.waiting.indexOf(done);
          if (place >= 0) this.waiting.splice(place, 1);
          resolve();
        };
        signal.addEventListener('abort', done);
        this.waiting.push(done);
      });
    }
    if (signal.aborted) {
      // Woken and aborted at once: whoever is next may be in time.
      if (this.free > 0) this.waiting[0]?.();
      return undefined;
    }
    this.free--;
    let given = true;
    return () => {
      if (!given) return;
      given = false;
      this.free++;
      this.waiting[0]?.();
    };
  }
}
