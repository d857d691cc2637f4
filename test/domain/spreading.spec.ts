import fc from 'fast-check';
import { partitionOf } from '../../src/domain/partition';
import { partitionsOf, shardIn, shardOf, spreadAt, spreadsMax, type SpreadSince, withSpread } from '../../src/domain/spreading';

/** As pseudonyms are: 24 hex digits. */
const visitors = Array.from({ length: 20_000 }, (_, i) =>
  (BigInt.asUintN(96, (BigInt(i) + 1n) * 0x9e37_79b9_7f4a_7c15_f39c_c060n) | (1n << 95n)).toString(16),
);

describe('the shard of a visitor', () => {
  it.each([2, 3, 8, 32, 100])('is each of %i about equally often', (spread) => {
    const counts = new Array<number>(spread).fill(0);
    for (const visitor of visitors) counts[shardOf(visitor, spread)]!++;
    const fair = visitors.length / spread;
    // Five standard deviations.
    for (const count of counts) expect(Math.abs(count - fair)).toBeLessThan(5 * Math.sqrt(fair));
  });

  it('is the merchant’s home where it is not spread', () => {
    for (const visitor of visitors.slice(0, 100)) expect(shardOf(visitor, 1)).toBe(0);
  });

  it('changes with the spread for those alone who move to the new shard, and so back', () => {
    for (let spread = 1; spread < 12; spread++) {
      let moved = 0;
      for (const visitor of visitors) {
        const [before, after] = [shardOf(visitor, spread), shardOf(visitor, spread + 1)];
        if (before === after) continue;
        expect(after).toBe(spread);
        moved++;
      }
      expect(moved / visitors.length).toBeCloseTo(1 / (spread + 1), 1);
    }
  });

  it('never changes between versions: events in the log lie where it was', () => {
    expect(visitors.slice(0, 12).map((visitor) => shardOf(visitor, 32))).toEqual([26, 14, 20, 1, 24, 6, 17, 15, 3, 25, 19, 12]);
  });
});

describe('the spread', () => {
  it('is that of the time of an event, whenever it comes', () => {
    const spreads = withSpread(withSpread(undefined, { spread: 4, since: 100 }), { spread: 2, since: 200 });
    expect([0, 99, 100, 199, 200, Infinity].map((time) => spreadAt(spreads, time))).toEqual([1, 1, 4, 4, 2, 2]);
  });

  it('a merchant is registered with holds always', () => {
    expect(withSpread(undefined, { spread: 8, since: 0 })).toEqual([{ spread: 8, since: 0 }]);
    expect(spreadAt([{ spread: 8, since: 0 }], 5)).toBe(8);
  });

  it('is remembered over a number of changes, and the oldest remembered is that of all times before', () => {
    let spreads: readonly SpreadSince[] | undefined;
    for (let i = 1; i <= 30; i++) spreads = withSpread(spreads, { spread: 1 + (i % 5), since: i * 10 });
    expect(spreads).toHaveLength(spreadsMax);
    expect(spreadAt(spreads!, 300)).toBe(1);
    expect(spreadAt(spreads!, 290)).toBe(5);
    expect(spreadAt(spreads!, 0)).toBe(spreads![0]!.spread);
  });
});

describe('the partitions of a merchant', () => {
  it('are its home and those after it, round to the first one, and each knows its shard', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100 }), (merchantId, reach, count) => {
        const partitions = partitionsOf(merchantId, reach, count);
        expect(partitions[0]).toBe(partitionOf(merchantId, count));
        expect(new Set(partitions).size).toBe(Math.min(reach, count));
        expect(partitions.every((partition) => partition >= 0 && partition < count)).toBe(true);
        expect(partitions.map((partition) => shardIn(partition, merchantId, count))).toEqual([...partitions.keys()]);
      }),
    );
  });
});
