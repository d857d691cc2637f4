import fc from 'fast-check';
import { settingsAt, settingsId, settingsIdPrefix, settingsRevisionOf } from '../../src/stores/records';

describe('The settings a generation folds a merchant with', () => {
  const [registered, goalAdded, goalChanged] = [{ since: 100 }, { since: 200 }, { since: 300 }];
  const records = [registered, goalAdded, goalChanged] as const;

  it('are the last there were when the generation was created', () => {
    expect(settingsAt(records, 250)).toBe(goalAdded);
    expect(settingsAt(records, 200)).toBe(goalAdded);
    expect(settingsAt(records, 1_000)).toBe(goalChanged);
  });

  it("are the merchant's first where the merchant came after the generation", () => {
    expect(settingsAt(records, 99)).toBe(registered);
  });

  it('are the later ones of two changes in one millisecond', () => {
    const [first, second] = [{ since: 100 }, { since: 100 }] as const;
    expect(settingsAt([first, second], 100)).toBe(second);
  });

  it('are none where none are stored', () => {
    expect(settingsAt([], 100)).toBeUndefined();
  });

  it('do not change with what is appended later', () => {
    const sinces = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 20 }).map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(sinces, fc.nat(1_000), fc.integer({ min: 1, max: 1_000 }), (list, createdAt, laterBy) => {
        const before = list.map((since) => ({ since }));
        const after = [...before, { since: Math.max(createdAt, list.at(-1)!) + laterBy }];
        expect(settingsAt(after, createdAt)).toBe(settingsAt(before, createdAt));
      }),
    );
  });
});

describe('The id of a settings record', () => {
  it('sorts by revision, stays with its merchant and gives the revision back', () => {
    const ids = [0, 9, 10, 123_456].map((revision) => settingsId('shop_1', revision));
    expect([...ids].sort()).toEqual(ids);
    expect(ids.map(settingsRevisionOf)).toEqual([0, 9, 10, 123_456]);
    expect(settingsId('shop_1', 7n)).toBe('shop_1|0000000007');
    expect(settingsId('shop_10', 0).startsWith(settingsIdPrefix('shop_1'))).toBe(false);
  });
});
