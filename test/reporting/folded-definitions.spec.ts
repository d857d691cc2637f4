import { noDefinitions, type Definitions } from '../../src/domain/definitions';
import { FoldedDefinitions } from '../../src/reporting/folded-definitions';
import type { Standing } from '../../src/reporting/standing';
import { recordKinds, settingsId } from '../../src/stores/records';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';

const withGoal = (goalId: string): Definitions => ({ ...noDefinitions, goals: [{ goalId, name: goalId, event: 'purchase' }] });
const store = new InMemoryReadStore();
beforeAll(async () => {
  for (const [revision, since, goalId] of [
    [1, 0, 'first'],
    [2, 100, 'second'],
    [3, 200, 'third'],
  ] as const) {
    await store.records.put(recordKinds.settings, settingsId('shop', revision), { since, definitions: withGoal(goalId) });
    await store.records.put(recordKinds.settingsRevisions, settingsId('shop', revision), { since });
  }
});

describe('what numbers were counted with', () => {
  it.each([
    ['the settings of when counting began', 'shop', { createdAt: 150 }, withGoal('second')],
    ['those of that very moment', 'shop', { createdAt: 200 }, withGoal('third')],
    ['those it was counted again for, whenever that was', 'shop', { createdAt: 150, settingsRevision: 1 }, withGoal('first')],
    ['those it was counted again for, though they came later', 'shop', { createdAt: 150, settingsRevision: 3 }, withGoal('third')],
    ['none of a revision that is not there', 'shop', { createdAt: 150, settingsRevision: 9 }, noDefinitions],
    ['none where nothing was ever defined', 'other', { createdAt: 150 }, noDefinitions],
  ])('are %s', async (_what, merchantId, settledBy, expected) => {
    const definitions = new FoldedDefinitions(store);
    expect(await definitions.of(merchantId, { settledBy } as Standing)).toEqual(expected);
  });
});
