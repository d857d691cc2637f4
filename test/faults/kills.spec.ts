import { MongoClient } from 'mongodb';
import { catalog } from '../../projections/catalog';
import { eventually, isAlive } from '../running/recount';
import { seeded } from '../bench/events';
import { Stack } from '../flows/stack';
import { storedDocuments } from '../flows/stored-documents';

const kills = 24;
const senders = 4;

interface Sent {
  id: string;
  name: string;
  visitorId: string;
  url: string;
  time: number;
  value?: number;
}

describe('killing any process at any moment', () => {
  let stack: Stack;
  let writeKey: string;
  const acknowledged: Sent[] = [];
  let refusals = 0;
  let repeated = 0;

  beforeAll(async () => {
    stack = await Stack.start();
    writeKey = await stack.merchant('shop');
  });
  afterAll(() => stack.end());

  /** Sends a batch until it is acknowledged, as an SDK does: the same events with the same ids. */
  async function deliver(events: Sent[]): Promise<void> {
    for (;;) {
      try {
        const response = await fetch(`${stack.url}/v1/collect`, {
          method: 'POST',
          headers: { authorization: `Bearer ${writeKey}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            events: events.map(({ value, ...event }) => (value === undefined ? event : { ...event, value, currency: 'USD' })),
            sentAt: Date.now(),
          }),
          signal: AbortSignal.timeout(5_000),
        });
        const answer = (await response.json()) as { accepted?: number };
        if (response.status === 202) {
          expect(answer.accepted).toBe(events.length);
          return;
        }
        // Only "try again later" is a fair answer to good events with a good key.
        expect(response.status).toBe(503);
        refusals++;
      } catch (error) {
        // By name: fetch belongs to another realm than the test. A cut-off answer is no JSON.
        if (!['TypeError', 'TimeoutError', 'SyntaxError'].includes((error as Error).name)) throw error;
        refusals++;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it(`loses nothing acknowledged and counts nothing twice, over ${kills} kills`, async () => {
    let done = false;
    const load = Array.from({ length: senders }, async (_, sender) => {
      const random = seeded(100 + sender);
      for (let batch = 0; !done; batch++) {
        const events = Array.from({ length: 1 + random(40) }, (__, i): Sent => {
          const name = ['page_view', 'page_view', 'view_item', 'purchase'][random(4)]!;
          return {
            id: `${sender}-${batch}-${i}`,
            name,
            visitorId: `visitor-${random(200)}`,
            url: `https://shop.example/pages/${random(30)}`,
            time: Date.now() - random(60_000),
            ...(name === 'purchase' && { value: random(10_000) / 100 }),
          };
        });
        await deliver(events);
        acknowledged.push(...events);
        if (random(5) === 0) {
          await deliver(events);
          repeated += events.length;
        }
        await new Promise((resolve) => setTimeout(resolve, 5 + random(20)));
      }
    });

    const random = seeded(7);
    const killed = new Map<string, number>();
    for (let kill = 0; kill < kills;) {
      await new Promise((resolve) => setTimeout(resolve, 300 + random(2_000)));
      // Every kind of process in turn, at a moment of its own; one that is still coming back is passed over.
      const children = [...stack.process.pids()].filter(([, pid]) => isAlive(pid)).sort(([a], [b]) => (a < b ? -1 : 1));
      if (children.length === 0) continue;
      const [name, pid] = children[random(children.length)]!;
      process.kill(pid, 'SIGKILL');
      killed.set(name, (killed.get(name) ?? 0) + 1);
      kill++;
    }
    done = true;
    await Promise.all(load);
    await stack.counted('shop', 60_000);

    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    const query = {
      metrics: 'events,pageviews,visitors,orders,revenue',
      from: day(Date.now() - 86_400_000),
      to: day(Date.now()),
      interval: 'day',
    };
    const { totals, meta } = await stack.timeseries('shop', query);
    const named = (name: string): Sent[] => acknowledged.filter((event) => event.name === name);
    const cents = named('purchase').reduce((sum, event) => sum + Math.round(event.value! * 100), 0);
    expect({ totals, exact: meta.exact }).toEqual({
      totals: {
        events: acknowledged.length,
        pageviews: named('page_view').length,
        visitors: new Set(acknowledged.map((event) => event.visitorId)).size,
        orders: named('purchase').length,
        revenue: { amount: (cents / 100).toFixed(2), currency: 'USD' },
      },
      exact: true,
    });
    // The test is worth its time only if every kind of process was killed and the load felt it.
    expect([...killed.keys()].length).toBeGreaterThanOrEqual(4);
    expect([...killed.values()].reduce((a, b) => a + b)).toBe(kills);
    expect(refusals).toBeGreaterThan(0);
    expect(repeated).toBeGreaterThan(0);
  });

  it('leaves documents that are byte for byte what a rebuild counts from the log', async () => {
    const port = stack.process.log().find(({ msg, child }) => msg === 'started' && child === 'the embedded mongodb store')!.ports;
    const mongo = await new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`).connect();
    try {
      for (const { name: projection } of catalog) {
        const { body } = await stack.ask<{ rebuildId: string }>('POST', `/admin/projections/${projection}/reset`, { promote: 'automatic' });
        await eventually(
          async () => (await stack.ask<{ state: string }>('GET', `/admin/rebuilds/${body.rebuildId}`)).body.state === 'live',
        );
      }
      const generations = await mongo.db('recount').collection<{ _id: string }>('live').find().toArray();
      expect(generations).toHaveLength(catalog.length);
      // Without definitions there is nothing to count of goals and funnels.
      for (const projection of catalog.map(({ name }) => name).filter((name) => !['goals', 'conversions', 'funnels'].includes(name))) {
        const names = (await mongo.db('recount').listCollections().toArray())
          .map(({ name }) => name)
          .filter((name) => name.startsWith(`${projection}_`))
          .sort();
        expect(names).toHaveLength(2);
        const [live, rebuilt] = await Promise.all(
          names.map((name) => storedDocuments(mongo, projection, name.slice(projection.length + 1))),
        );
        expect(live!.size).toBeGreaterThan(0);
        expect(rebuilt).toEqual(live);
      }
    } finally {
      await mongo.close();
    }
  });
});
