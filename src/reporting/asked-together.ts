/**
 * Equal questions that come while one of them is being answered, as from many who look at the same dashboard, are answered together
 * after it: the store is read once for all of them, and never before any of them was asked.
 */
export class AskedTogether {
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly next = new Map<string, Promise<unknown>>();

  /** @param question equal for those that have the same answer, whoever asks */
  ask<Answer>(question: string, answer: () => Promise<Answer>): Promise<Answer> {
    const running = this.running.get(question);
    if (running === undefined) return this.begin(question, answer);
    let next = this.next.get(question) as Promise<Answer> | undefined;
    if (next === undefined) {
      const begin = (): Promise<Answer> => {
        this.next.delete(question);
        return this.begin(question, answer);
      };
      // What became of the one before is for those who asked it.
      next = running.then(begin, begin);
      this.next.set(question, next);
    }
    return next;
  }

  private begin<Answer>(question: string, answer: () => Promise<Answer>): Promise<Answer> {
    const running = answer().finally(() => {
      if (this.running.get(question) === running) this.running.delete(question);
    });
    this.running.set(question, running);
    return running;
  }
}
