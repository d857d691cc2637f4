import fc from 'fast-check';
import { countDistinct } from '../../../projections/kit/distinct';
import { DistinctUnion, exactUnionMax } from '../../../projections/kit/distinct-union';
import { addHashes } from './sets';

/** Any 64 bits, low and high halves in turn: spread over both words as a real hash is. */
const hashes = (numbers: readonly number[]): Uint32Array =>
  Uint32Array.from(numbers.flatMap((n) => [Math.imul(n + 1, 0x85ebca6b) >>> 0, Math.imul(n + 1, 0x9e3779b1) >>> 0]));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const unionOf = (sets: readonly (readonly number[])[]): DistinctUnion => {
  const union = new DistinctUnion();
  for (const set of sets) union.add(addHashes(undefined, hashes(set)));
  return union;
};

describe('the union of stored sets', () => {
  it('of few members counts them exactly, whatever the sets share', () => {
    const sets = fc.array(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60 }), { maxLength: 8 });
    fc.assert(fc.property(sets, (all) => expect(unionOf(all).count()).toEqual({ count: new Set(all.flat()).size, exact: true })));
  });

  it('stays exact beyond what one document holds', () => {
    const sets = range(0, 20).map((i) => range(i * 250, i * 250 + 500));
    expect(unionOf(sets).count()).toEqual({ count: 5_250, exact: true });
  });

  it('becomes the estimate of the whole set where it grows too large, or where a document holds one', () => {
    const many = range(0, exactUnionMax + 1_000);
    const parts = range(0, Math.ceil(many.length / 500)).map((i) => many.slice(i * 500, i * 500 + 500));
    const whole = countDistinct(addHashes(undefined, hashes(many)));
    expect(whole.exact).toBe(false);
    expect(unionOf(parts).count()).toEqual(whole);

    const [sketch, exact, other] = [range(0, 2_000), range(1_900, 2_300), range(5_000, 9_000)];
    const merged = addHashes(undefined, hashes([...sketch, ...exact, ...other]));
    for (const order of [
      [sketch, exact, other],
      [exact, other, sketch],
      [other, exact, sketch],
    ]) {
      expect(unionOf(order).count()).toEqual(countDistinct(merged));
    }
  });

  it('of nothing is nothing', () => {
    expect(new DistinctUnion().count()).toEqual({ count: 0, exact: true });
  });
});
