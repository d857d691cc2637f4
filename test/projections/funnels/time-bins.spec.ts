import fc from 'fast-check';
import { binOf, medianSeconds, secondsOfBin } from '../../../projections/funnels/time-bins';

describe('durations in bins', () => {
  it('are known to 1 % of themselves', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 400 * 86_400_000 })), (ms) => {
        expect(Math.abs(secondsOfBin(binOf(ms)) - ms / 1000)).toBeLessThanOrEqual((ms / 1000) * (0.01 + 1e-12));
      }),
      { numRuns: 5_000 },
    );
    expect(secondsOfBin(binOf(0))).toBe(0);
  });

  it('are in order: a longer one is never in an earlier bin', () => {
    fc.assert(fc.property(fc.nat(), fc.nat(), (a, b) => binOf(a) <= binOf(b) === a <= b || binOf(a) === binOf(b)));
  });

  it('have a median: the lower of the two middle ones, none of nothing', () => {
    const counts = (...ms: number[]): Map<number, number> => {
      const map = new Map<number, number>();
      for (const each of ms) map.set(binOf(each), (map.get(binOf(each)) ?? 0) + 1);
      return map;
    };
    expect(medianSeconds(counts())).toBeNull();
    expect(medianSeconds(counts(0, 0, 5_000))).toBe(0);
    expect(medianSeconds(counts(1_000, 1_000, 9_000, 9_000))).toBe(secondsOfBin(binOf(1_000)));
    expect(medianSeconds(counts(1_000, 9_000, 9_000))).toBe(secondsOfBin(binOf(9_000)));
  });
});
