import fc from 'fast-check';
import { shardOfId } from '../../projections/kit/document';
import type { AcceptedEvent } from '../../src/domain/columns';
import { noDefinitions, type Goal } from '../../src/domain/definitions';
import type { Breakdown } from '../../src/reporting/breakdown/breakdown';
import type { Timeseries } from '../../src/reporting/timeseries/timeseries';
import { collectionOf } from '../../src/stores/records';
import type { ItemCounts } from '../oracle/commerce';
import { acquisitionDimensions, itemDimensions, visitorDimensions } from '../oracle/dimensions';
import type { Bots } from '../oracle/events';
import { rates } from '../oracle/metrics';
import type { CountsByCurrency, Money } from '../oracle/money';
import { breakDown, breakDownItems, countIn, readShop, type Asked, type Counts, type Dimension, type Shop } from '../oracle/oracle';
import { event, noon, timezones } from '../projections/shop-events';
import { generationId, Installation } from './installation';
import { writtenMoney } from './written-money';

const merchantId = 'north';
const currency = 'USD';
const goals: readonly Goal[] = [
  { goalId: 'bought', name: 'Bought', event: 'purchase' },
  { goalId: 'saw-b', name: 'Saw b', page: '/b*' },
];
const definitions = { ...noDefinitions, goals };

const campaigns = [
  'utm_source=newsletter&utm_medium=email&utm_campaign=march',
  'utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=boots&utm_content=a',
  'gclid=123',
];
/** Some of the events come through campaigns, and some pay for or give back what was ordered before. Ids are those of one visitor. */
const sent = (one: AcceptedEvent, i: number): AcceptedEvent => ({
  ...one,
  // So named that three partitions share them.
  visitorId: one.visitorId.replace('v', 'x'),
  id: `${one.visitorId} ${one.id}`,
  ...(one.transactionId && { transactionId: `${one.visitorId} ${one.transactionId}` }),
  ...(i % 5 === 0 && { url: `https://shop.example/a?${campaigns[(i / 5) % campaigns.length]}` }),
  ...((one.name === 'purchase' || one.name === 'refund') && i % 4 === 0 && { transactionId: `${one.visitorId} t${i % 20}` }),
});

// What is offered by which dimension, as docs/metrics.md says it

const traffic = ['pageviews', 'events', 'visitors'];
const visits = [
  'newVisitors',
  'sessions',
  'bounces',
  'bounceRate',
  'engagedSessions',
  'engagementRate',
  'avgSessionSeconds',
  'viewsPerSession',
];
const shared = ['orders', 'revenue', 'itemsSold', 'addToCarts', 'averageOrderValue'];
const ofItems = [...shared, 'productViews'];
const sales = [...shared, 'tax', 'shipping', 'refunds', 'checkouts', 'cartAbandonmentRate'];
const ofGoals = goals.flatMap(({ goalId }) => [`goal:${goalId}`, `goalVisitors:${goalId}`, `goalValue:${goalId}`]);
const both = ['conversionRate'];

const offered: [Dimension, string[]][] = [
  ...visitorDimensions.map((name): [Dimension, string[]] => [name, [...traffic, ...visits, ...sales, ...both, ...ofGoals]]),
  ['hostname', [...traffic, ...visits, ...sales, ...both, ...ofGoals]],
  ['page', [...traffic, ...sales, ...ofGoals]],
  ['title', [...traffic, ...ofGoals]],
  ['event', [...traffic, ...ofGoals]],
  ['coupon', [...sales, ...ofGoals]],
  ['property:plan', [...traffic, ...ofGoals]],
  ['property:size', [...traffic, ...ofGoals]],
  ...acquisitionDimensions.map((name): [Dimension, string[]] => [name, [...traffic, ...visits, ...sales, ...both, ...ofGoals]]),
];
const all = [...traffic, ...visits, ...sales, 'productViews', ...both, ...ofGoals];

// What is counted, as answers write it

const moneyMetrics = new Set(['revenue', 'tax', 'shipping', 'refunds']);
const written = (name: string, money: Money, per?: CountsByCurrency): Record<string, unknown> => writtenMoney(currency, name, money, per);

function figure(name: string, counts: Counts): Record<string, unknown> {
  const [kind, goalId] = name.split(':');
  if (goalId !== undefined) {
    const { completions, completers, value } = counts.goals[goalId]!;
    if (kind === 'goalValue') return written(name, value);
    return { [name]: kind === 'goal' ? completions : completers };
  }
  if (name === 'averageOrderValue') return written(name, counts.revenue, counts.ordersByCurrency);
  if (moneyMetrics.has(name)) return written(name, counts[name as 'revenue']);
  if (name in rates) return { [name]: Number(rates[name as keyof typeof rates](counts).toFixed(6)) };
  return { [name]: counts[name as 'events'] };
}
const figures = (names: readonly string[], counts: Counts): Record<string, unknown> =>
  Object.assign({}, ...names.map((name) => figure(name, counts))) as Record<string, unknown>;

const isNothing = (row: Record<string, unknown>): boolean =>
  Object.values(row).every(
    (one) => one === 0 || (typeof one === 'object' && !Array.isArray(one) && Number((one as { amount: string }).amount) === 0),
  );

describe.each([1, 3])('a merchant spread over %i', (spread) => {
  const installation = new Installation();
  let shop: Shop;

  beforeAll(async () => {
    const log = fc.sample(event, { numRuns: 1_200, seed: 23 }).map(sent);
    await installation.register(merchantId, { timezone: timezones[merchantId], currency, spread, goals });
    await installation.countFromLog(log);
    await installation.start();
    shop = readShop(log, { merchantId, timezone: timezones[merchantId], definitions });
  });
  afterAll(() => installation.stop());

  // Questions

  const metricsMax = 20;
  const inParts = (names: readonly string[]): string[][] =>
    [names.slice(0, metricsMax), names.slice(metricsMax)].filter((part) => part.length > 0);

  const ranges: [string, Record<string, string>][] = [
    ['days', { from: '2025-03-07', to: '2025-03-11' }],
    ['hours', { from: '2025-03-08T14:00:00Z', to: '2025-03-10T07:00:00Z' }],
  ];
  const asked = ({ from, to }: { from: string; to: string }, bots: Bots): Asked => ({ from: Date.parse(from), to: Date.parse(to), bots });

  async function compare(
    dimension: string,
    names: readonly string[],
    bots: Bots,
    range: Record<string, string>,
    expectedOf: (asked: Asked) => Map<string, Record<string, unknown>>,
  ): Promise<void> {
    const answer = await installation.report<Breakdown>(merchantId, 'breakdown', {
      dimension,
      metrics: names.join(),
      bots,
      limit: '1000',
      ...range,
    });
    const rows = Object.fromEntries(answer.rows.map(({ value, ...row }) => [value, row]));
    const expected = [...expectedOf(asked(answer, bots))].filter(([, row]) => !isNothing(row));
    expect(rows).toEqual(Object.fromEntries(expected));
    expect(answer.rowCount).toBe(expected.length);
    expect(answer.totals).toEqual(figures(names, countIn(shop, asked(answer, bots))));
  }

  describe.each(ranges)('every metric over %s', (_name, range) => {
    it.each(offered)('by %s', async (dimension, names) => {
      for (const bots of ['exclude', 'include', 'only'] as const) {
        for (const part of inParts(names)) {
          await compare(dimension, part, bots, range, (span) => {
            return new Map([...breakDown(shop, span, dimension)].map(([value, counts]) => [value, figures(part, counts)]));
          });
        }
      }
    });

    it.each(itemDimensions)('by %s', async (dimension) => {
      await compare(dimension, ofItems, 'exclude', range, (span) => {
        return new Map([...breakDownItems(shop, span, dimension)].map(([value, counts]) => [value, itemFigures(counts)]));
      });
    });
  });

  const itemFigures = ({ orders, ordersByCurrency, revenue, itemsSold, addToCarts, views }: ItemCounts): Record<string, unknown> => ({
    orders,
    ...written('revenue', revenue),
    itemsSold,
    addToCarts,
    ...written('averageOrderValue', revenue, ordersByCurrency),
    productViews: views,
  });

  describe('every metric over time', () => {
    it.each([
      ['day', { from: '2025-03-07', to: '2025-03-11' }],
      ['hour', { from: '2025-03-08T12:00:00Z', to: '2025-03-09T12:00:00Z' }],
      ['minute', { from: '2025-03-08T12:00:00Z', to: '2025-03-08T15:00:00Z' }],
    ])('by %s', async (interval, range) => {
      const kept = interval === 'minute' ? all.filter((name) => name !== 'productViews') : all;
      for (const names of inParts(kept)) {
        const answer = await installation.report<Timeseries>(merchantId, 'timeseries', { interval, metrics: names.join(), ...range });
        for (const [i, { time, ...row }] of answer.rows.entries()) {
          const span = { from: time, to: answer.rows[i + 1]?.time ?? answer.to };
          expect({ time, ...row }).toEqual({ time, ...figures(names, countIn(shop, asked(span, 'exclude'))) });
        }
        expect(answer.totals).toEqual(figures(names, countIn(shop, asked(answer, 'exclude'))));
        expect(answer.totals).not.toEqual({});
      }
    });

    it.each(offered)('of one value of %s', async (dimension, names) => {
      const range = { from: '2025-03-07', to: '2025-03-10' };
      const values = [...breakDown(shop, { from: noon - 86_400_000, to: noon + 3 * 86_400_000, bots: 'exclude' }, dimension)];
      expect(values.length).toBeGreaterThan(0);
      for (const [value] of values.slice(0, 3)) {
        for (const part of inParts(names)) {
          const query = { interval: 'day', filter: `${dimension}==${value}`, metrics: part.join(), ...range };
          const answer = await installation.report<Timeseries>(merchantId, 'timeseries', query);
          for (const [i, { time, ...row }] of answer.rows.entries()) {
            const span = { from: time, to: answer.rows[i + 1]?.time ?? answer.to };
            expect({ value, time, ...row }).toEqual({
              value,
              time,
              ...figures(part, countIn(shop, asked(span, 'exclude'), { name: dimension, value })),
            });
          }
        }
      }
    });
  });

  describe('the log these were counted in', () => {
    it('is worth counting', () => {
      const everything = countIn(shop, { from: 0, to: Infinity, bots: 'exclude' });
      for (const name of [...traffic, ...visits, 'orders', 'itemsSold', 'productViews', 'addToCarts', 'checkouts']) {
        if (name in rates) continue;
        expect([name, everything[name as 'events']]).not.toEqual([name, 0]);
      }
      const channels = breakDown(shop, { from: 0, to: Infinity, bots: 'include' }, 'channel');
      expect(channels.size).toBeGreaterThan(3);
      expect(Object.keys(everything.ordersByCurrency).length).toBeGreaterThan(3);
      expect(Object.values(everything.goals).every(({ completions }) => completions > 0)).toBe(true);
    });

    it('lies in the partitions of its visitors', async () => {
      const documents = await installation.store.documents.scan(collectionOf('traffic', generationId), '', '~');
      const own = documents.filter(({ _id }) => _id.slice(2).startsWith(`${merchantId}|`));
      const shards = new Set(own.map(({ _id }) => shardOfId(_id)));
      // There are few visitors: not every shard has one.
      expect(shards.size > 1).toBe(spread > 1);
    });
  });
});
