import { noDefinitions } from '../../src/domain/definitions';
import { MerchantDirectory } from '../../src/projecting/merchant-settings';
import { recordKinds, settingsId } from '../../src/stores/records';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';

describe('The settings of a merchant, as a worker knows them', () => {
  const now = 1_000;
  let store: InMemoryReadStore;
  let merchants: MerchantDirectory;
  beforeEach(async () => {
    store = new InMemoryReadStore();
    merchants = new MerchantDirectory(store, () => now);
    const timezones = [{ timezone: 'Asia/Tokyo', since: 0 }];
    await store.records.put(recordKinds.merchants, 'shop', { merchantId: 'shop', timezones, createdAt: 0 });
    for (const since of [0, 500]) await settings(since, since);
  });
  async function settings(revision: number, since: number): Promise<void> {
    const definitions = { ...noDefinitions, erasedVisitors: [`erased-by-${revision}`] };
    await store.records.put(recordKinds.settings, settingsId('shop', revision), { since, definitions });
    await store.records.put(recordKinds.settingsRevisions, settingsId('shop', revision), { since });
  }
  const erased = (generation: { generationId: string; createdAt: number; settingsRevision?: number }): readonly string[] | undefined =>
    merchants.settingsFor('shop', generation).settings.definitions?.erasedVisitors;

  it('are those of each generation, also where several ask for them at the same time', async () => {
    const first = { generationId: 'g1', createdAt: 100 };
    const second = { generationId: 'g2', createdAt: 600 };
    const named = { generationId: 'g3', createdAt: 700, settingsRevision: 0 };
    await Promise.all([first, second, named].map((generation) => merchants.ensure(['shop'], generation)));
    expect([first, second, named].map(erased)).toEqual([['erased-by-0'], ['erased-by-500'], ['erased-by-0']]);
    expect(merchants.settingsFor('shop', second)).toMatchObject({ settings: { timezone: 'Asia/Tokyo' }, name: 'Asia/Tokyo#500' });
  });

  it('stay for a generation what they were, whatever is appended', async () => {
    const generation = { generationId: 'g1', createdAt: 600 };
    await merchants.ensure(['shop'], generation);
    await settings(501, 550);
    expect(merchants.ensure(['shop'], generation)).toBeUndefined();
    expect(erased(generation)).toEqual(['erased-by-500']);
  });

  it('are waited for where a generation names some that are not stored yet', async () => {
    const named = { generationId: 'g4', createdAt: 700, settingsRevision: 501 };
    await expect(merchants.ensure(['shop'], named)).rejects.toThrow('settings revision 501 of shop is not stored yet');
    await settings(501, 650);
    await merchants.ensure(['shop'], named);
    expect(erased(named)).toEqual(['erased-by-501']);
  });

  it('are nothing but UTC for who is not registered', async () => {
    const generation = { generationId: 'g1', createdAt: 100 };
    await merchants.ensure(['nobody'], generation);
    expect(merchants.ensure(['nobody'], generation)).toBeUndefined();
    expect(merchants.settingsFor('nobody', generation).settings).toEqual({ timezone: 'UTC' });
  });
});
