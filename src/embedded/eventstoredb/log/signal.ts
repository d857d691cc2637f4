/** Wakes whoever waits for something to change. Each wait is for the next change alone. */
export class Signal {
  private waiting = new Set<() => void>();

  /** Calls `wake` once at the next change; the answer withdraws it. */
  once(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => this.waiting.delete(wake);
  }

  fire(): void {
    if (this.waiting.size === 0) return;
    const woken = this.waiting;
    this.waiting = new Set();
    for (const wake of woken) wake();
  }
}
