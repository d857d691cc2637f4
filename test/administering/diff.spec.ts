import { AdministeringModule } from '../../src/administering/administering.module';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { documentPrefix, shardPrefix } from '../../projections/kit/document';
import type { StoredMeasures } from '../../projections/kit/measures';
import { partitionOf } from '../../src/domain/partition';
import { partitionsOf } from '../../src/domain/spreading';
import { collectionOf, controlId, type RebuildRecord, recordKinds } from '../../src/stores/records';
import { run, type Running } from '../configuring/running';
import { addHashes } from '../projections/kit/sets';
import { rebuildRecord } from '../stores/rebuild-record';

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule, AdministeringModule]);
  for (const generationId of ['g1', 'g2']) {
    const generation = { generationId, projections: [{ name: 'commerce', version: 2 }], state: 'live', createdAt: 1, fingerprint: 'f' };
    await running.store.records.put(recordKinds.generations, generationId, generation);
    for (let partition = 0; partition < 4; partition++) await reached(generationId, partition, 10);
  }
  for (const merchantId of ['one', 'two', 'same']) await running.store.records.put(recordKinds.merchants, merchantId, { merchantId });
  await rebuild({});
});
afterEach(() => running.close());

async function reached(generationId: string, partition: number, revision: number): Promise<void> {
  const { epoch } = await running.store.control.takeOver(controlId(generationId, partition), 'worker');
  const checkpoint = { revision, logTime: 1, resume: {}, events: 100 };
  await running.store.control.saveCheckpoint(controlId(generationId, partition), epoch, checkpoint);
}

async function rebuild(fields: Partial<RebuildRecord>): Promise<void> {
  const defaults = { rebuildId: 'g2-commerce', projection: 'commerce', version: 2, state: 'caught-up', promote: 'manual' } as const;
  const value = rebuildRecord({ ...defaults, ...fields });
  await running.store.records.put(recordKinds.rebuilds, value.rebuildId, value);
}

async function holds(generationId: string, merchantId: string, day: string, h: StoredMeasures, rev = 5, shard = 0): Promise<void> {
  const _id = `${shardPrefix(documentPrefix(merchantId, 'commerce', 'day', day), shard)}|000`;
  const document = { _id, rev, values: [{ v: '', h }] };
  await running.store.documents.flush(collectionOf('commerce', generationId), [document], { r0: -1, r1: rev });
}

const diff = async () => (await running.send('get', '/admin/rebuilds/g2-commerce').expect(200)).body.diff;
const visitors = (n: number) =>
  addHashes(
    undefined,
    Uint32Array.from({ length: 2 * n }, (_, i) => i + 1),
  );

it('says per day and measure what was and what is, the largest difference first, and whose numbers change', async () => {
  await holds('g1', 'one', '2026-05-04', { orders: 20, revenue: { EUR: 1999 }, visitors: visitors(3) });
  await holds('g2', 'one', '2026-05-04', { orders: 15, revenue: { EUR: 1999, USD: 50 }, visitors: visitors(3) });
  await holds('g1', 'two', '2026-05-04', { orders: 10 });
  await holds('g2', 'two', '2026-05-04', { orders: 9 });
  await holds('g2', 'two', '2026-05-05', { orders: 2 });
  for (const generation of ['g1', 'g2']) await holds(generation, 'same', '2026-05-04', { orders: 7 });
  expect(await diff()).toMatchObject({
    complete: true,
    merchantsCompared: 3,
    total: 3,
    rows: [
      { day: '2026-05-04', measure: 'orders', old: 37, new: 31, difference: -6 },
      { day: '2026-05-05', measure: 'orders', old: 0, new: 2, difference: 2 },
      {
        day: '2026-05-04',
        measure: 'revenue',
        old: { amount: '0.00', currency: 'USD' },
        new: { amount: '0.50', currency: 'USD' },
        difference: { amount: '0.50', currency: 'USD' },
      },
    ],
    merchants: [
      { merchantId: 'one', differences: 2 },
      { merchantId: 'two', differences: 2 },
    ],
  });
});

it('has orders as one number, whatever currencies they are in, also where the older version did not tell these apart', async () => {
  await holds('g1', 'one', '2026-05-04', { orders: 5, revenue: { EUR: 100 } });
  await holds('g2', 'one', '2026-05-04', { orders: { EUR: 4, USD: 2 }, revenue: { EUR: 100 } });
  await holds('g1', 'two', '2026-05-05', { orders: 5 });
  await holds('g2', 'two', '2026-05-05', { orders: { EUR: 4, USD: 1 } });
  expect(await diff()).toMatchObject({ total: 1, rows: [{ day: '2026-05-04', measure: 'orders', old: 5, new: 6, difference: 1 }] });
});

it('marks what one side has counted further than the other', async () => {
  await holds('g1', 'one', '2026-05-04', { orders: 20 });
  await holds('g1', 'one', '2026-05-03', { orders: 20 });
  await holds('g2', 'one', '2026-05-04', { orders: 21 }, 12);
  await reached('g2', partitionOf('one', 4), 12);
  const { rows } = await diff();
  expect(rows).toMatchObject([
    { day: '2026-05-03', difference: -20 },
    { day: '2026-05-04', difference: 1, moving: true },
  ]);
  expect(rows[0]).not.toHaveProperty('moving');
});

it('adds up what a spread merchant has in its partitions, each of which is counted as far as it is', async () => {
  await running.store.records.put(recordKinds.merchants, 'one', { merchantId: 'one', reach: 3 });
  for (const day of ['2026-05-03', '2026-05-04']) {
    await holds('g1', 'one', day, { orders: 20 });
    await holds('g1', 'one', day, { orders: 5 }, 5, 2);
    await holds('g2', 'one', day, { orders: 19 });
  }
  await holds('g2', 'one', '2026-05-03', { orders: 5 }, 5, 2);
  // Further than the other side in its own partition, and less far than that has come in the first one.
  await holds('g2', 'one', '2026-05-04', { orders: 9 }, 12, 2);
  for (const generation of ['g1', 'g2']) await reached(generation, partitionsOf('one', 3, 4)[0]!, 20);
  await reached('g2', partitionsOf('one', 3, 4)[2]!, 12);
  const { rows } = await diff();
  expect(rows).toMatchObject([
    { day: '2026-05-04', old: 25, new: 28, moving: true },
    { day: '2026-05-03', old: 25, new: 24 },
  ]);
  expect(rows[1]).not.toHaveProperty('moving');
});

it('is of the merchant and of the days that were counted again', async () => {
  await rebuild({ merchantId: 'one', from: '2026-05-04', to: '2026-05-04' });
  for (const day of ['2026-05-03', '2026-05-04', '2026-05-05']) await holds('g1', 'one', day, { orders: 2 });
  await holds('g1', 'two', '2026-05-04', { orders: 2 });
  await holds('g2', 'one', '2026-05-04', { orders: 1 });
  expect(await diff()).toMatchObject({ total: 1, rows: [{ day: '2026-05-04', difference: -1 }], merchantsCompared: 1 });
});

it('is shown while there is something to compare', async () => {
  await rebuild({ state: 'building' });
  expect(await diff()).toBeUndefined();
  await rebuild({ state: 'live' });
  expect(await diff()).toMatchObject({ total: 0, rows: [] });
  await rebuild({ state: 'retired' });
  expect(await diff()).toBeUndefined();
});
