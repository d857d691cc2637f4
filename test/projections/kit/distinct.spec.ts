import fc from 'fast-check';
import { countDistinct, exactMax } from '../../../projections/kit/distinct';
import { relativeError } from '../../../projections/kit/sketch';
import { hash64 } from '../../../src/domain/hash64';
import { addHashes } from './sets';

/** Low and high halves in turn. */
function hashesOf(texts: readonly string[]): Uint32Array {
  const hi = new Uint32Array(texts.length);
  const lo = new Uint32Array(texts.length);
  texts.forEach((text, i) => hash64(text, hi, lo, i));
  return Uint32Array.from({ length: texts.length * 2 }, (_, i) => (i % 2 === 0 ? lo : hi)[i >> 1]!);
}

const visitors = (n: number, from = 0): string[] => Array.from({ length: n }, (_, i) => `visitor-${from + i}`);

describe('counting distinct visitors', () => {
  it('is exact up to 512 and says so', () => {
    expect(countDistinct(addHashes(undefined, hashesOf([...visitors(exactMax), ...visitors(exactMax)])))).toEqual({
      count: exactMax,
      exact: true,
    });
  });

  it.each([513, 2_000, 50_000, 400_000])('estimates %i visitors within four standard errors and says that it does', (n) => {
    const { count, exact } = countDistinct(addHashes(undefined, hashesOf(visitors(n))));
    expect(exact).toBe(false);
    expect(Math.abs(count - n) / n).toBeLessThan(4 * relativeError);
  });

  it('stores the same bytes whatever the grouping of additions', () => {
    const sets = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: 400 })).map(([from, n]) => visitors(n, from)),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(sets, (groups) => {
        const atOnce = addHashes(undefined, hashesOf(groups.flat()));
        const oneByOne = groups.reduce<Uint8Array | undefined>((stored, group) => addHashes(stored, hashesOf(group)), undefined);
        expect(Buffer.from(oneByOne!).equals(atOnce)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
