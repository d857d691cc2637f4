const endings: (() => Promise<void> | void)[] = [];
let ending: Promise<void> | undefined;

/** What a benchmark starts or creates is ended and removed, the latest first: when it is done, when it fails, and on Ctrl-C. */
export function atEnd(end: () => Promise<void> | void): void {
  endings.push(end);
}

export function endAll(): Promise<void> {
  return (ending ??= endEach());
}

async function endEach(): Promise<void> {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) {
    try {
      await end();
    } catch (error) {
      // The others must be ended all the same.
      process.stderr.write(`${String(error)}\n`);
    }
  }
}

export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void endAll().finally(() => process.exit(130)));
  }
}
