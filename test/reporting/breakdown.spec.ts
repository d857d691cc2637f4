import fc from 'fast-check';
import { breakDownItems, count, dimensionValue, readShop, withoutDuplicates } from '../oracle/oracle';
import type { AcceptedEvent } from '../../src/domain/columns';
import type { Breakdown } from '../../src/reporting/breakdown/breakdown';
import type { StoredDocument } from '../../src/stores/read-store';
import { collectionOf } from '../../src/stores/records';
import { generationId, Installation } from './installation';
import { event, noon, timezones } from '../projections/shop-events';

const installation = new Installation();
let log: AcceptedEvent[];

beforeAll(async () => {
  log = fc.sample(event, { numRuns: 1_500, seed: 11 });
  const hostile: AcceptedEvent[] = ['=1+1', '+1', '-1+1', '@SUM(A1)', 'a,b', 'say "x"', 'new\nline'].map((itemId, i) => ({
    merchantId: 'hostile',
    id: `h${i}`,
    time: noon,
    receivedAt: noon,
    name: 'purchase',
    visitorId: 'v',
    currency: 'USD',
    items: [{ itemId, price: 10 - i }],
  }));
  await installation.register('north', { timezone: timezones['north'], currency: 'USD' });
  await installation.register('hostile');
  await installation.serve();
  await installation.count([...log, ...hostile], timezones);
  await installation.start();
});
afterAll(() => installation.stop());

const days = { from: '2025-03-07', to: '2025-03-11' };
const breakdown = (query: Record<string, string>): Promise<Breakdown> => installation.report('north', 'breakdown', { ...days, ...query });

describe('a breakdown', () => {
  it.each([
    ['page', 'pageviews,events,visitors', '2025-03-07', '2025-03-11'],
    ['country', 'visitors,sessions,bounces,orders,itemsSold', '2025-03-07', '2025-03-11'],
    ['device', 'sessions,pageviews,checkouts,addToCarts', '2025-03-07', '2025-03-11'],
    ['country', 'events,sessions', '2025-03-08T14:00:00Z', '2025-03-10T07:00:00Z'],
  ] as const)('by %s equals a naive count of %s from %s', async (dimension, metrics, from, to) => {
    const answer = await breakdown({ dimension, metrics, from, to });
    const names = metrics.split(',') as (keyof ReturnType<typeof count>)[];
    const span = { merchantId: 'north', from: Date.parse(answer.from), to: Date.parse(answer.to), bots: 'exclude' } as const;
    const expectedOf = (value?: string): Record<string, unknown> => {
      const counted = count(log, { ...span, ...(value !== undefined && { dimension: { name: dimension, value } }) });
      return Object.fromEntries(names.map((name) => [name, counted[name]]));
    };
    const values = new Set(withoutDuplicates(log).map((one) => dimensionValue(one, dimension)));
    const expected = [...values].flatMap((value) => (value === undefined ? [] : [{ value, ...expectedOf(value) }]));
    const some = expected.filter((row) => names.some((name) => (row as Record<string, unknown>)[name] !== 0));
    expect(some.length).toBeGreaterThan(1);
    expect([...answer.rows].sort((a, b) => (a.value < b.value ? -1 : 1))).toEqual(some.sort((a, b) => (a.value < b.value ? -1 : 1)));
    expect(answer.totals).toEqual(expectedOf());
    expect(answer.rowCount).toBe(some.length);
    const first = answer.rows.map((row) => row[names[0]!] as number);
    expect(first).toEqual([...first].sort((a, b) => b - a));
  });

  it('shows how often each product was looked at, put into a cart and sold', async () => {
    const answer = await breakdown({ dimension: 'product', metrics: 'itemsSold,orders,addToCarts,productViews' });
    const span = { from: Date.parse(answer.from), to: Date.parse(answer.to), bots: 'exclude' } as const;
    const table = breakDownItems(readShop(log, { merchantId: 'north', timezone: timezones['north']! }), span, 'product');
    const expected = [...table].map(([value, { itemsSold, orders, addToCarts, views }]) => {
      return { value, itemsSold, orders, addToCarts, productViews: views };
    });
    expect(expected.length).toBeGreaterThan(1);
    expect(expected.some(({ productViews }) => productViews > 0)).toBe(true);
    expect([...answer.rows].sort((a, b) => (a.value < b.value ? -1 : 1))).toEqual(expected.sort((a, b) => (a.value < b.value ? -1 : 1)));
  });

  it('is sorted as asked, and comes in pages that do not overlap', async () => {
    const values = async (query: Record<string, string>): Promise<string[]> =>
      (await breakdown({ dimension: 'page', metrics: 'pageviews,visitors', ...query })).rows.map((row) => row.value);
    const up = await values({ orderBy: 'pageviews:asc' });
    expect(await values({ orderBy: '+pageviews' })).toEqual(up);
    expect(await values({ orderBy: 'value' })).toEqual([...up].sort());
    expect(await values({ orderBy: '-value' })).toEqual([...up].sort().reverse());
    const all = await values({});
    expect(await values({ orderBy: 'pageviews' })).toEqual(all);
    expect([...(await values({ limit: '2' })), ...(await values({ limit: '2', offset: '2' }))]).toEqual(all.slice(0, 4));
  });

  it('can be limited to one value of its dimension', async () => {
    const all = await breakdown({ dimension: 'country', metrics: 'visitors' });
    const one = await breakdown({ dimension: 'country', metrics: 'visitors', filter: 'country==US' });
    expect(one.rows).toEqual(all.rows.filter((row) => row.value === 'US'));
    expect(one.totals).toEqual({ visitors: one.rows[0]!['visitors'] });
  });

  it('says how much belongs to values that are not kept apart', async () => {
    const many = Array.from({ length: 10_050 }, (_, i): AcceptedEvent => {
      return { merchantId: 'wide', id: `w${i}`, time: noon, receivedAt: noon, name: 'page_view', visitorId: 'v', url: `/p${i}` };
    });
    await installation.register('wide');
    await installation.count(many);
    const { body } = await installation.ask('wide', 'breakdown', { ...days, dimension: 'page', metrics: 'pageviews', limit: '3' });
    const answer = body as Breakdown;
    expect(answer).toMatchObject({ rowCount: 10_000, other: { value: '(other)', pageviews: 50 }, totals: { pageviews: 10_050 } });
    expect(answer.meta.overflow).toBeUndefined();
    const filtered = await installation.ask('wide', 'timeseries', {
      filter: 'page==/p10020',
      from: '2025-03-08',
      to: '2025-03-08',
      metrics: 'pageviews',
    });
    expect(filtered.body).toMatchObject({ totals: { pageviews: 0 }, meta: { overflow: true } });
  });

  it('says where there are values of which not even the sum is known', async () => {
    const many = Array.from({ length: 10_050 }, (_, i): AcceptedEvent => {
      const said = { merchantId: 'talkative', id: `t${i}`, time: noon, receivedAt: noon, name: 'rated', visitorId: 'v' };
      return { ...said, properties: { stars: `s${i}` } };
    });
    await installation.register('talkative');
    await installation.count(many);
    const { body } = await installation.ask('talkative', 'breakdown', {
      ...days,
      dimension: 'property:stars',
      metrics: 'events',
      limit: '3',
    });
    const answer = body as Breakdown;
    expect(answer.meta.overflow).toBe(true);
    expect(answer.other).toBeUndefined();
    const whole = await installation.ask('talkative', 'breakdown', { ...days, dimension: 'event', metrics: 'events' });
    expect(whole.body).toMatchObject({ totals: { events: 10_050 } });
    expect((whole.body as Breakdown).meta.overflow).toBeUndefined();
  });

  it('reads a bounded number of documents', async () => {
    const day = '2025-03-08';
    await installation.register('deep');
    const page = { merchantId: 'deep', id: 'd', time: noon, receivedAt: noon, name: 'page_view', visitorId: 'v', url: '/p' };
    await installation.count([page]);
    const collection = collectionOf('content', generationId);
    const stored = await installation.store.documents.scan(collection, '', '~');
    const one = stored.find(({ _id }) => _id.slice(2).startsWith(`deep|content.page|day|${day}|`))!;
    const copies = (from: number, to: number): StoredDocument[] =>
      Array.from({ length: to - from }, (_, i) => ({ ...one, _id: one._id.slice(0, -3) + (from + i).toString(36).padStart(3, '0') }));
    const asked = { dimension: 'page', metrics: 'pageviews', from: day, to: day };
    await installation.store.documents.flush(collection, copies(1_000, 20_999), { r0: 0, r1: 9 });
    expect((await installation.ask('deep', 'breakdown', asked)).body).toMatchObject({ rows: [{ value: '/p', pageviews: 20_000 }] });
    await installation.store.documents.flush(collection, copies(20_999, 21_000), { r0: 0, r1: 9 });
    const { status, body } = await installation.ask('deep', 'breakdown', asked);
    expect([status, (body as { detail: string }).detail]).toEqual([
      400,
      'from, to: more than 20000 documents of content.page lie in this range: ask for a shorter one',
    ]);
  });

  it('gives visitors’ text to spreadsheets as text, never as a formula', async () => {
    const { text } = await installation
      .ask('hostile', 'breakdown', { ...days, dimension: 'product', metrics: 'revenue' })
      .set('accept', 'text/csv');
    expect(text.split('\r\n')).toEqual([
      'value,revenue,revenueCurrency',
      "'=1+1,10.00,USD",
      "'+1,9.00,USD",
      "'-1+1,8.00,USD",
      "'@SUM(A1),7.00,USD",
      '"a,b",6.00,USD',
      '"say ""x""",5.00,USD',
      '"new\nline",4.00,USD',
      '',
    ]);
  });
});

describe('a breakdown refuses', () => {
  it.each([
    ['no dimension', {}, /dimension/],
    [
      'a dimension that does not exist',
      { dimension: 'weather' },
      /dimension: must be one of page, .*channel, .*property:<name>, not "weather"/,
    ],
    [
      'a metric that the dimension does not count',
      { dimension: 'product', metrics: 'orders,sessions' },
      /'sessions' is not counted by product/,
    ],
    [
      'an order by something not asked for',
      { dimension: 'page', metrics: 'pageviews', orderBy: 'visitors' },
      /orderBy: must be one of pageviews, value/,
    ],
    ['minutes', { dimension: 'page', from: '2025-03-08T10:07:00Z', to: '2025-03-08T12:00:00Z' }, /by dimension are kept by UTC hour/],
    ['a filter by another dimension', { dimension: 'page', filter: 'country==US' }, /filter: must be by the dimension of the breakdown/],
    ['too many rows', { dimension: 'page', limit: '10001' }, /limit: must be a whole number from 1 to 10000, not 10001/],
    ['a limit that is no number', { dimension: 'page', limit: 'all' }, /limit/],
    ['a parameter given twice', { dimension: ['page', 'country'] }, /dimension/],
  ] as [string, Record<string, string>, RegExp][])('%s', async (_name, query, detail) => {
    const { body } = await installation.ask('north', 'breakdown', { ...days, ...query });
    expect(body).toMatchObject({ status: 400, detail: expect.stringMatching(detail) });
  });
});
