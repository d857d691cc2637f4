import { StoreUnavailable } from './event-store';

/**
 * Waits for `work` no longer than `timeoutMs`, then rejects with StoreUnavailable. The drivers' own deadlines do not hold against
 * a server that keeps the connection and says nothing. What `work` does after that is ignored, a late rejection included.
 */
export function within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new StoreUnavailable(`${what}: no answer within ${Math.round(timeoutMs)} ms`)), timeoutMs);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error as Error);
      },
    );
  });
}

export const pauseMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A store's address fit for logs and messages: without user and password. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z0-9+.-]+:\/\/)[^/?#]*@/i, '$1');
}
