/**
 * Answers remembered for a short while, shared by everyone who asks in that time. What is given out was read at most `keepMs` ago;
 * failures are not remembered. Holds at most `entriesMax`, forgetting the oldest.
 */
export class Recent<T> {
  private readonly entries = new Map<string, { readAt: number; value: Promise<T> }>();

  constructor(private readonly options: { keepMs: number; entriesMax: number; now: () => number }) {}

  get(key: string, read: () => Promise<T>): Promise<T> {
    const readAt = this.options.now();
    const known = this.entries.get(key);
    if (known !== undefined && readAt - known.readAt < this.options.keepMs && readAt >= known.readAt) return known.value;
    const value = read();
    this.entries.delete(key);
    this.entries.set(key, { readAt, value });
    if (this.entries.size > this.options.entriesMax) this.entries.delete(this.entries.keys().next().value!);
    value.catch(() => {
      if (this.entries.get(key)?.value === value) this.entries.delete(key);
    });
    return value;
  }
}
