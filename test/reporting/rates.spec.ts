import fc from 'fast-check';
import type { AcceptedEvent } from '../../src/domain/columns';
import { noDefinitions, type Goal } from '../../src/domain/definitions';
import type { Rate } from '../../src/domain/rates';
import type { Breakdown } from '../../src/reporting/breakdown/breakdown';
import type { Amount } from '../../src/reporting/figures';
import type { Meta } from '../../src/reporting/meta';
import type { Realtime } from '../../src/reporting/realtime/realtime';
import type { Timeseries } from '../../src/reporting/timeseries/timeseries';
import { recordKinds, type RatesRecord } from '../../src/stores/records';
import { exchanged, ordersExchanged, type Line, type Span, type Table } from '../oracle/exchange';
import type { CountsByCurrency, Money } from '../oracle/money';
import { breakDown, breakDownItems, countIn, readShop, type Counts, type Dimension, type Shop } from '../oracle/oracle';
import { event, timezones } from '../projections/shop-events';
import { Installation, readToken } from './installation';
import { writtenMoney } from './written-money';

const installation = new Installation();
const goals: readonly Goal[] = [{ goalId: 'bought', name: 'Bought', event: 'purchase' }];
const definitions = { ...noDefinitions, goals };
const into = 'USD';
const hourMs = 3_600_000;
/** The log has EUR, USD, JPY, KWD, IQD and HUF: one with a rate for each day, some with gaps, one without any. */
const lines: readonly Line[] = [
  { currency: 'HUF', from: '2025-03-01', rate: '0.0027815' },
  { currency: 'EUR', from: '2025-03-09', rate: '1.5' },
  { currency: 'EUR', from: '2025-03-10', rate: '0.123456789' },
  { currency: 'JPY', from: '2025-01-01', rate: '0.005' },
  { currency: 'JPY', from: '2025-03-09', rate: '0.00615' },
  { currency: 'KWD', from: '2025-03-08', rate: '3.25' },
];
const table: Table = { into, lines };
const shops = new Map<string, Shop>();

async function give(merchantId: string, rates: readonly Rate[], currency = into, revision = 1): Promise<void> {
  const sorted = [...rates].sort((a, b) => (a.currency + a.from < b.currency + b.from ? -1 : 1));
  const record: RatesRecord = { into: currency, rates: sorted, revision };
  await installation.store.records.put(recordKinds.rates, merchantId, record);
}

beforeAll(async () => {
  // Most come within two hours: they are spread over four days, whose rates differ.
  const log = fc.sample(event, { numRuns: 1_500, seed: 11 }).map((one, i) => ({ ...one, time: one.time + (i % 8) * 7 * hourMs }));
  // The same shop again, which gave no rates, or rates into a currency that it left.
  const plain = log
    .filter(({ merchantId }) => merchantId === 'north')
    .flatMap((one) => ['plain', 'moved'].map((id) => ({ ...one, merchantId: id })));
  // And one whose amounts all have a currency of whole cents, or less.
  const exact = log
    .filter(({ merchantId }) => merchantId === 'north')
    .map((one) => ({ ...one, merchantId: 'exact', ...(one.currency === undefined && { currency: 'EUR' }) }));
  const all: AcceptedEvent[] = [...log, ...plain, ...exact];
  const zones: Record<string, string> = {
    ...timezones,
    plain: timezones['north']!,
    moved: timezones['north']!,
    exact: timezones['north']!,
  };
  for (const merchantId of ['north', 'south', 'plain', 'moved', 'exact']) {
    await installation.register(merchantId, { timezone: zones[merchantId], currency: into, goals });
    shops.set(merchantId, readShop(all, { merchantId, timezone: zones[merchantId]!, definitions }));
  }
  for (const merchantId of ['north', 'south', 'exact']) await give(merchantId, lines);
  await give('moved', lines, 'CHF');
  await installation.serve();
  await installation.count(all, zones, undefined, Object.fromEntries(Object.keys(zones).map((id) => [id, definitions])));
  await installation.start();
});
afterAll(() => installation.stop());

// Money of a span, as answers write it

const figures = (name: string, money: Money, per?: CountsByCurrency): Record<string, unknown> => writtenMoney(into, name, money, per);

const moneyOf: Record<string, (counts: Counts) => Money> = {
  revenue: ({ revenue }) => revenue,
  tax: ({ tax }) => tax,
  shipping: ({ shipping }) => shipping,
  refunds: ({ refunds }) => refunds,
  averageOrderValue: ({ revenue }) => revenue,
  'goalValue:bought': ({ goals: { bought } }) => bought!.value,
};

interface Part {
  readonly shop: Shop;
  readonly range: Span;
  readonly part: Span;
  readonly names: readonly string[];
  /** Of all that happened unless given. */
  readonly countsIn?: (span: Span) => Counts;
}
function expected({ shop, range, part, names, countsIn }: Part): Record<string, unknown> {
  const counts = countsIn ?? ((span) => countIn(shop, { ...span, bots: 'exclude' }));
  const orders = ordersExchanged(table, shop.merchant.timezone!, part, (span) => counts(span).ordersByCurrency);
  return Object.assign(
    {},
    ...names.map((name) => {
      const money = exchanged(table, shop.merchant.timezone!, range, part, (span) => moneyOf[name]!(counts(span)));
      return figures(name, money, name === 'averageOrderValue' ? orders : undefined);
    }),
  ) as Record<string, unknown>;
}
const instant = (text: string): number => Date.parse(text);
const spanOf = ({ from, to }: { from: string; to: string }): Span => ({ from: instant(from), to: instant(to) });

const every = Object.keys(moneyOf);
/** Goals are not counted by the minute. */
const ofSales = every.filter((name) => !name.startsWith('goal'));
const days = { from: '2025-03-07', to: '2025-03-11' };

describe('amounts of a merchant with a table of rates', () => {
  it.each([
    ['days', 'north', every, { ...days, interval: 'day' }],
    ['hours', 'north', every, { ...days, interval: 'hour' }],
    ['minutes', 'north', ofSales, { from: '2025-03-09T09:00:00Z', to: '2025-03-09T12:00:00Z', interval: 'minute' }],
    ['weeks', 'north', every, { ...days, interval: 'week' }],
    ['months', 'north', every, { from: '2025-02-10', to: '2025-04-02', interval: 'month' }],
    ['a ragged range', 'north', ofSales, { from: '2025-03-08T13:17:00Z', to: '2025-03-10T09:41:00Z', interval: 'day' }],
    ['days of another timezone, each in two of the merchant', 'north', every, { ...days, interval: 'day', timezone: 'Europe/Berlin' }],
    ['days half an hour off the hour', 'south', every, { ...days, interval: 'day' }],
    ['hours that begin at half past', 'south', ofSales, { ...days, interval: 'hour' }],
  ])('are those of an independent count by %s', async (_name, merchantId, names, query) => {
    const shop = shops.get(merchantId)!;
    const report = await installation.report<Timeseries>(merchantId, 'timeseries', { ...query, metrics: names.join() });
    const range = spanOf(report);
    for (const [i, { time, ...row }] of report.rows.entries()) {
      const part = {
        from: Math.max(instant(time), range.from),
        to: i + 1 < report.rows.length ? instant(report.rows[i + 1]!.time) : range.to,
      };
      expect({ time, ...row }).toEqual({ time, ...expected({ shop, range, part, names }) });
    }
    expect(report.totals).toEqual(expected({ shop, range, part: range, names }));
    expect(report.meta.conversion!.converted.length).toBeGreaterThan(0);
  });

  it('add up to the totals, which are the same for every interval', async () => {
    const names = ['revenue', 'tax', 'shipping', 'refunds'];
    const cents = (figure: unknown): number => Math.round(Number((figure as Amount).amount) * 100);
    for (const range of [days, { from: '2025-03-08T17:23:00Z', to: '2025-03-10T02:07:00Z' }]) {
      const reports = await Promise.all(
        ['minute', 'hour', 'day', 'week', 'month'].map((interval) =>
          installation.report<Timeseries>('exact', 'timeseries', { ...range, interval, metrics: names.join() }),
        ),
      );
      for (const { rows, totals } of reports) {
        expect(totals).toEqual(reports[0]!.totals);
        for (const name of names) expect(rows.reduce((sum, row) => sum + cents(row[name]), 0)).toBe(cents(totals[name]));
      }
    }
    const [byDay, byChannel] = await Promise.all([
      installation.report<Timeseries>('exact', 'timeseries', { ...days, interval: 'day', metrics: names.join() }),
      installation.report<Breakdown>('exact', 'breakdown', { ...days, dimension: 'channel', metrics: names.join() }),
    ]);
    expect(byChannel.totals).toEqual(byDay.totals);
  });

  it.each(['channel', 'country', 'page', 'coupon'] as Dimension[])(
    'by %s are each converted by themselves, as over time',
    async (dimension) => {
      const shop = shops.get('north')!;
      const names = ['revenue', 'tax', 'refunds', 'averageOrderValue'];
      const report = await installation.report<Breakdown>('north', 'breakdown', {
        ...days,
        dimension,
        metrics: names.join(),
        limit: '1000',
      });
      const range = spanOf(report);
      expect(report.rows.length).toBeGreaterThan(1);
      for (const { value, ...row } of report.rows) {
        const countsIn = (span: Span): Counts => countIn(shop, { ...span, bots: 'exclude' }, { name: dimension, value });
        expect({ value, ...row }).toEqual({ value, ...expected({ shop, range, part: range, names, countsIn }) });
      }
      expect(report.totals).toEqual(expected({ shop, range, part: range, names }));
      const [{ value }] = report.rows as [{ value: string }];
      const query = { ...days, interval: 'day', filter: `${dimension}==${value}`, metrics: names.join() };
      const { value: _value, ...first } = report.rows[0]!;
      expect((await installation.report<Timeseries>('north', 'timeseries', query)).totals).toEqual(first);
      expect(breakDown(shop, { ...range, bots: 'exclude' }, dimension).size).toBeGreaterThan(1);
    },
  );

  it('of items follow too, the dearest first', async () => {
    const shop = shops.get('north')!;
    const report = await installation.report<Breakdown>('north', 'breakdown', { ...days, dimension: 'product', metrics: 'revenue' });
    const range = spanOf(report);
    const paidFor = (value: string) => (span: Span) =>
      breakDownItems(shop, { ...span, bots: 'exclude' }, 'product').get(value)?.revenue ?? {};
    for (const { value, ...row } of report.rows)
      expect(row).toEqual(figures('revenue', exchanged(table, shop.merchant.timezone!, range, range, paidFor(value))));
    const amounts = report.rows.map(({ revenue }) => Number((revenue as Amount).amount));
    expect(amounts).toEqual([...amounts].sort((a, b) => b - a));
    expect(new Set(amounts).size).toBeGreaterThan(1);
  });

  it('are converted in what is compared with as well', async () => {
    const shop = shops.get('north')!;
    const query = { from: '2025-03-09', to: '2025-03-09', interval: 'hour', compare: 'previous_period', metrics: 'revenue' };
    const { previous } = await installation.report<Timeseries>('north', 'timeseries', query);
    const range = spanOf(previous!);
    expect(previous!.totals).toEqual(expected({ shop, range, part: range, names: ['revenue'] }));
  });
});

describe('an answer', () => {
  const metaOf = async (merchantId: string, query: Record<string, string>): Promise<Meta> =>
    (await installation.report<Timeseries>(merchantId, 'timeseries', { ...days, interval: 'day', ...query })).meta;

  it('says what is converted, and what for want of a rate is not', async () => {
    expect((await metaOf('north', { metrics: 'revenue' })).conversion).toEqual({
      into: 'USD',
      converted: ['EUR', 'HUF', 'JPY', 'KWD'],
      missing: [{ currency: 'EUR', before: '2025-03-09' }, { currency: 'IQD' }],
    });
    const later = { metrics: 'revenue', from: '2025-03-10', to: '2025-03-11' };
    expect((await metaOf('north', later)).conversion!.missing ?? []).not.toContainEqual({ currency: 'EUR', before: '2025-03-09' });
    const breakdown = await installation.report<Breakdown>('north', 'breakdown', { ...days, dimension: 'country', metrics: 'revenue' });
    expect(breakdown.meta.conversion!.missing).toContainEqual({ currency: 'EUR', before: '2025-03-09' });
  });

  it('says the same where other numbers were asked for as well', async () => {
    const [alone, beside] = await Promise.all(['revenue', 'pageviews,revenue'].map((metrics) => metaOf('north', { metrics })));
    expect(beside!.conversion).toEqual(alone!.conversion);
  });

  it('says nothing of it where no amounts were asked for', async () => {
    expect(await metaOf('north', { metrics: 'pageviews' })).not.toHaveProperty('conversion');
  });

  it('has currencies apart as ever without a table, and with one into a currency the merchant left', async () => {
    const query = { ...days, interval: 'day', metrics: every.join() };
    const [plain, moved] = await Promise.all(['plain', 'moved'].map((id) => installation.report<Timeseries>(id, 'timeseries', query)));
    expect(plain!.meta).not.toHaveProperty('conversion');
    expect({ ...moved, merchantId: 'plain', meta: plain!.meta }).toEqual(plain);
    const { revenue } = countIn(shops.get('plain')!, { ...spanOf(plain!), bots: 'exclude' });
    expect(plain!.totals).toMatchObject(figures('revenue', revenue));
    expect(plain!.totals['revenueByCurrency'] as Amount[]).toHaveLength(6);
  });

  it('as CSV has the converted amounts, and what is not converted beside them', async () => {
    const { text } = await installation
      .ask('north', 'timeseries', { ...days, interval: 'day', metrics: 'revenue' })
      .set('accept', 'text/csv');
    const report = await installation.report<Timeseries>('north', 'timeseries', { ...days, interval: 'day', metrics: 'revenue' });
    const [header, ...rows] = text.trim().split('\r\n');
    expect(header).toBe('time,revenue,revenueCurrency,revenueByCurrency');
    for (const [i, row] of report.rows.entries()) {
      const all = ((row['revenueByCurrency'] ?? []) as Amount[]).map(({ amount, currency }) => `${amount} ${currency}`);
      expect(rows[i]).toBe(`${row.time},${(row['revenue'] as Amount).amount},USD,${all.join('; ')}`);
    }
  });

  it('follows a change of the table within a second, also to those who listen', async () => {
    const now = installation.now;
    try {
      installation.now = instant('2025-03-09T20:00:00Z');
      const shop = shops.get('north')!;
      const totals = async (): Promise<Record<string, unknown>> =>
        (await installation.report<Realtime>('north', 'realtime', { metrics: 'revenue' })).today.totals;
      const today = { from: instant('2025-03-09T05:00:00Z'), to: instant('2025-03-10T04:00:00Z') };
      expect(await totals()).toEqual(expected({ shop, range: today, part: today, names: ['revenue'] }));

      const frames: Realtime[] = [];
      const listening = new AbortController();
      const stream = await fetch(`${installation.url}/v1/merchants/north/live?metrics=revenue`, {
        headers: { authorization: `Bearer ${readToken('north')}` },
        signal: listening.signal,
      });
      const read = (async () => {
        let text = '';
        for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
          text += chunk;
          for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            const data = /^data: ?(.*)$/m.exec(text.slice(0, end))?.[1];
            if (data !== undefined) frames.push(JSON.parse(data) as Realtime);
            text = text.slice(end + 2);
          }
        }
      })().catch(() => undefined);

      await give('north', [{ currency: 'EUR', from: '2025-01-01', rate: '1000' }], into, 2);
      for (const end = Date.now() + 8_000; frames.length < 2 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 50));
      listening.abort();
      await read;
      const paid = countIn(shop, { ...today, bots: 'exclude' }).revenue['EUR']!;
      expect(paid).toBeGreaterThan(0);
      expect(frames[1]!.today.totals).toEqual(await totals());
      expect(Number((frames[1]!.today.totals['revenue'] as Amount).amount)).toBeGreaterThan(paid * 9);
      expect(frames[1]!.meta.conversion!.converted).toEqual(['EUR']);
    } finally {
      installation.now = now;
      await give('north', lines, into, 3);
    }
  });
});
