import fc from 'fast-check';
import type { AcceptedEvent } from '../../src/domain/columns';
import type { Definitions, Filter, Funnel, Goal } from '../../src/domain/definitions';

const agents = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
];

/** Noon UTC on the day before a change of clocks in New York and St. John's, so that random logs cross it. */
export const noon = Date.parse('2025-03-08T12:00:00Z');
/** The same for Lord Howe, whose clocks go back by half an hour. */
const noonBeforeLordHowe = Date.parse('2025-04-05T12:00:00Z');
export const timezones: Record<string, string> = {
  north: 'America/New_York',
  south: 'Asia/Kolkata',
  rock: 'America/St_Johns',
  howe: 'Australia/Lord_Howe',
};
export const merchants = Object.keys(timezones);

const items = [
  { itemId: 'p1', brand: 'Acme', category: 'Shoes', price: 9.99, quantity: 2 },
  { itemId: 'p1', brand: 'Acme', price: 5 },
  { itemId: 'p2', brand: '', category: 'Hats', quantity: 3 },
  { itemId: 'p3', category: 'Shoes', price: 1.115, quantity: 3 },
  { itemId: 'p2', price: 0 },
];

const path = fc.constantFrom('/', '/a', '/a', '/b', '/b/c', '');
const query = fc.constantFrom(
  '',
  '',
  '',
  '?x=1',
  '#part',
  '?x=1#part',
  '?utm_source=google&utm_medium=cpc&utm_campaign=may&utm_term=shoes&utm_content=blue',
  '?UTM_Source=mail&utm_medium=email&utm_campaign=may+sale',
  '?utm_source=mail&utm_medium=email&utm_campaign=may%20sale&utm_source=other',
  '?gclid=one',
  '?gclid=two&utm_term=',
  '?fbclid=one#utm_source=none',
);
const host = fc.constantFrom(
  'https://shop.example',
  'https://SHOP.example',
  'http://blog.shop.example:8080',
  'https://staging.example',
  '',
);
const url = fc.tuple(host, path, query).map((parts) => parts.join(''));

/** Few visitors, few ids, times within two days in any order: duplicates, late events and joined sessions are common. */
export const event: fc.Arbitrary<AcceptedEvent> = eventOf(['north', 'south']);

function eventOf(ofMerchants: readonly string[]): fc.Arbitrary<AcceptedEvent> {
  return fc
    .record(
      {
        merchantId: fc.constantFrom(...ofMerchants),
        id: fc.integer({ min: 0, max: 400 }).map((n) => `e${n}`),
        time: fc.oneof(
          fc.integer({ min: 0, max: 48 * 60 }).map((minutes) => noon + minutes * 60_000),
          fc.integer({ min: 0, max: 7_200_000 }).map((ms) => noon + ms),
          // Pauses of exactly half an hour, and just more.
          fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 1 })).map(([halves, ms]) => noon + halves * 30 * 60_000 + ms),
        ),
        receivedAt: fc.constant(noon),
        name: fc.constantFrom(
          'page_view',
          'page_view',
          'page_view',
          'view_item',
          'add_to_cart',
          'begin_checkout',
          'purchase',
          'purchase',
          'refund',
          'refund',
          'search',
        ),
        visitorId: fc.integer({ min: 0, max: 3 }).map((n) => `v${n}`),
        sessionId: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, '', 's1'),
        url,
        title: fc.constantFrom('A', 'B', ''),
        referrer: fc.constantFrom(
          'https://www.google.com/',
          'https://m.facebook.com/',
          'https://news.example/x',
          'https://shop.example/a',
          '',
        ),
        userAgent: fc.constantFrom(...agents),
        country: fc.constantFrom('DE', 'US'),
        language: fc.constantFrom('de', 'en-US', 'en-us', ''),
        screen: fc.constantFrom('390x844', '1920x1080'),
        value: fc.constantFrom(19.99, 0.1, 1000, 1.005, 0),
        currency: fc.constantFrom('USD', 'EUR', 'JPY', 'KWD', 'HUF', 'IQD'),
        items: fc.subarray(items, { minLength: 1 }),
        // Few, so that orders come again and refunds find theirs, before them in the log or after.
        transactionId: fc.constantFrom('t1', 't2', 't3', ''),
        coupon: fc.constantFrom('MAY', 'VIP', ''),
        tax: fc.constantFrom(1.5, 0.335),
        shipping: fc.constantFrom(4, 0),
        properties: fc.record(
          { plan: fc.constantFrom('gold', 'free', ''), size: fc.constantFrom(2, '2', 1.5), member: fc.boolean() },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['merchantId', 'id', 'time', 'receivedAt', 'name', 'visitorId'] },
    )
    .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as unknown as AcceptedEvent)
    .map((one) => (one.merchantId === 'howe' ? { ...one, time: one.time - noon + noonBeforeLordHowe } : one));
}

/** Blocks of two merchants' events, so that there are enough of each. */
export const log: fc.Arbitrary<AcceptedEvent[][]> = fc
  .subarray(merchants, { minLength: 2, maxLength: 2 })
  .chain((two) => fc.array(fc.array(eventOf(two), { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 10 }));

/** What the generated merchants may have defined: each part or none. */
export const definitions: fc.Arbitrary<Definitions> = fc.record({
  sessionsEndAtMidnight: fc.boolean(),
  goals: fc.subarray<Goal>([
    { goalId: 'bought', name: 'Bought', event: 'purchase' },
    { goalId: 'saw-b', name: 'Saw b', page: '/b*', hostname: '*shop.example' },
    { goalId: 'gold', name: 'Gold members', properties: { plan: 'gold', member: true } },
    { goalId: 'two', name: 'Size two', properties: { size: 2 } },
  ]),
  funnels: fc.subarray<Funnel>([
    {
      funnelId: 'buying',
      name: 'Buying',
      steps: [
        { name: 'Cart', event: 'add_to_cart' },
        { name: 'Order', event: 'purchase' },
      ],
      open: false,
      windowSeconds: 86_400,
    },
    {
      funnelId: 'looking',
      name: 'Looking around',
      steps: [
        { name: 'A', page: '/a' },
        { name: 'B', page: '/b*' },
        { name: 'Search', event: 'search' },
      ],
      open: true,
      windowSeconds: 7_200,
    },
  ]),
  filters: fc.subarray<Filter>([
    { filterId: 'f1', name: 'staging', field: 'hostname', pattern: 'staging.*' },
    { filterId: 'f2', name: 'below b', field: 'page', pattern: '/b/*' },
    { filterId: 'f3', name: 'our Linux machines', field: 'userAgent', pattern: '*Linux*Firefox*' },
    { filterId: 'f4', name: 'office', field: 'address', pattern: '10.0.0.0/8' },
  ]),
  erasedVisitors: fc.subarray(['v0', 'v1']),
});
