import fc from 'fast-check';
import { DistinctUnion } from '../../../projections/kit/distinct-union';
import { membersOf, type MemberChanges } from '../../../projections/kit/members';
import { addMembers } from './sets';

/** [visitor, by] */
type Change = readonly [number, number];

const hash = (n: number): [lo: number, hi: number] => [Math.imul(n + 1, 0x85ebca6b) >>> 0, Math.imul(n + 1, 0x9e3779b1) >>> 0];
const changes = (list: readonly Change[]): Omit<MemberChanges, 'length'> => ({
  lanes: Uint32Array.from(list.flatMap(([n]) => hash(n))),
  by: Int32Array.from(list.map(([, by]) => by)),
});
const stored = (groups: readonly (readonly Change[])[]): Uint8Array | undefined =>
  groups.reduce<Uint8Array | undefined>((set, group) => addMembers(set, changes(group)), undefined);
const counted = (...sets: (Uint8Array | undefined)[]): { count: number; exact: boolean } => {
  const union = new DistinctUnion();
  for (const set of sets) if (set !== undefined) union.add(set);
  return union.count();
};
const group = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom(1, 1, -1)), { minLength: 1, maxLength: 30 });

describe('a set whose members can be taken back', () => {
  it('holds and counts who was put in more often than taken out', () => {
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 5 }), (groups) => {
        const net = new Map<number, number>();
        for (const [n, by] of groups.flat()) net.set(n, (net.get(n) ?? 0) + by);
        const expected = [...net].filter(([, count]) => count > 0).map(([n]) => hash(n));
        expect(counted(stored(groups))).toEqual({ count: expected.length, exact: true });
        expected.sort(([aLow, aHigh], [bLow, bHigh]) => aHigh - bHigh || aLow - bLow);
        expect([...membersOf(stored(groups)!)]).toEqual(expected.flat());
      }),
    );
  });

  it('is the same bytes however the changes were grouped, also where it has become an estimate', () => {
    const wide = fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.constantFrom(1, 1, -1)), { minLength: 1, maxLength: 500 });
    fc.assert(
      fc.property(fc.array(wide, { minLength: 1, maxLength: 4 }), (groups) => {
        const atOnce = stored([groups.flat()])!;
        expect(Buffer.from(stored(groups)!).equals(atOnce)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('is united with others: a member of any is a member', () => {
    const a = stored([
      [
        [1, 1],
        [2, 1],
        [3, 1],
        [3, -1],
      ],
    ]);
    const b = stored([
      [
        [2, 1],
        [3, 1],
      ],
    ]);
    expect(counted(a, b)).toEqual({ count: 3, exact: true });
    const many = stored([Array.from({ length: 600 }, (_, n): Change => [n, 1])]);
    expect(counted(a, many).exact).toBe(false);
    expect(Math.abs(counted(a, many).count - 600)).toBeLessThan(20);
  });
});
