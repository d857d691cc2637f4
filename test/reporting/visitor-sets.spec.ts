import fc from 'fast-check';
import { DistinctUnion, exactUnionMax } from '../../projections/kit/distinct-union';
import { StoredSet } from '../../src/reporting/stored-bytes';
import { VisitorSets } from '../../src/reporting/visitor-sets';
import { addHashes, addMembers } from '../projections/kit/sets';

/** Hashes as they are stored: any number stands for one. */
const hash = (n: number): [number, number] => [Math.imul(n + 1, 0x9e37_79b1) >>> 0, Math.imul(n + 7, 0x85eb_ca6b) >>> 0];
const lanesOf = (numbers: readonly number[]): Uint32Array => Uint32Array.from(numbers.flatMap((n) => hash(n)));
/** In the middle of other bytes, as documents hold them. */
function stored(numbers: readonly number[]): StoredSet {
  const set = addHashes(undefined, lanesOf(numbers));
  return new StoredSet(Uint8Array.of(9, ...set, 9), 1, set.length);
}
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('the visitors of an answer', () => {
  it('are those of a plain set, whatever was added to which in what order', () => {
    const step = fc.record({
      set: fc.nat(5),
      also: fc.option(fc.nat(5), { nil: undefined }),
      numbers: fc.array(fc.nat(60), { maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(step, fc.nat(5)), { maxLength: 40 }), (steps) => {
        const sets = new VisitorSets();
        const expected = Array.from({ length: 6 }, () => new Set<number>());
        for (const each of steps) {
          if (typeof each === 'number') {
            // Counting in between changes nothing.
            expect(sets.count(each)).toEqual({ count: expected[each]!.size, exact: true });
            continue;
          }
          sets.add(each.set, stored(each.numbers), each.also);
          for (const n of each.numbers) {
            expected[each.set]!.add(n);
            if (each.also !== undefined) expected[each.also]!.add(n);
          }
        }
        for (const [set, { size }] of expected.entries()) expect(sets.count(set)).toEqual({ count: size, exact: true });
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  it('are those who were put in more often than taken out, where members can be taken back', () => {
    const sets = new VisitorSets();
    const members = addMembers(undefined, { lanes: lanesOf([1, 2, 3]), by: Int32Array.of(1, 0, 2) });
    sets.add(0, StoredSet.of(members), 1);
    sets.add(0, stored([3, 4]), undefined);
    expect([0, 1, 2].map((set) => sets.count(set).count)).toEqual([3, 2, 0]);
  });

  it('are exact up to the bound, and beyond it estimated as a union is, sketches included', () => {
    const parts = range(0, 40).map((i) => stored(range(i * 450, i * 450 + 500)));
    const sketch = stored(range(0, 2_000));
    for (const added of [parts.slice(0, 36), parts, [...parts.slice(0, 3), sketch, ...parts.slice(3, 6)], [sketch], [sketch, sketch]]) {
      const sets = new VisitorSets();
      const union = new DistinctUnion();
      for (const part of added) {
        sets.add(1, part, 0);
        union.add(part.view());
      }
      expect(sets.count(0)).toEqual(union.count());
      expect(sets.count(1)).toEqual(union.count());
      // Counted once more, they are the same.
      expect(sets.count(0)).toEqual(union.count());
    }
    expect(36 * 450).toBeLessThan(exactUnionMax);
    expect(40 * 450).toBeGreaterThan(exactUnionMax);
  });

  it('stay the same when repetitions are thrown out to make room', () => {
    const sets = new VisitorSets();
    // Far more hashes than are gathered before that, few of them different.
    const parts = range(0, 400).map((set) => stored(range(set, set + 500)));
    for (let round = 0; round < 24; round++) for (const [set, part] of parts.entries()) sets.add(set, part, 1_000);
    expect(sets.count(0)).toEqual({ count: 500, exact: true });
    expect(sets.count(399)).toEqual({ count: 500, exact: true });
    expect(sets.count(1_000)).toEqual({ count: 899, exact: true });
    expect(sets.count(500)).toEqual({ count: 0, exact: true });
  });
});
