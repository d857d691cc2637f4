import { catalog, type ProjectionDefinition } from '../../projections/catalog';
import type { StoredDoc } from '../../projections/kit/document';
import { collectionOf, controlId, type GenerationRecord, recordKinds, stateCollectionOf } from '../../src/stores/records';
import { traffic } from '../../projections/traffic/traffic';
import { append, events } from './shop-log';
import { countingTwice, documentsOf, eventually, InstallationUnderTest, is } from './installation-under-test';
import { whileTraffic } from './while-traffic';

let installation: InstallationUnderTest;
beforeEach(() => {
  installation = new InstallationUnderTest();
});
afterEach(() => installation.end());

const merchants = Array.from({ length: 6 }, (_, i) => `shop-${i}`);
const everywhere = (each: number) => merchants.flatMap((merchantId) => events(each, { merchantId }));
const state = (rebuildId: string) => async () => (await installation.rebuild(rebuildId))?.state;
const serving = (projection: string) => async () => (await installation.pointer(projection))?.generationId;

function underTraffic<T>(action: () => Promise<T>): Promise<T> {
  let most = 0;
  const write = (): Promise<void> => append(installation.eventStore, 4, everywhere(1));
  const look = async (): Promise<void> => {
    const seen = await installation.pageviews();
    if (seen < most) throw new Error(`a reader saw ${seen} page views after ${most}`);
    most = seen;
  };
  return whileTraffic({ write, look }, action);
}

const next = traffic.version + 1;
const raised = (version: number): ProjectionDefinition[] => catalog.map((one) => (one.name === 'traffic' ? { ...one, version } : one));

it('puts wrong numbers right by a reset under live traffic, without a reader ever seeing less or nothing', async () => {
  const wrong = await installation.worker({ catalog: countingTwice });
  await append(installation.eventStore, 4, everywhere(5));
  await eventually(() => installation.pageviews(), is(60));
  await wrong.stop();
  await installation.worker();
  await installation.reset('traffic');
  await eventually(serving('traffic'), is('g2'));
  await eventually(() => installation.pageviews(), is(30));
  expect(await installation.rebuild('rebuild-g2')).toMatchObject({ state: 'live', previousGenerationId: 'g1' });
  expect(await installation.pointer('traffic')).toMatchObject({
    generationId: 'g2',
    previous: { generationId: 'g1', version: traffic.version },
  });
  expect(await serving('sessions')()).toBe('g1');
});

it('promotes and rolls back under live traffic without readers ever seeing less', async () => {
  await installation.worker();
  await append(installation.eventStore, 4, everywhere(5));
  await eventually(() => installation.pageviews(), is(30));
  await underTraffic(async () => {
    const { rebuildId } = await installation.reset('traffic');
    await eventually(state(rebuildId), is('live'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await installation.wish(rebuildId, 'rollback');
    await eventually(serving('traffic'), is('g1'));
    await eventually(state(rebuildId), is('caught-up'));
    await installation.wish(rebuildId, 'promote');
    await eventually(serving('traffic'), is('g2'));
  });
  const both = async () => [await installation.pageviews('g1'), await installation.pageviews('g2')];
  const [old, rebuilt] = await eventually(both, ([a, b]) => a === b && a! > 30);
  expect(old).toBe(rebuilt);
});

it('rebuilds the same documents as were counted live', async () => {
  await installation.worker({ limits: { cacheBytesMax: 2_000 } });
  for (let i = 0; i < 10; i++) await append(installation.eventStore, 4, everywhere(4));
  for (const { name } of catalog) await installation.reset(name, { promote: 'manual' });
  for (const [i] of catalog.entries()) await eventually(state(`rebuild-g${i + 2}`), is('caught-up'));
  const events = async (generation: string) =>
    (await installation.readStore.control.list(`${generation}|`)).reduce((sum, { checkpoint }) => sum + checkpoint.events, 0);
  for (const [i] of [...catalog, 'g1'].entries()) await eventually(() => events(`g${i + 1}`), is(240));
  for (const [i, { name }] of catalog.entries()) {
    const content = async (generation: string) =>
      (await documentsOf(installation.readStore, collectionOf(name, generation))).map(({ rev: _rev, ...document }) => document);
    // Nobody buys anything here, and neither goals nor funnels are defined.
    if (!['commerce', 'goals', 'conversions', 'funnels'].includes(name)) expect((await content('g1')).length).toBeGreaterThan(0);
    expect(await content(`g${i + 2}`)).toEqual(await content('g1'));
  }
});

it('waits for a decision when asked to, and drops everything of a rebuild that is cancelled', async () => {
  await installation.worker();
  await append(installation.eventStore, 4, everywhere(5));
  // A rebuild is level with what serves: that must have counted something.
  await eventually(() => installation.pageviews(), is(30));
  const { rebuildId } = await installation.reset('traffic', { promote: 'manual' });
  await eventually(state(rebuildId), is('caught-up'));
  expect(await serving('traffic')()).toBe('g1');
  expect(await installation.readStore.documents.collections('traffic_g2')).toEqual(['traffic_g2']);
  await installation.wish(rebuildId, 'cancel');
  await eventually(state(rebuildId), is('cancelled'));
  await eventually(generationState('g2'), is('retired'));
  expect(await installation.readStore.documents.collections('traffic_g2')).toEqual([]);
  expect(await installation.readStore.control.list('g2|')).toEqual([]);
  await eventually(() => installation.pageviews(), is(30));
});

it('keeps what was replaced for a while, then drops it while the rest of its generation goes on', async () => {
  await installation.worker({ times: { retireAfterMs: 300 } });
  await append(installation.eventStore, 4, everywhere(5));
  await installation.reset('traffic');
  await eventually(serving('traffic'), is('g2'));
  expect((await installation.pointer('traffic'))?.previous).toBeDefined();
  await eventually(
    () => installation.readStore.documents.collections('traffic_'),
    (names) => names.join() === 'traffic_g2',
  );
  expect((await installation.pointer('traffic'))?.previous).toBeUndefined();
  await append(installation.eventStore, 4, everywhere(1));
  await eventually(() => installation.pageviews(), is(36));
  await eventually(
    async () => (await documentsOf(installation.readStore, collectionOf('sessions', 'g1'))).length,
    (documents) => documents > 0,
  );
  expect(await installation.readStore.documents.collections('traffic_g1')).toEqual([]);
  for (const { name } of catalog.filter((one) => one.name !== 'traffic')) await installation.reset(name);
  await eventually(generationState('g1'), is('retired'));
  // Generation 10 keeps its own.
  expect(await installation.readStore.documents.collections(stateCollectionOf('g1'))).not.toContain(stateCollectionOf('g1'));
});

it('counts a new version by itself at deploy, while the old one serves', async () => {
  const old = await installation.worker();
  await append(installation.eventStore, 4, everywhere(5));
  await eventually(() => installation.pageviews(), is(30));
  await old.stop();
  await append(installation.eventStore, 4, everywhere(1));
  await installation.worker({
    catalog: [...catalog, ...raised(next).filter(({ version, name }) => name === 'traffic' && version === next)],
    fingerprint: 'code-2',
  });
  await eventually(serving('traffic'), is('g2'));
  await eventually(() => installation.pageviews(), is(36));
  await append(installation.eventStore, 4, everywhere(1));
  await eventually(() => installation.pageviews('g1'), is(42));
  await eventually(() => installation.pageviews('g2'), is(42));
});

it('counts a projection that is new in the catalog by itself, from the beginning of the log', async () => {
  const old = await installation.worker({ catalog: catalog.filter(({ name }) => name !== 'live') });
  await append(installation.eventStore, 4, everywhere(5));
  await eventually(() => installation.pageviews(), is(30));
  await old.stop();
  await installation.worker({ fingerprint: 'code-2' });
  await append(installation.eventStore, 4, everywhere(1));
  await eventually(serving('live'), is('g2'));
  const views = async (): Promise<number> => {
    const documents = (await documentsOf(installation.readStore, collectionOf('live', 'g2'))) as StoredDoc[];
    const values = documents.flatMap((document) => document.values);
    return values.reduce((sum, { h }) => sum + Number(h?.['pageviews'] ?? 0), 0);
  };
  await eventually(views, is(36));
  expect(await serving('traffic')()).toBe('g1');
});

it('holds a version whose code is gone where it stands, says so, and goes on with the others', async () => {
  const old = await installation.worker();
  await append(installation.eventStore, 4, everywhere(5));
  await eventually(() => installation.pageviews(), is(30));
  await old.stop();
  // Not promoted by itself, so that the held version can be looked at.
  await installation.reset('traffic', { version: next, promote: 'manual' });
  await installation.worker({ catalog: raised(next), fingerprint: 'code-2' });
  await append(installation.eventStore, 4, everywhere(1));
  const { rebuildId } = (await installation.rebuild('rebuild-g2'))!;
  await eventually(state(rebuildId), is('caught-up'));
  expect(await installation.pageviews('g1')).toBe(30);
  expect((await installation.pointer('traffic'))?.heldSince).toBeGreaterThan(0);
  await installation.wish(rebuildId, 'promote');
  await eventually(serving('traffic'), is('g2'));
  await eventually(() => installation.pageviews(), is(36));
  await installation.wish(rebuildId, 'rollback');
  await eventually(
    () => installation.rebuild(rebuildId),
    (rebuild) => /its code is gone/.test(rebuild?.failure ?? ''),
  );
});

it('rebuilds by itself what was interrupted in a flush by a deploy with other code', async () => {
  const first = await installation.worker();
  await append(installation.eventStore, 4, everywhere(5));
  await eventually(() => installation.pageviews(), is(30));
  await first.abandon();
  const id = controlId('g1', 0);
  const before = (await installation.readStore.control.takeOver(id, 'dead'))!;
  const r0 = before.checkpoint.revision;
  for (let partition = 0; partition < 4; partition++) await append(installation.eventStore, 4, everywhere(1));
  await installation.readStore.control.saveIntent(id, before.epoch, { r0, r1: r0 + 1, fingerprint: 'code-1.0' });
  await installation.worker({ fingerprint: 'code-2' });
  await eventually(serving('traffic'), is('g2'));
  await eventually(() => installation.pageviews(), is(54));
});

function generationState(generationId: string) {
  return async () => (await installation.readStore.records.get<GenerationRecord>(recordKinds.generations, generationId))?.value.state;
}
