import { eventually } from '../running/recount';
import { Stack, type Report } from './stack';

const metrics = 'events,pageviews,visitors,newVisitors,sessions,bounces,orders,revenue,itemsSold,addToCarts,conversionRate';
/** What does not depend on a visitor's earlier events. */
const whatever = ['events', 'pageviews', 'visitors', 'orders', 'revenue', 'itemsSold', 'addToCarts'];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const names = ['page_view', 'view_item', 'add_to_cart', 'page_view', 'purchase'];

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(() => stack.end());

const range = (): Record<string, string> => {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  return { from: day(Date.now() - 86_400_000), to: day(Date.now() + 86_400_000) };
};
const look = (merchantId: string): Promise<Report> => stack.timeseries(merchantId, { metrics, interval: 'day', ...range() });
const totals = async (merchantId: string): Promise<Report['totals']> => (await look(merchantId)).totals;

async function collect(writeKey: string, events: readonly object[]): Promise<void> {
  expect(await stack.ask('POST', '/v1/collect', { events }, writeKey)).toMatchObject({ status: 202, body: { accepted: events.length } });
}

/** A round of forty visitors; every purchase is an order of its own. */
const round = (at: number, time: number): object[] =>
  Array.from({ length: 40 }, (_, i) => ({
    id: `${at}-${i}`,
    name: names[(at + i) % names.length],
    time,
    visitorId: `visitor-${i}`,
    url: `https://shop.example/${i % 3}`,
    ...((at + i) % names.length === 4 && {
      transactionId: `${at}-${i}`,
      value: i + 0.25,
      currency: 'USD',
      items: [{ itemId: 'p', price: 1, quantity: 2 }],
    }),
  }));

async function live(rebuildId: string): Promise<void> {
  await eventually(async () => (await stack.ask<{ state: string }>('GET', `/admin/rebuilds/${rebuildId}`)).body.state === 'live');
}

it('counts a merchant who is spread from the start as one at home, also when counted again and when a visitor is erased', async () => {
  const keys = [await stack.merchant('home'), await stack.merchant('large', { spread: 8 })];
  const start = Date.now() - 6 * 3_600_000;
  for (let at = 0; at < 40; at++) for (const key of keys) await collect(key, round(at, start + at * 400_000));
  for (const merchant of ['home', 'large']) await stack.counted(merchant, 60_000);
  const expected = await totals('home');
  expect(expected).toMatchObject({ events: 1_600, visitors: 40, newVisitors: 40, orders: 320, itemsSold: 640 });
  await eventually(async () => (await totals('large'))['events'] === 1_600);
  expect(await totals('large')).toEqual(expected);
  for (const dimension of ['page', 'channel', 'product']) {
    const query = { dimension, metrics: 'orders,revenue', ...range() };
    const [home, large] = await Promise.all(['home', 'large'].map((merchant) => stack.breakdown(merchant, query)));
    expect(large!.rows).toEqual(home!.rows);
  }
  // Forty visitors over eight partitions, and everybody else's numbers in the partition of those.
  const { body } = await stack.ask<{ partitions: { head: number }[] }>('GET', '/admin/partitions');
  expect(body.partitions.filter(({ head }) => head >= 0).length).toBeGreaterThanOrEqual(8);

  for (const projection of ['traffic', 'sessions', 'commerce']) {
    const asked = await stack.ask<{ rebuildId: string }>('POST', `/admin/projections/${projection}/reset`, { merchantId: 'large' });
    expect(asked.status).toBe(202);
    await live(asked.body.rebuildId);
  }
  await pause(1_000);
  expect(await totals('large')).toEqual(expected);

  expect((await stack.ask('DELETE', '/admin/merchants/large/visitors/visitor-7')).status).toBe(202);
  await eventually(async () => (await totals('large'))['visitors'] === 39);
  await eventually(async () => (await totals('large'))['sessions'] !== expected['sessions']);
  expect(await totals('large')).toMatchObject({ visitors: 39, newVisitors: 39 });
});

it('loses nothing and counts nothing twice while the spread changes under traffic of which everything is sent twice', async () => {
  const keys = [await stack.merchant('still'), await stack.merchant('moving')];
  let isOver = false;
  let sent = 0;
  const late: Promise<void>[] = [];
  const both = async (events: readonly object[]): Promise<void> => {
    for (const key of keys) await collect(key, events);
  };
  const traffic = (async () => {
    for (let at = 0; !isOver; at++) {
      const events = round(at, Date.now());
      await both(events);
      sent += events.length;
      // As a client does that never got the answer, before or after the change.
      late.push(pause(500 + (at % 8) * 1_000).then(() => both(events)));
      await pause(100);
    }
  })();
  const shards = async (spread: number): Promise<void> => {
    expect(await stack.ask('PATCH', '/v1/merchants/moving', { spread })).toMatchObject({ status: 200, body: { spread } });
    let asOf = 0;
    // It begins ten seconds later; whoever reads meanwhile is answered, and never with less.
    for (let i = 0, events = 0; i < 130; i++) {
      const { totals: now, meta } = await look('moving');
      expect(now['events']).toBeGreaterThanOrEqual(events);
      expect(Date.parse(meta.asOf!)).toBeGreaterThanOrEqual(asOf);
      events = now['events'] as number;
      asOf = Date.parse(meta.asOf!);
      await pause(100);
    }
  };
  try {
    await stack.counted('moving');
    const reset = await stack.ask<{ rebuildId: string }>('POST', '/admin/projections/traffic/reset', { merchantId: 'moving' });
    await live(reset.body.rebuildId);
    await shards(6);
    await shards(2);
  } finally {
    isOver = true;
    await traffic;
    await Promise.all(late);
  }
  for (const merchant of ['still', 'moving']) await stack.counted(merchant, 60_000);
  const [still, moving] = await Promise.all(['still', 'moving'].map(totals));
  expect(still!['events']).toBe(sent);
  for (const name of whatever) expect({ [name]: moving![name] }).toEqual({ [name]: still![name] });
  // Those who moved to another partition are new there.
  expect(moving!['newVisitors']).toBeGreaterThan(40);
  expect(moving!['sessions']).toBeGreaterThan(still!['sessions'] as number);

  const again = await stack.ask<{ rebuildId: string }>('POST', '/admin/projections/commerce/reset', { merchantId: 'moving' });
  await live(again.body.rebuildId);
  await pause(1_000);
  expect(await totals('moving')).toEqual(moving);
});
