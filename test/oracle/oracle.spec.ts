import type { AcceptedEvent } from '../../src/domain/columns';
import { noDefinitions, type Definitions } from '../../src/domain/definitions';
import { dayOf } from './buckets';
import type { Bots } from './events';
import { rates } from './metrics';
import { breakDown, breakDownItems, count, readShop, type Counts, type Dimension } from './oracle';

/** Examples counted by hand. Where the oracle and the product disagree, these and docs/metrics.md say who is right. */

const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
const googlebot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

const ten = Date.parse('2026-11-22T10:00:00Z');
let ids = 0;
/** What happened at a minute after ten: a page view of `v` unless said otherwise. */
function at(minutes: number, more: Partial<AcceptedEvent> = {}): AcceptedEvent {
  const time = ten + minutes * 60_000;
  return { merchantId: 'm', id: `e${ids++}`, name: 'page_view', visitorId: 'v', time, receivedAt: time, ...more };
}
const purchase = (minutes: number, more: Partial<AcceptedEvent> = {}): AcceptedEvent => at(minutes, { name: 'purchase', ...more });

interface Situation {
  definitions?: Partial<Definitions>;
  timezone?: string;
  bots?: Bots;
  /** Minutes after ten; all of time unless given. */
  from?: number;
  to?: number;
}
const spanOf = ({ from = -1e6, to = 1e6, bots = 'exclude' }: Situation) => ({ from: ten + from * 60_000, to: ten + to * 60_000, bots });
const merchantOf = ({ definitions, timezone = 'UTC' }: Situation) => ({
  merchantId: 'm',
  timezone,
  definitions: { ...noDefinitions, ...definitions },
});

const counted = (log: AcceptedEvent[], situation: Situation = {}): Counts => count(log, { ...merchantOf(situation), ...spanOf(situation) });

/** One number by the values of a dimension, zeros left out. */
function by<K extends keyof Counts>(
  log: AcceptedEvent[],
  dimension: Dimension,
  metric: K,
  situation: Situation = {},
): Record<string, Counts[K]> {
  const table = breakDown(readShop(log, merchantOf(situation)), spanOf(situation), dimension);
  return Object.fromEntries([...table].map(([value, counts]) => [value, counts[metric]] as const).filter(([, n]) => n !== 0));
}

describe('the oracle counts events', () => {
  it('once per id, the first in the log, and those of another merchant apart', () => {
    const log = [at(0, { id: 'a', name: 'search' }), at(5, { id: 'a' }), at(6, { id: 'a', merchantId: 'other' })];
    expect(counted(log)).toMatchObject({ events: 1, pageviews: 0 });
  });

  it('in the bucket of their own time, its end left out', () => {
    const log = [at(0), at(59), at(60)];
    expect(counted(log, { from: 0, to: 60 })).toMatchObject({ events: 2, pageviews: 2, visitors: 1 });
  });

  it('of bots apart from those of humans, and one who is both as one visitor where both are asked for', () => {
    const log = [at(0), at(1, { userAgent: googlebot }), at(2, { userAgent: googlebot })];
    expect(counted(log)).toMatchObject({ events: 1, visitors: 1, sessions: 1 });
    expect(counted(log, { bots: 'only' })).toMatchObject({ events: 2, visitors: 1, sessions: 1 });
    expect(counted(log, { bots: 'include' })).toMatchObject({ events: 3, visitors: 1, sessions: 2, newVisitors: 2 });
  });

  it('nowhere when a filter matches their hostname, page or user agent, or their visitor was erased', () => {
    const log = [
      at(0, { url: 'https://Staging.shop.example:8080/' }),
      at(1, { url: 'https://shop.example/admin/orders?x' }),
      at(2, { userAgent: 'UptimeCheck/3.1' }),
      at(3, { visitorId: 'gone' }),
      at(4, { url: 'https://shop.example/admin' }),
    ];
    const filters = [
      { filterId: 'f1', name: 'staging', field: 'hostname', pattern: 'staging.*' },
      { filterId: 'f2', name: 'back office', field: 'page', pattern: '/admin/*' },
      { filterId: 'f3', name: 'monitoring', field: 'userAgent', pattern: '*Uptime*' },
      { filterId: 'f4', name: 'office', field: 'address', pattern: '10.0.0.0/8' },
    ] as const;
    expect(counted(log, { definitions: { filters, erasedVisitors: ['gone'] } })).toMatchObject({ events: 1, sessions: 1 });
  });
});

describe('the oracle cuts sessions', () => {
  it('where more than 30 minutes lie between two neighbours', () => {
    expect(counted([at(0), at(30)])).toMatchObject({ sessions: 1, durationMs: 30 * 60_000, sessionPageviews: 2 });
    expect(counted([at(0), at(30.001)])).toMatchObject({ sessions: 2, durationMs: 0, sessionPageviews: 2 });
  });

  it('by time, not by the order of the log: a late event joins what it lies between', () => {
    expect(counted([at(40), at(0)])).toMatchObject({ sessions: 2, bounces: 2 });
    expect(counted([at(40), at(0), at(20)])).toMatchObject({ sessions: 1, bounces: 0, durationMs: 40 * 60_000 });
  });

  it('before an event with another campaign than that of the first event, and not at one without', () => {
    const plain = 'https://shop.example/';
    const mail = `${plain}?utm_source=mail&utm_campaign=may`;
    expect(counted([at(0, { url: plain }), at(1, { url: mail })])).toMatchObject({ sessions: 2 });
    expect(counted([at(0, { url: mail }), at(1, { url: plain }), at(2, { url: mail })])).toMatchObject({ sessions: 1 });
    // The second session began with another campaign, so the first one coming again is another again.
    expect(counted([at(0, { url: mail }), at(1, { url: `${plain}?gclid=1` }), at(2, { url: mail })])).toMatchObject({ sessions: 3 });
    expect(counted([at(0, { url: `${plain}?gclid=1` }), at(1, { url: `${plain}?gclid=2` })])).toMatchObject({ sessions: 2 });
  });

  it('at midnight in the merchant’s timezone, for merchants who ask for it', () => {
    // 15:00 UTC is midnight in Tokyo.
    const log = [at(299), at(300)];
    const ends = { definitions: { sessionsEndAtMidnight: true } };
    expect(counted(log, { timezone: 'Asia/Tokyo', ...ends })).toMatchObject({ sessions: 2 });
    expect(counted(log, { timezone: 'Asia/Tokyo' })).toMatchObject({ sessions: 1 });
    expect(counted(log, ends)).toMatchObject({ sessions: 1 });
  });

  it('never where the client names them: they last whatever their gaps, campaigns and midnights', () => {
    const log = [at(0, { sessionId: 's' }), at(10), at(500, { sessionId: 's', url: '/?utm_source=mail' }), at(501, { sessionId: 't' })];
    expect(counted(log, { definitions: { sessionsEndAtMidnight: true }, timezone: 'Asia/Tokyo' })).toMatchObject({
      sessions: 3,
      durationMs: 500 * 60_000,
    });
  });

  it('and places each in the bucket of its first event', () => {
    const log = [at(50), at(70)];
    expect(counted(log, { from: 0, to: 60 })).toMatchObject({ sessions: 1, sessionPageviews: 2, pageviews: 1 });
    expect(counted(log, { from: 60, to: 120 })).toMatchObject({ sessions: 0, sessionPageviews: 0, pageviews: 1 });
  });

  it('a bounce is a single page view: nothing else, and not a single event of another name', () => {
    expect(counted([at(0)])).toMatchObject({ bounces: 1, engagedSessions: 0 });
    expect(counted([at(0, { name: 'search' })])).toMatchObject({ bounces: 0, engagedSessions: 0 });
    expect(counted([at(0), at(0.1, { name: 'search' })])).toMatchObject({ bounces: 0, engagedSessions: 0 });
  });

  it('engaged are two page views, ten seconds, a purchase, or a completed goal', () => {
    const goals = [{ goalId: 'g', name: 'search', event: 'search' }];
    expect(counted([at(0), at(0)])).toMatchObject({ engagedSessions: 1 });
    expect(counted([at(0), at(1 / 6, { name: 'scroll' })])).toMatchObject({ engagedSessions: 1 });
    expect(counted([purchase(0)])).toMatchObject({ engagedSessions: 1 });
    expect(counted([at(0), at(0, { name: 'search' })], { definitions: { goals } })).toMatchObject({ engagedSessions: 1 });
  });

  it('new is the one with the visitor’s earliest event, which at equal times is the first in the log', () => {
    const log = [at(0, { sessionId: 'a', country: 'DE' }), at(0, { sessionId: 'b', country: 'FR' }), at(100, { country: 'US' })];
    expect(by(log, 'country', 'newVisitors')).toEqual({ DE: 1 });
    expect(counted(log, { from: 0, to: 60 })).toMatchObject({ sessions: 2, newVisitors: 1 });
    expect(counted(log, { from: 60, to: 200 })).toMatchObject({ sessions: 1, newVisitors: 0, visitors: 1 });
  });
});

describe('the oracle counts commerce', () => {
  it('an order once per transactionId, the first in the log, and each without one', () => {
    const log = [
      purchase(5, { transactionId: 't1', value: 10, currency: 'EUR' }),
      purchase(1, { transactionId: 't1', value: 99, currency: 'EUR' }),
      purchase(2, { value: 1, currency: 'EUR' }),
      purchase(3, { value: 1, currency: 'EUR' }),
    ];
    expect(counted(log)).toMatchObject({ events: 4, orders: 3, revenue: { EUR: 1200 } });
  });

  it('orders by the currency of their event, with or without an amount', () => {
    const log = [
      purchase(0, { value: 1, currency: 'EUR', transactionId: 't' }),
      purchase(1, { value: 1, currency: 'USD', transactionId: 't' }),
      purchase(2, { currency: 'EUR' }),
      purchase(3, { value: 1, currency: 'JPY' }),
      purchase(4, { value: 1 }),
      at(5, { name: 'refund', value: 1, currency: 'USD' }),
    ];
    expect(counted(log)).toMatchObject({ orders: 4, ordersByCurrency: { EUR: 2, JPY: 1, XXX: 1 } });
  });

  it('the order of a human beside a bot that claims the same transaction', () => {
    const bot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
    const log = [
      purchase(0, { transactionId: 't', value: 9, currency: 'EUR', userAgent: bot }),
      purchase(1, { transactionId: 't', value: 10, currency: 'EUR' }),
    ];
    expect(counted(log)).toMatchObject({ orders: 1, revenue: { EUR: 1000 } });
  });

  it('revenue by value, else by price × quantity of the items that have a price; tax and shipping beside it', () => {
    const items = [
      { itemId: 'p', price: 1.1, quantity: 3 },
      { itemId: 'q', price: 2 },
      { itemId: 'r', quantity: 7 },
    ];
    expect(counted([purchase(0, { items, currency: 'USD', tax: 0.5, shipping: 4 })])).toMatchObject({
      revenue: { USD: 530 },
      tax: { USD: 50 },
      shipping: { USD: 400 },
      itemsSold: 11,
    });
    expect(counted([purchase(0, { items, value: 5, currency: 'USD' })])).toMatchObject({ revenue: { USD: 500 }, tax: {}, itemsSold: 11 });
    expect(counted([purchase(0, { items: [{ itemId: 'r', quantity: 7 }] })])).toMatchObject({ orders: 1, revenue: {}, itemsSold: 7 });
  });

  it('in whole minor units of ISO 4217, halves away from zero, never across currencies', () => {
    const paid = (value: number, currency: string): AcceptedEvent => purchase(0, { value, currency });
    const log = [paid(1.005, 'USD'), paid(99.5, 'JPY'), paid(0.0005, 'KWD'), paid(0.5, 'HUF'), paid(1.2345, 'IQD'), paid(0.00005, 'CLF')];
    expect(counted(log).revenue).toEqual({ USD: 101, JPY: 100, KWD: 1, HUF: 50, IQD: 1235, CLF: 1 });
    expect(counted([purchase(0, { value: -1.005, currency: 'USD' }), purchase(0, { value: 1 })]).revenue).toEqual({
      USD: -101,
      XXX: 10_000,
    });
    // 1.115 × 3 is 3.345; binary arithmetic says 3.3449999999999998.
    expect(counted([purchase(0, { currency: 'EUR', items: [{ itemId: 'p', price: 1.115, quantity: 3 }] })]).revenue).toEqual({ EUR: 335 });
  });

  it('refunds by value, else by items, else in full, where the order stands before them in the log', () => {
    const order = purchase(10, { transactionId: 't', value: 30, currency: 'EUR' });
    const refund = (more: Partial<AcceptedEvent>): AcceptedEvent =>
      at(20, { name: 'refund', transactionId: 't', currency: 'USD', ...more });
    const items = [{ itemId: 'p', price: 7 }];
    expect(counted([order, refund({ value: 5, items })]).refunds).toEqual({ USD: 500 });
    expect(counted([order, refund({ items })]).refunds).toEqual({ USD: 700 });
    expect(counted([order, refund({}), refund({ time: ten })]).refunds).toEqual({ EUR: 6000 });
    expect(counted([refund({}), order]).refunds).toEqual({});
    expect(counted([order, refund({ transactionId: 'other' })]).refunds).toEqual({});
  });

  it('visitors with carts and orders, from which the abandonment of carts follows', () => {
    const cart = (visitorId: string): AcceptedEvent => at(0, { name: 'add_to_cart', visitorId });
    const log = [cart('a'), cart('a'), cart('b'), cart('c'), cart('d'), purchase(1, { visitorId: 'a' }), at(2, { name: 'begin_checkout' })];
    const counts = counted(log);
    expect(counts).toMatchObject({ addToCarts: 5, cartVisitors: 4, buyers: 1, checkouts: 1 });
    expect(rates.cartAbandonmentRate(counts)).toBe(0.75);
    expect(rates.conversionRate(counts)).toBe(1 / 5);
    expect(rates.cartAbandonmentRate(counted([cart('a'), purchase(0, { visitorId: 'a' }), purchase(0, { visitorId: 'b' })]))).toBe(0);
  });

  it('products, categories and brands: events in which they occur, and what their items add up to', () => {
    const items = [
      { itemId: 'p', brand: 'b', category: 'c', price: 2, quantity: 2 },
      { itemId: 'p', brand: 'b', price: 1 },
      { itemId: 'q', brand: 'b' },
    ];
    const log = [at(0, { name: 'view_item', items }), at(1, { name: 'add_to_cart', items }), at(2, { items })];
    log.push(purchase(3, { items, transactionId: 't', value: 99, currency: 'EUR' }), purchase(4, { items, transactionId: 't' }));
    const table = (dimension: 'product' | 'category' | 'brand') =>
      Object.fromEntries(breakDownItems(readShop(log, merchantOf({})), spanOf({}), dimension));
    const once = { views: 1, addToCarts: 1, orders: 1, ordersByCurrency: { EUR: 1 } };
    expect(table('product')).toEqual({
      p: { ...once, itemsSold: 3, revenue: { EUR: 500 } },
      q: { ...once, itemsSold: 1, revenue: {} },
    });
    expect(table('category')).toEqual({ c: { ...once, itemsSold: 2, revenue: { EUR: 400 } } });
    expect(table('brand')).toEqual({ b: { ...once, itemsSold: 4, revenue: { EUR: 500 } } });
  });
});

describe('the oracle counts goals', () => {
  it('completions, completers and value of the events that match all that is given', () => {
    const goal = { goalId: 'g', name: 'signed up', event: 'sign_up', page: '/join/*', hostname: 'SHOP.*', properties: { plan: 2 } };
    const done = { name: 'sign_up', url: 'https://shop.example/join/now', properties: { plan: '2' }, value: 3, currency: 'JPY' };
    const log = [
      at(0, done),
      at(1, done),
      at(2, { ...done, visitorId: 'w' }),
      at(3, { ...done, name: 'login' }),
      at(4, { ...done, url: 'https://shop.example/join' }),
      at(5, { ...done, url: 'https://blog.example/join/now' }),
      at(6, { ...done, url: '/join/now' }),
      at(7, { ...done, properties: { plan: 3 } }),
    ];
    expect(counted(log, { definitions: { goals: [goal] } }).goals).toEqual({ g: { completions: 3, completers: 2, value: { JPY: 9 } } });
  });
});

describe('the oracle breaks down', () => {
  it('events by what they carry, leaving out those without; by (not set) where a visitor’s trait is unknown', () => {
    const log = [
      at(0, { url: 'https://Shop.example/a?x=1#y', title: 'A', country: 'DE', language: 'de-AT', screen: '390x844', userAgent: iPhone }),
      at(1, { url: 'https://shop.example', coupon: 'MAY', properties: { plan: 'gold', size: 2, member: true } }),
      at(2, { name: 'search', url: '/a#part' }),
      at(3, { name: 'search', url: '', title: '', coupon: '', language: '', screen: '' }),
    ];
    expect(by(log, 'page', 'events')).toEqual({ '/a': 2, '/': 1 });
    expect(by(log, 'hostname', 'events')).toEqual({ 'shop.example': 2 });
    expect(by(log, 'title', 'events')).toEqual({ A: 1 });
    expect(by(log, 'event', 'events')).toEqual({ page_view: 2, search: 2 });
    expect(by(log, 'coupon', 'events')).toEqual({ MAY: 1 });
    expect(by(log, 'country', 'events')).toEqual({ DE: 1, '(not set)': 3 });
    expect(by(log, 'language', 'events')).toEqual({ 'de-at': 1, '(not set)': 3 });
    expect(by(log, 'screen', 'events')).toEqual({ '390x844': 1, '(not set)': 3 });
    expect(by(log, 'device', 'events')).toEqual({ mobile: 1, '(not set)': 3 });
    expect(by(log, 'browser', 'events')).toEqual({ 'Mobile Safari': 1, '(not set)': 3 });
    expect(by(log, 'os', 'events')).toEqual({ iOS: 1, '(not set)': 3 });
    expect(by(log, 'property:plan', 'events')).toEqual({ gold: 1 });
    expect(by(log, 'property:size', 'events')).toEqual({ '2': 1 });
    expect(by(log, 'property:member', 'events')).toEqual({ true: 1 });
  });

  it('sessions by what their first event carries, and pages by their first and last page view', () => {
    const log = [
      at(0, { name: 'search', country: 'DE' }),
      at(1, { url: 'https://shop.example/a', country: 'FR' }),
      at(2, { url: '/b', country: 'FR' }),
      at(3, { name: 'search', url: '/c' }),
      at(100, { name: 'search' }),
    ];
    expect(by(log, 'country', 'sessions')).toEqual({ DE: 1, '(not set)': 1 });
    expect(by(log, 'country', 'pageviews')).toEqual({ FR: 2 });
    expect(by(log, 'hostname', 'sessions')).toEqual({ '(not set)': 2 });
    expect(by(log, 'entryPage', 'sessions')).toEqual({ '/a': 1, '(not set)': 1 });
    expect(by(log, 'exitPage', 'sessions')).toEqual({ '/b': 1, '(not set)': 1 });
    expect(by(log, 'exitPage', 'pageviews')).toEqual({ '/b': 2 });
  });

  it('every metric by where a session came from, in the bucket where it began', () => {
    const log = [
      at(50, { url: 'https://shop.example/?utm_source=google&utm_medium=cpc&utm_campaign=may&utm_term=shoes&utm_content=blue' }),
      at(55, { name: 'add_to_cart', referrer: 'https://www.bing.com/' }),
      purchase(70, { value: 5, currency: 'EUR', transactionId: 't' }),
      at(75, { visitorId: 'w', url: 'https://shop.example/', referrer: 'https://news.example.org/x' }),
      purchase(80, { visitorId: 'w', transactionId: 't' }),
    ];
    const hour = { from: 0, to: 60 };
    expect(by(log, 'channel', 'sessions', hour)).toEqual({ 'Paid Search': 1 });
    expect(by(log, 'channel', 'events', hour)).toEqual({ 'Paid Search': 3 });
    expect(by(log, 'source', 'revenue', hour)).toEqual({ google: { EUR: 500 } });
    expect(by(log, 'medium', 'addToCarts', hour)).toEqual({ cpc: 1 });
    expect(by(log, 'campaign', 'orders', hour)).toEqual({ may: 1 });
    expect(by(log, 'term', 'buyers', hour)).toEqual({ shoes: 1 });
    expect(by(log, 'content', 'visitors', hour)).toEqual({ blue: 1 });
    expect(by(log, 'channel', 'orders', { from: 60, to: 120 })).toEqual({});
    expect(by(log, 'referrer', 'events')).toEqual({ '(not set)': 3, 'news.example.org': 2 });
    expect(by(log, 'source', 'events')).toEqual({ google: 3, 'news.example.org': 2 });
  });

  it('sessions by what their visitor’s first session came through, however late its events come', () => {
    const ad = 'https://shop.example/?utm_source=google&utm_medium=cpc&utm_campaign=may&utm_term=shoes&utm_content=blue';
    const log = [
      at(100, { referrer: 'https://news.example.org/x' }),
      purchase(105, { value: 5, currency: 'EUR' }),
      at(200, { sessionId: 's' }),
      at(0, { visitorId: 'w' }),
    ];
    expect(by(log, 'firstChannel', 'sessions')).toEqual({ Referral: 2, Direct: 1 });
    expect(by(log, 'firstReferrer', 'events')).toEqual({ 'news.example.org': 3, '(not set)': 1 });
    const late = [...log, at(-500, { url: ad })];
    expect(by(late, 'firstChannel', 'sessions')).toEqual({ 'Paid Search': 3, Direct: 1 });
    expect(by(late, 'channel', 'sessions')).toEqual({ 'Paid Search': 1, Referral: 1, Direct: 2 });
    expect(by(late, 'firstSource', 'revenue')).toMatchObject({ google: { EUR: 500 } });
    expect(by(late, 'firstMedium', 'newVisitors')).toEqual({ cpc: 1, '(none)': 1 });
    expect(by(late, 'firstCampaign', 'orders', { from: 60, to: 120 })).toEqual({ may: 1 });
    expect(by(late, 'firstTerm', 'visitors')).toEqual({ shoes: 1, '(not set)': 1 });
    expect(by(late, 'firstContent', 'events')).toEqual({ blue: 4, '(not set)': 1 });
    expect(by(late, 'firstReferrer', 'events')).toEqual({ '(not set)': 5 });
  });

  it('goals by what their session came through, entered and left by, in the bucket where it began', () => {
    const goals = [{ goalId: 'g', name: 'Signed up', event: 'sign_up' }];
    const log = [
      at(-200, { referrer: 'https://www.bing.com/' }),
      at(50, { url: 'https://shop.example/a?gclid=1' }),
      at(70, { name: 'sign_up', url: 'https://shop.example/join', value: 2, currency: 'JPY' }),
      at(71, { name: 'sign_up', value: 3, currency: 'JPY' }),
      at(72, { url: 'https://shop.example/z' }),
    ];
    const hour = { from: 0, to: 60, definitions: { goals } };
    const twice = { g: { completions: 2, completers: 1, value: { JPY: 5 } } };
    expect(by(log, 'channel', 'goals', hour)).toEqual({ 'Paid Search': twice });
    expect(by(log, 'firstChannel', 'goals', hour)).toEqual({ 'Organic Search': twice });
    expect(by(log, 'entryPage', 'goals', hour)).toEqual({ '/a': twice });
    expect(by(log, 'exitPage', 'goals', hour)).toEqual({ '/z': twice });
    expect(by(log, 'channel', 'goals', { ...hour, from: 60, to: 120 })).toEqual({});
  });
});

describe('the oracle’s days', () => {
  const hours = (timezone: string, day: string): number => (dayOf(timezone, day).to - dayOf(timezone, day).from) / 3_600_000;

  it('begin and end with the merchant’s, and are as long as changes of clocks make them', () => {
    expect(new Date(dayOf('Asia/Kolkata', '2025-03-09').from).toISOString()).toBe('2025-03-08T18:30:00.000Z');
    expect(hours('Asia/Kolkata', '2025-03-09')).toBe(24);
    expect(hours('America/New_York', '2025-03-09')).toBe(23);
    expect(hours('America/St_Johns', '2025-11-02')).toBe(25);
    expect(hours('Australia/Lord_Howe', '2025-04-06')).toBe(24.5);
  });
});
