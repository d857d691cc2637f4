import fc from 'fast-check';
import { claimsOf, completeTo, notSaidByOthers } from '../../src/stores/claims';
import type { Claim, WorkerRecord } from '../../src/stores/records';

const claim = (change: Partial<Claim> = {}): Claim => ({
  generation: 'g1',
  partition: 0,
  revision: 7,
  logTime: 1_000,
  completeTo: 9_000,
  ...change,
});
const gone = (workerId: string, claims: Claim[]): WorkerRecord => ({ workerId, pid: 1, startedAt: 0, at: 0, partitions: [], claims });

describe('what was seen of a partition of the log', () => {
  const place = { generation: 'g1', partition: 0 };

  it.each([
    ['where just as much is flushed', claim(), 9_000],
    ['where more is flushed', claim({ revision: 6, logTime: 900 }), 9_000],
    ['where nothing was ever flushed, nor seen', claim({ revision: -1, logTime: 0 }), 9_000],
    ['not where less is flushed than it was seen of', claim({ revision: 8 }), 0],
    ['not of another log, whose record of that revision is another', claim({ logTime: 999 }), 0],
    ['where a later record is of about that time, as clocks differ', claim({ revision: 6, completeTo: 61_000 }), 61_000],
    ['not of another log, in which a later record is older', claim({ revision: 6, completeTo: 61_001 }), 0],
    ['not of another partition', claim({ partition: 1 }), 0],
    ['of another generation at the same record', claim({ generation: 'g9' }), 9_000],
    ['not of another generation at an earlier record, which may be one of another log', claim({ generation: 'g9', revision: 6 }), 0],
    ['not of another generation at another record of that revision', claim({ generation: 'g9', logTime: 999 }), 0],
    ['not of another generation before any record', claim({ generation: 'g9', revision: -1, logTime: 0 }), 0],
  ])('holds %s', (_, one, expected) => {
    expect(completeTo([one], place, { revision: 7, logTime: 1_000 })).toBe(expected);
  });

  it('holds of another generation where there was nothing to count yet', () => {
    const one = claim({ generation: 'g9', revision: -1, logTime: 0 });
    expect(completeTo([one], place, { revision: -1, logTime: 0 })).toBe(9_000);
  });

  it('says as much as the furthest of all that holds', () => {
    const all = [
      claim({ completeTo: 2_000 }),
      claim({ completeTo: 4_000 }),
      claim({ completeTo: 5_000, revision: 8 }),
      claim({ completeTo: 3_000 }),
    ];
    expect(completeTo(all, place, { revision: 7, logTime: 1_000 })).toBe(4_000);
  });

  it('is claimed by who folds it once it was seen, and by who has kept it', () => {
    const folding = { generation: 'g1', head: 7, eventsFolded: 1, checkpoint: 7, checkpointTime: 1_000 };
    const partitions = [
      { ...folding, partition: 0, caughtUpAt: 9_000 },
      { ...folding, partition: 1, caughtUpAt: 0 },
    ];
    expect(claimsOf({ partitions, claims: [claim({ partition: 2 })] })).toEqual([claim(), claim({ partition: 2 })]);
  });
});

describe('what must be kept of a worker that is gone', () => {
  it('is what no other says as much of', () => {
    const mine = [claim({ partition: 0 }), claim({ partition: 1 }), claim({ partition: 2 })];
    const others = [claim({ partition: 0, completeTo: 9_001 }), claim({ partition: 1, completeTo: 8_999 })];
    expect(notSaidByOthers(mine, 'b', [gone('a', others), gone('b', mine)])).toEqual([claim({ partition: 1 }), claim({ partition: 2 })]);
  });

  it('is with one of those who say the same', () => {
    const all = ['a', 'b', 'c'].map((workerId) => gone(workerId, [claim()]));
    expect(
      all.filter(({ workerId, claims }) => notSaidByOthers(claims!, workerId, all).length > 0).map(({ workerId }) => workerId),
    ).toEqual(['c']);
  });

  it('keeps the furthest of each partition whenever each lets go of what it saw of the others, however old that is', () => {
    const says = fc.array(fc.record({ partition: fc.nat(2), completeTo: fc.nat(4) }), { maxLength: 4 });
    const lettingGo = fc.record({ who: fc.nat(3), lookedAt: fc.nat() });
    fc.assert(
      fc.property(fc.array(says, { minLength: 4, maxLength: 4 }), fc.array(lettingGo, { maxLength: 12 }), (claims, steps) => {
        const history = [
          claims.map((some, i) =>
            gone(
              `w${i}`,
              some.map((one) => claim(one)),
            ),
          ),
        ];
        const furthest = (workers: readonly WorkerRecord[]): number[] =>
          [0, 1, 2].map((partition) => completeTo(workers.flatMap(claimsOf), { generation: 'g1', partition }, { revision: 7, logTime: 0 }));
        for (const { who, lookedAt } of steps) {
          const now = history.at(-1)!;
          const own = now[who]!;
          const kept = notSaidByOthers(own.claims!, own.workerId, history[lookedAt % history.length]!);
          history.push(now.map((one) => (one === own ? { ...own, claims: kept } : one)));
        }
        expect(furthest(history.at(-1)!)).toEqual(furthest(history[0]!));
      }),
    );
  });
});
