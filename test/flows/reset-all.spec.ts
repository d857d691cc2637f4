import { MongoClient } from 'mongodb';
import { catalog } from '../../projections/catalog';
import { eventually, isAlive } from '../running/recount';
import { seeded } from '../bench/events';
import { ShopLoad } from './shop-load';
import { Stack } from './stack';
import { storedDocuments } from './stored-documents';

interface Rebuild {
  rebuildId: string;
  state: string;
  eventsRead: number;
}

const names = catalog.map(({ name }) => name);
const cancelled = 'retention';
const promoted = names.filter((name) => name !== cancelled);
const historyBatches = 60;
const batchEvents = 1_000;

describe('resetting everything at once under live traffic', () => {
  let stack: Stack;
  let writeKey: string;
  let mongo: MongoClient;
  beforeAll(async () => {
    stack = await Stack.start({ PARTITIONS: '8' });
    writeKey = await stack.merchant('shop');
    const port = stack.process.log().find(({ msg, child }) => msg === 'started' && child === 'the embedded mongodb store')!.ports;
    mongo = await new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`).connect();
  });
  afterAll(async () => {
    await mongo?.close();
    await stack.end();
  });

  const rebuild = async (id: string): Promise<Rebuild> => (await stack.ask<Rebuild>('GET', `/admin/rebuilds/${id}`)).body;
  const reset = async (name: string): Promise<string> => {
    const { status, body } = await stack.ask<{ rebuildId: string }>('POST', `/admin/projections/${name}/reset`, {});
    expect(status).toBe(202);
    return body.rebuildId;
  };
  const generationOf = async (name: string): Promise<string> =>
    (await mongo.db('recount').collection<{ _id: string; value: { generationId: string } }>('live').findOne({ _id: name }))!.value
      .generationId;

  /** A day of a shop, so that there is something to count for a while. */
  async function history(): Promise<void> {
    const random = seeded(3);
    const kinds = ['page_view', 'page_view', 'view_item', 'add_to_cart', 'purchase'];
    for (let batch = 0; batch < historyBatches; batch++) {
      const events = Array.from({ length: batchEvents }, (_, i) => {
        const name = kinds[random(kinds.length)]!;
        const bought = name === 'purchase' && { value: random(10_000) / 100, currency: 'USD', transactionId: `t${batch}-${i}` };
        const url = `https://shop.example/${random(300)}`;
        return { id: `h${batch}-${i}`, name, visitorId: `visitor-${random(5_000)}`, time: Date.now() - random(86_400_000), url, ...bought };
      });
      const { body } = await stack.ask<{ accepted: number }>('POST', '/v1/collect', { events }, writeKey);
      expect(body.accepted).toBe(batchEvents);
    }
  }

  it('answers every read, promotes each, lets one be cancelled, and outlives a worker', async () => {
    await history();
    await stack.counted('shop', 60_000);
    const load = new ShopLoad(stack, writeKey, { senders: 2, eventsPerBatch: 20, pauseMs: 20, again: true });
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    const query = {
      metrics: 'pageviews,sessions,orders',
      from: day(Date.now() - 2 * 86_400_000),
      to: day(Date.now() + 86_400_000),
      interval: 'day',
    };
    let isOver = false;
    const looks: { [metric: string]: number }[] = [];
    const reader = (async () => {
      while (!isOver) {
        looks.push((await stack.timeseries('shop', query)).totals as { [metric: string]: number });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    reader.catch(() => undefined);

    const asked = new Map(await Promise.all(names.map(async (name) => [name, await reset(name)] as const)));
    await eventually(async () => (await rebuild(asked.get(cancelled)!)).eventsRead > 0);
    const { status } = await stack.ask('POST', `/admin/rebuilds/${asked.get(cancelled)!}/cancel`);
    const [, worker] = [...stack.process.pids()].find(([name, pid]) => /work|projecting/.test(name) && isAlive(pid))!;
    process.kill(worker, 'SIGKILL');
    // Unless it was through by then, which would make the test say nothing.
    expect(status).toBe(202);
    await eventually(async () => (await rebuild(asked.get(cancelled)!)).state === 'cancelled');
    for (const name of promoted) await eventually(async () => (await rebuild(asked.get(name)!)).state === 'live');

    await new Promise((resolve) => setTimeout(resolve, 1_500));
    isOver = true;
    await Promise.all([reader, load.end()]);
    const generations = new Set(await Promise.all(promoted.map(generationOf)));
    // One pass over the log for all that is asked for in a row; on a busy machine there may be pauses between the requests, and which
    // pauses part them is held against a clock in test/projecting/shared-rebuild.spec.ts.
    expect(generations.size).toBeLessThan(promoted.length / 2);
    expect(generations).not.toContain(await generationOf(cancelled));
    // Every look was answered, and none saw less than the one before.
    expect(looks.length).toBeGreaterThan(20);
    for (const metric of ['pageviews', 'sessions', 'orders']) {
      const seen = looks.map((look) => look[metric]!);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
    }
    expect(load.acknowledged.size).toBeGreaterThan(100);
  });

  it('gave the documents that rebuilds one by one give, byte for byte', async () => {
    await stack.counted('shop', 60_000);
    for (const name of promoted) {
      const together = await generationOf(name);
      const rebuildId = await reset(name);
      await eventually(async () => (await rebuild(rebuildId)).state === 'live');
      const apart = await generationOf(name);
      expect(apart).not.toBe(together);
      const [first, second] = await Promise.all([together, apart].map((generationId) => storedDocuments(mongo, name, generationId)));
      // Without definitions there is nothing to count of goals and funnels.
      if (!['goals', 'conversions', 'funnels'].includes(name)) expect(first!.size).toBeGreaterThan(0);
      expect(second).toEqual(first);
    }
  });
});
