import { shardOfId, type StoredDoc } from '../../projections/kit/document';
import type { ResolvedConfiguration } from '../../src/config';
import { partitionsOf, type SpreadSince } from '../../src/domain/spreading';
import { type Standing, Standings } from '../../src/reporting/standing';
import { collectionOf, controlId, type MerchantRecord, recordKinds } from '../../src/stores/records';
import { countingTwice, documentsOf, eventually, InstallationUnderTest, is } from './installation-under-test';
import { append, event, noon } from './shop-log';

const partitions = 4;
const others = ['shop-0', 'shop-1', 'shop-2'];
/** Visitors of the large shop, in all of its shards. */
const visits = (count: number, time = noon) =>
  Array.from({ length: count }, (_, i) => event({ merchantId: 'large', visitorId: `l${i % 50}`, time }));

let installation: InstallationUnderTest;
let spreads: Map<string, readonly SpreadSince[] | undefined>;
beforeEach(async () => {
  installation = new InstallationUnderTest(partitions);
  spreads = new Map();
  for (const merchantId of others) await register(merchantId);
});
afterEach(() => installation.end());

async function register(merchantId: string, changes: Partial<MerchantRecord> = {}): Promise<void> {
  const merchant = { merchantId, timezones: [{ timezone: 'UTC', since: 0 }], createdAt: noon, ...changes };
  spreads.set(merchantId, changes.spreads);
  await installation.readStore.records.put(recordKinds.merchants, merchantId, merchant);
}
const collect = (rows: ReturnType<typeof visits>): Promise<void> => append(installation.eventStore, partitions, rows, spreads);
const nowhere = () => others.flatMap((merchantId) => [event({ merchantId }), event({ merchantId })]);

async function standing(): Promise<Standing> {
  const { value } = (await installation.readStore.records.get<MerchantRecord>(recordKinds.merchants, 'large'))!;
  const found = await new Standings(installation.readStore, { partitions } as ResolvedConfiguration).of(value, ['traffic']);
  if ('unanswered' in found) throw new Error(found.detail);
  return found[0]!;
}
/** What readers of the large shop are shown. */
async function views(): Promise<number> {
  const { generationId } = await standing();
  const documents = (await documentsOf(installation.readStore, collectionOf('traffic', generationId))) as StoredDoc[];
  const days = documents.filter(({ _id }) => _id.slice(2).startsWith('large|traffic|day|'));
  return days.reduce((sum, { values }) => sum + Number(values[0]!.h?.pageviews ?? 0), 0);
}
const seen = () => views().catch(() => -1);
const state = (rebuildId: string) => async () => (await installation.rebuild(rebuildId))?.state;
const folded = async (generationId: string): Promise<string[]> =>
  (await installation.readStore.control.list(`${generationId}|`)).map(({ _id }) => _id).sort();
const controlsOf = (generationId: string, reach: number): string[] =>
  partitionsOf('large', reach, partitions)
    .map((partition) => controlId(generationId, partition))
    .sort();
const contents = async (generationId: string): Promise<string[]> => {
  const documents = await documentsOf(installation.readStore, collectionOf('traffic', generationId));
  return documents.filter(({ _id }) => _id.slice(2).startsWith('large|')).map(({ rev: _rev, ...document }) => JSON.stringify(document));
};

describe('a merchant who is spread', () => {
  it('is counted again in all its partitions and no other, to the same documents as when everybody is', async () => {
    await register('large', { spreads: [{ spread: 3, since: 0 }], reach: 3 });
    const wrong = await installation.worker({ catalog: countingTwice });
    await collect([...visits(300), ...nowhere()]);
    await eventually(seen, is(600));
    await wrong.stop();
    await installation.worker();
    const one = await installation.ask('traffic', { merchantId: 'large' });
    await eventually(state(one.rebuildId), is('live'));
    await eventually(seen, is(300));
    expect((await standing()).generationId).toBe(one.generationId);
    expect(await folded(one.generationId)).toEqual(controlsOf(one.generationId, 3));
    await collect(visits(60));
    await eventually(seen, is(360));

    const all = await installation.ask('traffic');
    await eventually(state(all.rebuildId), is('live'));
    await eventually(async () => (await standing()).generationId, is(all.generationId));
    expect(await contents(all.generationId)).toEqual(await contents(one.generationId));
    const shards = (await documentsOf(installation.readStore, collectionOf('traffic', all.generationId))).map(({ _id }) => shardOfId(_id));
    expect([...new Set(shards)].sort()).toEqual([0, 1, 2]);
  });

  it('is counted in the new partitions by what counts that merchant alone, too, once it is spread further', async () => {
    await register('large');
    await installation.worker();
    await collect([...visits(100), ...nowhere()]);
    await eventually(seen, is(100));
    const { rebuildId, generationId } = await installation.ask('traffic', { merchantId: 'large' });
    await eventually(state(rebuildId), is('live'));
    await eventually(async () => (await standing()).generationId, is(generationId));
    expect(await folded(generationId)).toEqual(controlsOf(generationId, 1));

    const { asOf } = await standing();
    const since = noon + 60_000;
    await register('large', {
      spreads: [
        { spread: 1, since: 0 },
        { spread: 4, since },
      ],
      reach: 4,
    });
    await collect([...visits(200, since), ...visits(50, since - 1)]);
    await eventually(seen, is(350));
    expect(await folded(generationId)).toEqual(controlsOf(generationId, 4));
    await eventually(standing, (now) => now.asOf !== null && now.asOf >= asOf!);
    expect((await standing()).partitions).toBe(4);
    const shards = (await documentsOf(installation.readStore, collectionOf('traffic', generationId))).map(({ _id }) => shardOfId(_id));
    expect([...new Set(shards)].sort()).toEqual([0, 1, 2, 3]);
  });

  it('leaves nothing behind in any partition when what counted it alone is no longer needed', async () => {
    await register('large', { spreads: [{ spread: 4, since: 0 }], reach: 4 });
    await installation.worker({ times: { retireAfterMs: 50, dropAfterMs: 30 } });
    await collect([...visits(100), ...nowhere()]);
    await eventually(seen, is(100));
    const one = await installation.ask('traffic', { merchantId: 'large' });
    await eventually(state(one.rebuildId), is('live'));
    const all = await installation.ask('traffic');
    await eventually(state(all.rebuildId), is('live'));
    await eventually(state(one.rebuildId), is('retired'));
    await eventually(() => folded(one.generationId).then(({ length }) => length), is(0));
    expect(await documentsOf(installation.readStore, collectionOf('traffic', one.generationId))).toEqual([]);
    expect(await seen()).toBe(100);
  });
});
