/** The calls that stay open until someone ends them, so that a stop can end them with a reason. */
export class OpenCalls {
  private readonly ends = new Set<(reason: string) => void>();

  /** `end` is called at a stop; the answer withdraws it when the call is over. */
  add(end: (reason: string) => void): () => void {
    this.ends.add(end);
    return () => this.ends.delete(end);
  }

  endAll(reason: string): void {
    for (const end of [...this.ends]) end(reason);
  }
}
