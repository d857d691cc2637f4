/** What callers wait for, looked at again after everything that may have brought it about. */
export class Conditions {
  private waiting: { isMet: () => boolean; settle: () => void }[] = [];

  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((settle) => this.waiting.push({ isMet, settle }));
  }

  look(): void {
    if (this.waiting.length === 0) return;
    const met = this.waiting.filter(({ isMet }) => isMet());
    if (met.length === 0) return;
    this.waiting = this.waiting.filter((waiter) => !met.includes(waiter));
    for (const { settle } of met) settle();
  }
}

/** False when the time ran out first. */
export async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
