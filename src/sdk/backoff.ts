/** Doubling pauses with jitter, so that many clients do not come back in one wave. */
export class Backoff {
  private attempts = 0;

  constructor(
    private readonly firstMs: number,
    private readonly maxMs: number,
  ) {}

  reset(): void {
    this.attempts = 0;
  }

  /** Between half of the pause and all of it. */
  nextMs(): number {
    const pause = Math.min(this.maxMs, this.firstMs * 2 ** Math.min(this.attempts++, 30));
    return pause / 2 + (Math.random() * pause) / 2;
  }
}
