import { catalog } from '../../projections/catalog';
import type { StoredDoc } from '../../projections/kit/document';
import { type Definitions, noDefinitions } from '../../src/domain/definitions';
import { collectionOf, type GenerationRecord, type Overlay, recordKinds, type RebuildRecord, settingsId } from '../../src/stores/records';
import { append, event } from './shop-log';
import { documentsOf, eventually, InstallationUnderTest, is } from './installation-under-test';

let installation: InstallationUnderTest;
beforeEach(() => {
  installation = new InstallationUnderTest();
});
afterEach(() => installation.end());

const without = (...pages: string[]): Definitions => ({
  ...noDefinitions,
  filters: pages.map((pattern) => ({ filterId: pattern, name: pattern, field: 'page', pattern })),
});

async function register(merchantId: string): Promise<void> {
  const { records } = installation.readStore;
  await records.put(recordKinds.merchants, merchantId, { merchantId, timezones: [{ timezone: 'UTC', since: 0 }], createdAt: 0 });
  await settle(merchantId, 0, 0, noDefinitions);
}

/** As the configuring role writes them. */
async function settle(merchantId: string, revision: number, since: number, definitions: Definitions): Promise<void> {
  const { records } = installation.readStore;
  await records.put(recordKinds.settings, settingsId(merchantId, revision), { since, definitions });
  await records.put(recordKinds.settingsRevisions, settingsId(merchantId, revision), { since });
}

async function change(merchantId: string, revision: number, definitions: Definitions): Promise<void> {
  await settle(merchantId, revision, Date.now(), definitions);
  await installation.readStore.records.put(recordKinds.settingsChanges, settingsId(merchantId, revision), { merchantId });
}

const rebuilds = async () => (await installation.readStore.records.list<RebuildRecord>(recordKinds.rebuilds)).map(({ value }) => value);
const changesLeft = async () => (await installation.readStore.records.list(recordKinds.settingsChanges)).length;

/** Page views of a merchant's days, in what serves the merchant. */
async function pageviews(merchantId: string): Promise<number> {
  const overlays = await installation.readStore.records.list<Overlay>(recordKinds.overlays, `traffic|${merchantId}|`);
  const numbers = overlays.map(({ value }) => Number(value.generationId.slice(1)));
  const generationId = numbers.length === 0 ? 'g1' : `g${Math.max(...numbers)}`;
  let views = 0;
  for (const document of await documentsOf(installation.readStore, collectionOf('traffic', generationId))) {
    if (!document._id.slice(2).startsWith(`${merchantId}|traffic|day|`)) continue;
    for (const { h, b } of (document as StoredDoc).values) views += Number(h?.pageviews ?? 0) + Number(b?.pageviews ?? 0);
  }
  return views;
}

const visits = (merchantId: string, pages: number) =>
  Array.from({ length: pages * 10 }, (_, i) => event({ merchantId, url: `https://shop.example/p/${i % pages}` }));

beforeEach(async () => {
  for (const merchantId of ['shop', 'other']) await register(merchantId);
});

it('counts a merchant again with new settings, in every projection, and nobody else', async () => {
  await installation.worker();
  await append(installation.eventStore, 4, [...visits('shop', 4), ...visits('other', 4)]);
  await eventually(() => pageviews('shop'), is(40));
  await change('shop', 1, without('/p/1'));
  await eventually(() => pageviews('shop'), is(30));
  await eventually(changesLeft, is(0));
  await eventually(
    async () => (await rebuilds()).every(({ state }) => state === 'live'),
    (answer) => answer,
  );
  expect((await rebuilds()).map(({ projection }) => projection).sort()).toEqual(catalog.map(({ name }) => name).sort());
  await append(installation.eventStore, 4, [...visits('shop', 4), ...visits('other', 4)]);
  await eventually(() => pageviews('shop'), is(60));
  await eventually(() => pageviews('other'), is(80));
  // A generation that begins now knows the settings by itself.
  const { rebuildId } = await installation.reset('traffic');
  await eventually(async () => (await installation.rebuild(rebuildId))?.state, is('live'));
  const documents = await documentsOf(installation.readStore, collectionOf('traffic', rebuildId.slice('rebuild-'.length)));
  const day = documents.find(({ _id }) => _id.includes('shop|traffic|day|')) as StoredDoc;
  expect(day.values[0]?.h?.pageviews).toBe(60);
});

it('answers changes in quick succession once', async () => {
  await installation.worker({ times: { settingsQuietMs: 200 } });
  await append(installation.eventStore, 4, visits('shop', 4));
  await eventually(() => pageviews('shop'), is(40));
  for (let revision = 1; revision <= 3; revision++) await change('shop', revision, without('/p/1', ...(revision === 3 ? ['/p/2'] : [])));
  await eventually(() => pageviews('shop'), is(20));
  expect(new Set((await rebuilds()).map(({ generationId }) => generationId)).size).toBe(1);
});

it('ends a rebuild with settings that are not wanted any more', async () => {
  await installation.worker();
  await append(installation.eventStore, 4, visits('shop', 4));
  await eventually(() => pageviews('shop'), is(40));
  // One that nobody here has the code for is under way for as long as it is wanted.
  const { rebuildId } = await installation.reset('traffic', { version: 99, merchantId: 'shop', settingsRevision: 1 });
  await change('shop', 2, without('/p/1', '/p/2'));
  await eventually(
    () => installation.rebuild(rebuildId),
    (rebuild) => /settings changed again/.test(rebuild?.failure ?? ''),
  );
  await eventually(() => pageviews('shop'), is(20));
  const generation = await installation.readStore.records.get<GenerationRecord>(recordKinds.generations, 'g3');
  expect(generation?.value).toMatchObject({ scope: { merchantId: 'shop' }, settingsRevision: 2 });
});

it('counts again what failed', async () => {
  await installation.worker();
  await append(installation.eventStore, 4, visits('shop', 4));
  await eventually(() => pageviews('shop'), is(40));
  const { rebuildId, generationId } = await installation.reset('traffic', { version: 99, merchantId: 'shop', settingsRevision: 1 });
  const at = Date.now();
  await settle('shop', 1, at, without('/p/1'));
  await installation.readStore.records.put(recordKinds.workers, 'other', {
    workerId: 'other',
    pid: 1,
    startedAt: at,
    at: at - 1_000,
    partitions: [{ partition: 0, generation: generationId, stopped: 'it cannot be continued', rebuildNeeded: true }],
  });
  await eventually(
    () => installation.rebuild(rebuildId),
    (rebuild) => rebuild?.state === 'failed',
  );
  await eventually(() => pageviews('shop'), is(30));
});

it('counts again once what serves a merchant and cannot be continued', async () => {
  await installation.worker();
  await append(installation.eventStore, 4, visits('shop', 4));
  await eventually(() => pageviews('shop'), is(40));
  await change('shop', 1, without('/p/1'));
  const allAreLive = async (): Promise<boolean> => (await rebuilds()).every(({ state }) => state === 'live');
  const generations = async (): Promise<string[]> => [...new Set((await rebuilds()).map(({ generationId }) => generationId))].sort();
  await eventually(generations, is(['g2']));
  await eventually(allAreLive, is(true));
  // It stays what it is, and is kept for a rollback.
  await installation.readStore.records.put(recordKinds.workers, 'other', {
    workerId: 'other',
    pid: 1,
    startedAt: Date.now(),
    at: Date.now(),
    partitions: [{ partition: 0, generation: 'g2', stopped: 'it cannot be continued', rebuildNeeded: true }],
  });
  await eventually(generations, is(['g2', 'g3']));
  await eventually(allAreLive, is(true));
  // Rounds take ten milliseconds.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await generations()).toEqual(['g2', 'g3']);
  expect(await pageviews('shop')).toBe(30);
});

it('does nothing for a change that is counted already', async () => {
  await change('shop', 1, without('/p/1'));
  await installation.worker();
  await append(installation.eventStore, 4, visits('shop', 4));
  await eventually(changesLeft, is(0));
  await eventually(() => pageviews('shop'), is(30));
  expect(await rebuilds()).toEqual([]);
});

it('takes merchants who are counted apart in again when there are many', async () => {
  await installation.worker({ times: { overlaysMax: 2 } });
  const shops = ['shop', 'other', 'third'];
  await register('third');
  await append(
    installation.eventStore,
    4,
    shops.flatMap((shop) => visits(shop, 4)),
  );
  await eventually(() => pageviews('third'), is(40));
  for (const shop of shops) await change(shop, 1, without('/p/1'));
  const live = async () => (await installation.pointer('traffic'))!.generationId;
  await eventually(async () => (await installation.readStore.records.list<Overlay>(recordKinds.overlays, 'traffic|')).length, is(3));
  const everybody = await eventually(live, (generationId) => generationId !== 'g1');
  const days = (await documentsOf(installation.readStore, collectionOf('traffic', everybody))).filter(({ _id }) => _id.includes('|day|'));
  expect(days.map((day) => (day as StoredDoc).values[0]?.h?.pageviews)).toEqual([30, 30, 30]);
  expect((await rebuilds()).filter(({ merchantId, projection }) => merchantId === undefined && projection === 'traffic').length).toBe(1);
});

it('lets merchants wait while too many are counted apart already', async () => {
  await installation.worker({ times: { overlaysMax: 0 } });
  await append(installation.eventStore, 4, visits('shop', 4));
  await eventually(() => pageviews('shop'), is(40));
  await change('shop', 1, without('/p/1'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect([await changesLeft(), await rebuilds()]).toEqual([1, []]);
});
