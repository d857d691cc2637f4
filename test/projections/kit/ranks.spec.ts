import fc from 'fast-check';
import { PairIndex, ranksOf } from '../../../projections/kit/pair-index';
import { byCell } from '../../../projections/kit/seen-visitors';

const half = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 0xffff_ffff }));

function indexOf(pairs: readonly (readonly [number, number])[]): PairIndex {
  const index = new PairIndex();
  for (const [first, second] of pairs) index.intern(first, second);
  return index;
}

describe('ranksOf', () => {
  it('gives each pair its place in ascending order, whatever halves are equal', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(half, half), { maxLength: 200 }), (pairs) => {
        const index = indexOf(pairs);
        const numbers = Array.from({ length: index.size }, (_, number) => number);
        const sorted = [...numbers].sort((a, b) => index.firsts[a]! - index.firsts[b]! || index.seconds[a]! - index.seconds[b]!);
        expect(Array.from(ranksOf(index))).toEqual(numbers.map((number) => sorted.indexOf(number)));
      }),
    );
  });
});

describe('byCell', () => {
  const cells = 3;
  const counted = fc.array(fc.tuple(fc.integer({ min: 0, max: cells - 1 }), fc.integer({ min: 0, max: 99 })), { maxLength: 200 });

  it('gives the same visitors with ranks as without, with their counts, in ascending order where cells are large', () => {
    fc.assert(
      fc.property(counted, fc.array(fc.integer({ min: 0, max: cells }), { maxLength: 100 }), (list, cellOf) => {
        const pairs = indexOf(list);
        const by = Int32Array.from({ length: pairs.size }, (_, i) => i - 5);
        const ranks = Uint32Array.from({ length: 100 }, (_, visitor) => (visitor * 37) % 100);
        const present = { cellOf: Uint32Array.from(cellOf), visitors: Uint32Array.from(cellOf, (_, i) => i) };
        for (const beside of [undefined, present]) {
          // Those present have no counts: a family's sets are of one kind or the other.
          const source = beside === undefined ? { pairs, by } : { pairs };
          const plain = byCell(cells, source, undefined, beside);
          const ranked = byCell(cells, source, ranks, beside);
          expect(ranked.starts).toEqual(plain.starts);
          for (let cell = 0; cell < cells; cell++) {
            const entries = ({ starts, visitors, by: counts }: typeof plain): [number, number | undefined][] =>
              Array.from(visitors.subarray(starts[cell], starts[cell + 1]), (visitor, i) => [visitor, counts?.[starts[cell]! + i]]);
            const byRank = (a: [number, unknown], b: [number, unknown]): number => ranks[a[0]]! - ranks[b[0]]!;
            const isLarge = plain.visitors.length >= 8 * cells;
            expect(isLarge ? entries(ranked) : entries(ranked).sort(byRank)).toEqual(entries(plain).sort(byRank));
          }
        }
      }),
    );
  });
});
