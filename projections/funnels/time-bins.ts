/**
 * Durations in bins of logarithmic width, counted: any quantile of any sum of such counts is known to 1 %, and a duration that was
 * counted can be taken back. This is DDSketch without its collapsing of bins: Masson, Rim, Lee, "DDSketch: A fast and
 * fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12(12), 2019, section 2.1.
 */
const relativeAccuracy = 0.01;
const gamma = (1 + relativeAccuracy) / (1 - relativeAccuracy);

/** Upper bounds of the bins from 1 ms on; multiplied up, since the last digit of a logarithm is the engine's own affair. */
const bounds = boundsUpTo(Number.MAX_SAFE_INTEGER);

function boundsUpTo(max: number): readonly number[] {
  const list = [1];
  while (list.at(-1)! < max) list.push(list.at(-1)! * gamma);
  return list;
}

/** The bin of a duration in whole ms: 0 for none at all, then one after the other. */
export function binOf(ms: number): number {
  if (ms < 1) return 0;
  let low = 0;
  let high = bounds.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bounds[middle]! < ms) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}

/** What stands for all durations of a bin: none of them is further away than 1 % of itself. */
export function secondsOfBin(bin: number): number {
  return bin === 0 ? 0 : (2 * bounds[bin - 1]!) / (gamma + 1) / 1000;
}

/** The lower of the two middle ones where their number is even; null where nothing was counted. */
export function medianSeconds(counts: ReadonlyMap<number, number>): number | null {
  let total = 0;
  for (const count of counts.values()) total += count;
  if (total === 0) return null;
  let passed = 0;
  for (const bin of [...counts.keys()].sort((a, b) => a - b)) {
    passed += counts.get(bin)!;
    if (passed * 2 >= total) return secondsOfBin(bin);
  }
  return null;
}
