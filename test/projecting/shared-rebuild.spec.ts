import { catalog } from '../../projections/catalog';
import { eventsStream } from '../../src/domain/partition';
import { collectionOf, type GenerationRecord, type RebuildRecord, recordKinds, stateCollectionOf } from '../../src/stores/records';
import { documentsOf, eventually, InstallationUnderTest, is } from './installation-under-test';
import { append, event } from './shop-log';

const partitions = 4;
const names = catalog.map(({ name }) => name);
const merchants = Array.from({ length: 6 }, (_, i) => `shop-${i}`);
const kinds = ['page_view', 'view_item', 'purchase'];
const visits = (each: number) =>
  merchants.flatMap((merchantId) =>
    Array.from({ length: each }, (_, i) => event({ merchantId, name: kinds[i % 3], value: 1, currency: 'USD', visitorId: `v${i % 4}` })),
  );

let installation: InstallationUnderTest;
beforeEach(async () => {
  installation = new InstallationUnderTest(partitions);
  await append(installation.eventStore, partitions, visits(9));
});
afterEach(() => installation.end());

const counting = (): Promise<number> =>
  eventually(
    () => installation.pageviews(),
    (views) => views > 0,
  );
const rebuildsIn = async (): Promise<RebuildRecord[]> =>
  (await installation.readStore.records.list<RebuildRecord>(recordKinds.rebuilds)).map(({ value }) => value);
const generation = async (id: string): Promise<GenerationRecord | undefined> =>
  (await installation.readStore.records.get<GenerationRecord>(recordKinds.generations, id))?.value;
const stateOf = (rebuildId: string) => async () => (await installation.rebuild(rebuildId))?.state;

/** What a generation holds of each projection, but for the flush that wrote it last. */
async function contents(generationOf: (name: string) => string): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const name of names) {
    const documents = await documentsOf(installation.readStore, collectionOf(name, generationOf(name)));
    found[name] = documents.map(({ rev: _rev, ...content }) => content);
  }
  return found;
}

/** How many passes over a partition's log were begun since. */
function countedPasses(): () => number {
  const subscribe = jest.spyOn(installation.eventStore, 'subscribe');
  return () => subscribe.mock.calls.filter(([stream, { after }]) => stream === eventsStream(0) && after === undefined).length;
}

it('counts what is asked for together in one pass over the log, with the documents of rebuilds one by one, and promotes each', async () => {
  await installation.worker();
  await counting();
  const passes = countedPasses();
  const asked = [];
  for (const name of names) asked.push(await installation.ask(name));
  expect(new Set(asked.map(({ rebuildId }) => rebuildId)).size).toBe(names.length);
  for (const { rebuildId } of asked) await eventually(stateOf(rebuildId), is('live'));
  expect((await generation('g2'))?.projections.map(({ name }) => name).sort()).toEqual([...names].sort());
  for (const name of names) expect((await installation.pointer(name))?.generationId).toBe('g2');
  expect(passes()).toBe(1);

  const apart = new Map<string, string>();
  for (const name of names) {
    const { rebuildId } = await installation.ask(name);
    await eventually(stateOf(rebuildId), is('live'));
    apart.set(name, (await installation.pointer(name))!.generationId);
  }
  expect(new Set(apart.values()).size).toBe(names.length);
  expect(passes()).toBe(1 + names.length);
  const together = await contents(() => 'g2');
  expect(Object.values(together).flat().length).toBeGreaterThan(merchants.length * 6);
  expect(together).toEqual(await contents((name) => apart.get(name)!));
});

it('lets one be cancelled, or rolled back, while the others of its generation go on', async () => {
  await installation.worker({ times: { retireAfterMs: 1_000 } });
  await counting();
  const [traffic, sessions, commerce] = await Promise.all(
    ['traffic', 'sessions', 'commerce'].map((name) => installation.ask(name, { promote: name === 'commerce' ? 'automatic' : 'manual' })),
  );
  await eventually(stateOf(traffic!.rebuildId), is('caught-up'));
  await installation.wish(traffic!.rebuildId, 'cancel');
  await eventually(stateOf(traffic!.rebuildId), is('cancelled'));
  await eventually(stateOf(commerce!.rebuildId), is('live'));
  await installation.wish(commerce!.rebuildId, 'rollback');
  await eventually(stateOf(commerce!.rebuildId), is('caught-up'));
  await append(installation.eventStore, partitions, visits(3));
  await installation.wish(sessions!.rebuildId, 'promote');
  await eventually(stateOf(sessions!.rebuildId), is('live'));
  expect((await installation.pointer('traffic'))?.generationId).toBe('g1');
  expect((await installation.pointer('commerce'))?.generationId).toBe('g1');
  expect((await installation.pointer('sessions'))?.generationId).toBe('g2');
  // Nobody wants commerce of it back after a while, and its documents go as those of traffic went.
  await eventually(
    async () => (await generation('g2'))?.left,
    (left) => left?.length === 2 && left.every(({ dropped }) => dropped),
  );
  expect((await generation('g2'))?.state).toBe('live');
  expect(await installation.readStore.documents.collections(stateCollectionOf('g2'))).toEqual([stateCollectionOf('g2')]);
  const { rebuildId } = await installation.ask('sessions');
  await eventually(stateOf(rebuildId), is('live'));
  await eventually(async () => (await generation('g2'))?.state, is('retired'));
});

it('begins nothing for what is cancelled while others are waited for', async () => {
  await installation.worker({ times: { gatherQuietMs: 100 } });
  await counting();
  const [traffic, sessions] = [await installation.ask('traffic'), await installation.ask('sessions')];
  await installation.wish(traffic.rebuildId, 'cancel');
  await eventually(stateOf(sessions.rebuildId), is('live'));
  expect(await stateOf(traffic.rebuildId)()).toBe('cancelled');
  expect((await generation('g2'))?.projections.map(({ name }) => name)).toEqual(['sessions']);
});

it('counts different scopes apart', async () => {
  await installation.worker();
  await counting();
  const asked = [
    await installation.ask('traffic'),
    await installation.ask('sessions', { merchantId: 'shop-1' }),
    await installation.ask('commerce', { merchantId: 'shop-1' }),
    await installation.ask('traffic', { merchantId: 'shop-2' }),
    await installation.ask('commerce', { from: '2026-05-01', timezonesAt: 1 }),
  ];
  for (const { rebuildId } of asked) await eventually(stateOf(rebuildId), is('live'));
  expect(asked.map(({ generationId }) => generationId)).toEqual(['g2', 'g3', 'g3', 'g4', 'g5']);
  const shared = await generation('g3');
  expect(shared?.scope).toEqual({ merchantId: 'shop-1' });
  expect(shared?.projections.map(({ name }) => name).sort()).toEqual(['commerce', 'sessions']);
  expect(await generation('g5')).toMatchObject({ scope: { from: '2026-05-01' }, timezonesAt: 1 });
});

it('counts in another generation what named one that began without it, or for another scope', async () => {
  await installation.worker();
  await counting();
  const late = await installation.ask('traffic');
  await eventually(stateOf(late.rebuildId), is('live'));
  const moved = [
    await installation.ask('sessions', { generationId: 'g2', rebuildId: 'late-sessions' }),
    await installation.ask('traffic', { generationId: 'g2', rebuildId: 'late-traffic', merchantId: 'shop-1' }),
    await installation.ask('commerce', { generationId: 'g2', rebuildId: 'late-commerce' }),
  ];
  for (const { rebuildId } of moved) await eventually(stateOf(rebuildId), is('live'));
  const found = new Map((await rebuildsIn()).map(({ rebuildId, generationId }) => [rebuildId, generationId]));
  expect(found.get('late-sessions')).toBe(found.get('late-commerce'));
  expect(new Set([...found.values()])).toEqual(new Set(['g2', 'g3', 'g4']));
  expect((await generation(found.get('late-traffic')!))?.scope).toEqual({ merchantId: 'shop-1' });
});
