import fc from 'fast-check';
import type { AcceptedEvent } from '../../src/domain/columns';

const agents = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
];

/** Noon UTC on the day before a change of clocks in New York, so that random logs cross it. */
export const noon = Date.parse('2025-03-08T12:00:00Z');
export const merchants = ['north', 'south'];
export const timezones: Record<string, string> = { north: 'America/New_York', south: 'Asia/Kolkata' };

/** Few visitors, few ids, times within two days in any order: duplicates, late events and joined sessions are common. */
export const event: fc.Arbitrary<AcceptedEvent> = fc
  .record(
    {
      merchantId: fc.constantFrom(...merchants),
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
        'refund',
        'search',
      ),
      visitorId: fc.integer({ min: 0, max: 3 }).map((n) => `v${n}`),
      sessionId: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 's1'),
      url: fc.constantFrom('https://shop.example/', 'https://shop.example/a?x=1', '/b#part', '/c'),
      userAgent: fc.constantFrom(...agents),
      country: fc.constantFrom('DE', 'US'),
      value: fc.constantFrom(19.99, 0.1, 1000, 1.005),
      currency: fc.constantFrom('USD', 'EUR', 'JPY', 'KWD'),
      items: fc.constantFrom(
        [{ itemId: 'p1', price: 9.99, quantity: 2 }],
        [{ itemId: 'p1', price: 5 }, { itemId: 'p2', quantity: 3 }, { itemId: 'p1' }],
      ),
    },
    { requiredKeys: ['merchantId', 'id', 'time', 'receivedAt', 'name', 'visitorId'] },
  )
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as unknown as AcceptedEvent);

export const log: fc.Arbitrary<AcceptedEvent[][]> = fc.array(fc.array(event, { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 10,
});
