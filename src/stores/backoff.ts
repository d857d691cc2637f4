/**
 * Doubling pauses between attempts at what depends on a store, spread over half their length so that many callers do not come
 * back at once.
 *
 * @param attempt counted from 0
 */
export function backoffMs(attempt: number, { firstMs, longestMs }: { firstMs: number; longestMs: number }): number {
  const pause = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 16));
  return pause / 2 + Math.random() * (pause / 2);
}
