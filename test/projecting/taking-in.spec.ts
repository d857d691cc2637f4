import * as fc from 'fast-check';
import type { StoredDoc } from '../../projections/kit/document';
import { catalog } from '../../projections/catalog';
import { type Definitions, noDefinitions } from '../../src/domain/definitions';
import { StoreUnavailable } from '../../src/stores/event-store';
import type { ReadStore, RecordStore } from '../../src/stores/read-store';
import { collectionOf, type GenerationRecord, type Overlay, type RebuildRecord, recordKinds, settingsId } from '../../src/stores/records';
import { append, event } from './shop-log';
import { documentsOf, eventually, InstallationUnderTest } from './installation-under-test';

const projections = catalog.filter(({ name }) => name === 'traffic' || name === 'sessions');
const shops = ['shop', 'other'];
const withoutOne: Definitions = {
  ...noDefinitions,
  filters: [{ filterId: 'f', name: 'f', field: 'page', pattern: '/p/1' }],
};
/** What is written when a generation moves along; heartbeats and leases go on as they please. */
const moving: readonly string[] = [recordKinds.generations, recordKinds.live, recordKinds.overlays, recordKinds.rebuilds];

/** Calls `kill` at the n-th write that moves generations along: before it is made, or after. */
function dyingAt(store: ReadStore, fates: readonly { writes: number; isMade: boolean }[], kill: () => void): ReadStore {
  let fate = 0;
  let writes = 0;
  const dies = async <T>(kind: string, write: () => Promise<T>): Promise<T> => {
    const next = fates[fate];
    if (next === undefined || !moving.includes(kind) || ++writes < next.writes) return write();
    fate++;
    writes = 0;
    if (next.isMade) await write();
    kill();
    throw new StoreUnavailable('the process was killed');
  };
  const { records } = store;
  const dying: RecordStore = {
    get: (kind, id) => records.get(kind, id),
    list: (kind, prefix, options) => records.list(kind, prefix, options),
    put: (kind, id, value) => dies(kind, () => records.put(kind, id, value)),
    putIf: (kind, id, value, rev) => dies(kind, () => records.putIf(kind, id, value, rev)),
    putNewer: (kind, id, value, order) => dies(kind, () => records.putNewer(kind, id, value, order)),
    delete: (kind, id) => dies(kind, () => records.delete(kind, id)),
  };
  return { documents: store.documents, control: store.control, records: dying, ping: (ms) => store.ping(ms), close: () => store.close() };
}

const visits = (merchantId: string) => Array.from({ length: 20 }, (_, i) => event({ merchantId, url: `https://shop.example/p/${i % 4}` }));

async function viewsByShop(installation: InstallationUnderTest, generationId: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const document of await documentsOf(installation.readStore, collectionOf('traffic', generationId))) {
    const shop = /^..(\w+)\|traffic\|day\|/.exec(document._id)?.[1];
    if (shop !== undefined) found[shop] = Number((document as StoredDoc).values[0]?.h?.pageviews ?? 0);
  }
  return found;
}

/** From a changed filter to the one generation that serves everyone again, with the coordinator killed at some of its writes. */
async function takesIn(fates: readonly { writes: number; isMade: boolean }[]): Promise<void> {
  const installation = new InstallationUnderTest(2);
  const { records } = installation.readStore;
  try {
    let deaths = Promise.resolve();
    const start = async (): Promise<void> => {
      const worker = await installation.worker({
        catalog: projections,
        readStore,
        times: { takeInAfterMs: 50, retireAfterMs: 100, settingsQuietMs: 20, leaseMs: 60, renewMs: 20 },
      });
      die = () => {
        deaths = deaths.then(() => worker.abandon()).then(start);
      };
    };
    let die: () => void = () => undefined;
    const readStore = dyingAt(installation.readStore, fates, () => die());
    for (const merchantId of shops) {
      await records.put(recordKinds.merchants, merchantId, { merchantId, timezones: [{ timezone: 'UTC', since: 0 }], createdAt: 0 });
      await records.put(recordKinds.settings, settingsId(merchantId, 0), { since: 0, definitions: noDefinitions });
      await records.put(recordKinds.settingsRevisions, settingsId(merchantId, 0), { since: 0 });
    }
    await start();
    await append(installation.eventStore, 2, shops.flatMap(visits));
    await eventually(
      () => installation.pointer('traffic'),
      (pointer) => pointer !== undefined,
    );
    // Later than the first generation, which otherwise counts with the changed settings from the start and need not be built anew.
    const { createdAt } = (await records.get<GenerationRecord>(recordKinds.generations, 'g1'))!.value;
    const since = await eventually(
      () => Promise.resolve(Date.now()),
      (now) => now > createdAt,
    );
    await records.put(recordKinds.settings, settingsId('shop', 1), { since, definitions: withoutOne });
    await records.put(recordKinds.settingsRevisions, settingsId('shop', 1), { since });
    await records.put(recordKinds.settingsChanges, settingsId('shop', 1), { merchantId: 'shop' });

    const generations = async () => (await records.list<GenerationRecord>(recordKinds.generations)).map(({ value }) => value);
    const settled = async () => {
      const serving = (await generations()).filter(({ state }) => state !== 'retired');
      const overlays = await records.list<Overlay>(recordKinds.overlays);
      const changes = await records.list(recordKinds.settingsChanges);
      // A death between two rebuilds of one beginning leaves each a generation of its own, which serves as well.
      const serveAll = serving.every(({ generationId, scope }) => scope === undefined && generationId !== 'g1');
      return serveAll && overlays.length + changes.length === 0 ? serving.map(({ generationId }) => generationId) : [];
    };
    const served = await eventually(settled, (ids) => ids.length > 0);
    const { generationId } = (await installation.pointer('traffic'))!;
    await deaths;
    await append(installation.eventStore, 2, shops.flatMap(visits));
    await eventually(
      async () => JSON.stringify(await viewsByShop(installation, generationId)),
      (found) => found === JSON.stringify({ shop: 30, other: 40 }) || found === JSON.stringify({ other: 40, shop: 30 }),
    );
    // Nothing of what was on the way is left.
    const collections = await installation.readStore.documents.collections('');
    expect(collections.filter((name) => /_g\d+$/.test(name) && !served.some((id) => name.endsWith(`_${id}`)))).toEqual([]);
    const rebuilds = (await records.list<RebuildRecord>(recordKinds.rebuilds)).map(({ value }) => value.state);
    expect(rebuilds.filter((state) => state === 'building' || state === 'caught-up')).toEqual([]);
  } finally {
    await installation.end();
  }
}

jest.setTimeout(300_000);
const runs = Number(process.env.PROPERTY_RUNS ?? 12);
const fate = fc.record({ writes: fc.integer({ min: 1, max: 12 }), isMade: fc.boolean() });

it('takes a merchant who was counted apart in again, when nothing fails', () => takesIn([]));

it('takes a merchant in again, wherever between two writes the process that does it is killed', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 6 }), takesIn), { numRuns: runs });
});
