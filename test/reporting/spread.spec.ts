import { valuesPerBucket } from '../../projections/kit/document';
import type { AcceptedEvent } from '../../src/domain/columns';
import type { Funnel } from '../../src/domain/definitions';
import { partitionOf } from '../../src/domain/partition';
import { partitionsOf, shardOf } from '../../src/domain/spreading';
import type { Breakdown } from '../../src/reporting/breakdown/breakdown';
import type { FunnelReport } from '../../src/reporting/funnels/funnels';
import type { Realtime } from '../../src/reporting/realtime/realtime';
import type { Retention } from '../../src/reporting/retention/retention';
import type { Timeseries } from '../../src/reporting/timeseries/timeseries';
import { generationId, Installation } from './installation';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const start = Date.parse('2025-03-10T00:00:00Z');
const funnel: Funnel = {
  funnelId: 'buying',
  name: 'Buying',
  steps: [
    { name: 'Looks', event: 'page_view' },
    { name: 'Adds', event: 'add_to_cart' },
    { name: 'Buys', event: 'purchase' },
  ],
  open: true,
  windowSeconds: 2 * 86_400,
};

/** The same happens in the shop of a merchant at home and in that of one who is spread. */
const twins = ['alone', 'spread'] as const;
const twice = (events: Omit<AcceptedEvent, 'merchantId' | 'receivedAt'>[]): AcceptedEvent[] =>
  events.flatMap((one) => twins.map((merchantId) => ({ ...one, merchantId, receivedAt: one.time })));

let made = 0;
const happens = (
  visitorId: string,
  time: number,
  fields: Partial<AcceptedEvent> = {},
): Omit<AcceptedEvent, 'merchantId' | 'receivedAt'> => ({
  id: `e${made++}`,
  name: 'page_view',
  visitorId,
  time,
  url: 'https://shop.example/',
  ...fields,
});

/** Three days of more visitors than a document keeps exactly, many of whom come again, add and buy. */
const crowd = Array.from({ length: 6_000 }, (_, i) => {
  const time = start + (i % 3) * dayMs + ((i * 7) % 1_440) * minuteMs;
  const name = i % 4 === 3 ? 'add_to_cart' : i % 10 === 9 ? 'purchase' : 'page_view';
  return happens(`v${(i * 31) % 1_100}`, time, { name, ...(name === 'purchase' && { value: i % 50, currency: 'USD' }) });
});
/** Two days of fewer, on their way through the funnel. */
const buyers = Array.from({ length: 900 }, (_, i) => {
  const name = ['page_view', 'add_to_cart', 'page_view', 'purchase'][Math.floor(i / 225)]!;
  return happens(`b${(i * 17) % 300}`, start + 3.5 * dayMs + i * 2 * minuteMs, { name });
});
/** A minute of more visitors than the document of its hour keeps, and not long ago. */
const now = start + 5 * dayMs + 12 * hourMs;
const rush = Array.from({ length: 400 }, (_, i) => happens(`r${i}`, now - 10 * minuteMs - (i % 3) * minuteMs));
/** More values on a day than are kept apart, most of them by visitors of one shard, on a day of their own. */
const beyond = 2_000;
const inOtherShards = 1_000;
const ofShard = (shard: number): string[] => Array.from({ length: 300 }, (_, i) => `w${i}`).filter((id) => shardOf(id, 3) === shard);
const [ofSecond, ofThird] = [ofShard(1), ofShard(2)];
const wide = Array.from({ length: valuesPerBucket + beyond + inOtherShards }, (_, i) => {
  const visitors = i < inOtherShards ? ofThird : ofSecond;
  return happens(visitors[i % visitors.length]!, start + 7 * dayMs + 12 * hourMs + i * 100, { url: `https://shop.example/p/${i}` });
});

const installation = new Installation();

beforeAll(async () => {
  installation.now = now;
  await installation.register('alone', { timezone: 'America/New_York', funnels: [funnel] });
  await installation.register('spread', { timezone: 'America/New_York', funnels: [funnel], spread: 3 });
  await installation.countFromLog(twice([...crowd, ...buyers, ...rush, ...wide]));
  await installation.start();
});
afterAll(() => installation.stop());

/** Both answers, of which only that of the merchant at home says whose it is; with what `meta` says of how exact they are. */
async function both<T extends { meta: object }>(report: string, query: Record<string, string>): Promise<T[]> {
  const answers = await Promise.all(twins.map((merchantId) => installation.report<T>(merchantId, report, query)));
  return answers.map((answer) => {
    // The two lie in different partitions: how far each is counted is its own.
    const { asOf: _asOf, lagSeconds: _lag, projections: _projections, ...meta } = answer.meta as Record<string, unknown>;
    return { ...answer, merchantId: '', meta };
  });
}

describe('a merchant who is spread is told what one at home is', () => {
  const days = { from: '2025-03-10', to: '2025-03-15' };

  it('of every day, exactly, where a day has more visitors than a document keeps', async () => {
    const metrics =
      'visitors,newVisitors,sessions,pageviews,bounceRate,avgSessionSeconds,orders,revenue,conversionRate,cartAbandonmentRate';
    const [alone, spread] = await both<Timeseries>('timeseries', { ...days, interval: 'day', metrics });
    expect(spread).toEqual(alone);
    expect(alone!.rows[0]!['visitors']).toBeGreaterThan(600);
    expect(alone!.meta).toMatchObject({ exact: true });
  });

  it.each(['minute', 'hour'])('of every %s', async (interval) => {
    const range = { from: '2025-03-15T10:00:00Z', to: '2025-03-15T13:00:00Z' };
    const [alone, spread] = await both<Timeseries>('timeseries', { ...range, interval, metrics: 'visitors,pageviews,sessions' });
    expect(spread).toEqual(alone);
    expect(alone!.totals).toMatchObject({ visitors: 400 });
    expect(Math.max(...alone!.rows.map((row) => row['visitors'] as number))).toBeGreaterThan(100);
  });

  it('of now', async () => {
    const [alone, spread] = await both<Realtime>('realtime', { metrics: 'visitors,pageviews,sessions' });
    expect(spread).toEqual(alone);
    expect(alone!.activeVisitors).toBe(400);
  });

  it('of a funnel, with its medians', async () => {
    const [alone, spread] = await both<FunnelReport>('funnels/buying', { from: '2025-03-13', to: '2025-03-14' });
    expect(spread).toEqual(alone);
    expect(alone!.steps.map(({ visitors }) => visitors > 0)).toEqual([true, true, true]);
    expect(alone!.steps[2]!.medianSecondsFromPrevious).toBeGreaterThan(0);
  });

  it.each(['day', 'week', 'month'])('of who comes back by %s', async (interval) => {
    const [alone, spread] = await both<Retention>('retention', { ...days, interval });
    expect(spread).toEqual(alone);
    expect(alone!.totals.visitors).toBeGreaterThan(1_000);
  });

  it('of every value, and how much lies beyond those that are kept apart', async () => {
    const query = { dimension: 'page', metrics: 'pageviews', from: '2025-03-17', to: '2025-03-17', limit: '10000' };
    for (const [merchantId, kept] of [
      ['alone', valuesPerBucket],
      // What another partition keeps apart is kept beside it.
      ['spread', valuesPerBucket + inOtherShards],
    ] as const) {
      let shown = 0;
      let offset = 0;
      for (;;) {
        const { rows, rowCount, other, totals } = await installation.report<Breakdown>(merchantId, 'breakdown', {
          ...query,
          offset: String(offset),
        });
        for (const row of rows) shown += row['pageviews'] as number;
        offset += rows.length;
        if (offset < rowCount) continue;
        expect(rowCount).toBe(kept);
        expect(other).toEqual({ value: '(other)', pageviews: wide.length - shown });
        expect(totals).toEqual({ pageviews: wide.length });
        break;
      }
    }
  });
});

describe('how far a spread merchant is counted', () => {
  it('is as far as the least of its partitions', async () => {
    await installation.register('third', { spread: 3 });
    const far = Date.now() + dayMs;
    const times = [far + 3_000, far + 1_000, far + 2_000];
    const own = partitionsOf('third', 3, 4);
    await Promise.all(own.map((partition, shard) => installation.checkpoint(partition, generationId, 1_000_000, times[shard]!)));
    await new Promise((resolve) => setTimeout(resolve, 600));
    const { meta } = await installation.report<Timeseries>('third', 'timeseries', { interval: 'day', metrics: 'visitors' });
    expect(meta.asOf).toBe(new Date(far + 1_000).toISOString());
    expect(partitionOf('third', 4)).toBe(own[0]);
  });
});
