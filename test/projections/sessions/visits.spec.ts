import fc from 'fast-check';
import type { AcceptedEvent } from '../../../src/domain/columns';
import { noDefinitions, type Definitions } from '../../../src/domain/definitions';
import { eventsMax, sessionsMax } from '../../../projections/sessions/bounds';
import { countedOf, SessionCounter, type Counted } from './counting-sessions';
import { readShop } from '../../oracle/oracle';

const minute = 60_000;
/** Half an hour before midnight in Kolkata (UTC+5:30), in the middle of a UTC hour. */
const evening = Date.parse('2026-11-22T18:00:00Z');
const timezone = 'Asia/Kolkata';
const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';

const links: { url?: string; referrer?: string }[] = [
  {},
  { url: '/cart' },
  { url: 'https://shop.example/' },
  { url: 'https://shop.example/a?x=1', referrer: 'https://shop.example/' },
  { url: 'https://shop.example/a', referrer: 'https://www.google.com/' },
  { url: 'https://shop.example/b?utm_source=news&utm_medium=email&utm_campaign=sale' },
  { url: 'https://de.shop.example/b?gclid=1' },
  { url: 'https://shop.example/b?gclid=2' },
];

const definitions = (midnight: boolean): Definitions => ({
  ...noDefinitions,
  sessionsEndAtMidnight: midnight,
  // An event may complete both.
  goals: [
    { goalId: 'b', name: 'Saw b', page: '/b' },
    { goalId: 'g', name: 'Paid sign-ups', event: 'sign_up', properties: { plan: 'paid' } },
  ],
});

let ids = 0;
const event = (more: Partial<AcceptedEvent>): AcceptedEvent => {
  const present = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
  return { merchantId: 'm', id: `e${ids++}`, name: 'page_view', visitorId: 'v', time: evening, receivedAt: evening, ...present };
};

const time = fc.oneof(
  fc.integer({ min: 0, max: 5 * 60 }).map((minutes) => evening + minutes * minute),
  // Pauses of exactly half an hour and just more, and equal times.
  fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 1 })).map(([halves, ms]) => evening + halves * 30 * minute + ms),
  fc.integer({ min: 0, max: 15_000 }).map((ms) => evening + ms),
);
const anyEvent = fc
  .record({
    time,
    visitorId: fc.constantFrom('v', 'v', 'w'),
    name: fc.constantFrom(
      'page_view',
      'page_view',
      'page_view',
      'search',
      'add_to_cart',
      'begin_checkout',
      'purchase',
      'refund',
      'sign_up',
    ),
    sessionId: fc.constantFrom(undefined, undefined, undefined, undefined, 's1', 's2'),
    link: fc.constantFrom(...links),
    userAgent: fc.constantFrom(undefined, mac, iPhone),
    country: fc.constantFrom(undefined, 'DE', 'US'),
    language: fc.constantFrom(undefined, 'de', 'en-us'),
    screen: fc.constantFrom(undefined, '1920x1080'),
    value: fc.constantFrom(undefined, 19.99, 5),
    currency: fc.constantFrom(undefined, 'USD', 'EUR'),
    tax: fc.constantFrom(undefined, 1.5),
    shipping: fc.constantFrom(undefined, 4.99),
    transactionId: fc.constantFrom(undefined, 't1', 't2'),
    items: fc.constantFrom<AcceptedEvent['items'][]>(undefined, [{ itemId: 'p1', price: 2.5, quantity: 2 }, { itemId: 'p2' }]),
    properties: fc.constantFrom(undefined, { plan: 'paid' }, { plan: 'free' }),
  })
  .map(({ link, transactionId, ...rest }) =>
    event({ ...rest, ...link, transactionId: transactionId && `${transactionId} of ${rest.visitorId}` }),
  );
const log = fc.array(fc.array(anyEvent, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });

const expected = (log: readonly AcceptedEvent[], midnight = false): Counted =>
  countedOf(readShop(log, { merchantId: 'm', timezone, definitions: definitions(midnight) }));

/** One event a block. */
function counterOf(events: readonly AcceptedEvent[]): SessionCounter {
  const counter = new SessionCounter(timezone, definitions(false));
  for (const one of events) counter.fold([one]);
  return counter;
}

describe('sessions, however late and out of order their events come', () => {
  it('are those that a naive count over all events finds, after every block', () => {
    fc.assert(
      fc.property(log, fc.boolean(), fc.infiniteStream(fc.boolean()), (blocks, midnight, leave) => {
        const counter = new SessionCounter(timezone, definitions(midnight));
        const before: AcceptedEvent[] = [];
        for (const rows of blocks) {
          counter.fold(rows);
          if (leave.next().value) counter.reread();
          before.push(...rows);
          expect(counter.counted).toEqual(expected(before, midnight));
        }
      }),
      { numRuns: 120 },
    );
  });

  it('touch the same cells whether the visitor stayed in memory or not', () => {
    fc.assert(
      fc.property(log, fc.infiniteStream(fc.boolean()), (blocks, leave) => {
        const stays = new SessionCounter(timezone);
        const leaves = new SessionCounter(timezone);
        for (const rows of blocks) {
          stays.fold(rows);
          leaves.fold(rows);
          if (leave.next().value) leaves.reread();
        }
        expect(leaves.touched).toEqual(stays.touched);
      }),
      { numRuns: 40 },
    );
  });
});

/** In all hours, by the values of a dimension. */
function sessionsBy({ counted }: SessionCounter, dimension: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [cell, { sessions = 0 }] of Object.entries(counted)) {
    const [family, , value] = cell.split(' | ');
    if (family === `acquisition.${dimension}`) sums[value!] = (sums[value!] ?? 0) + sessions;
  }
  return sums;
}

describe('what is kept of a visitor', () => {
  const at = (seconds: number, more: Partial<AcceptedEvent> = {}): AcceptedEvent =>
    event({ time: evening + seconds * 1000, url: 'https://shop.example/', ...more });
  const many = (count: number, secondsApart: number, more?: Partial<AcceptedEvent>): AcceptedEvent[] =>
    Array.from({ length: count }, (_, i) => at(i * secondsApart, more));

  it.each([undefined, 's1'])(
    'is a bounded number of events, and sessions beyond it are still counted exactly (sessionId %s)',
    (sessionId) => {
      const log = many(eventsMax + 300, 10, { sessionId });
      log[5] = at(50, { sessionId, name: 'purchase', value: 5, currency: 'USD' });
      const signUp = { sessionId, name: 'sign_up', properties: { plan: 'paid' }, value: 3, currency: 'EUR' };
      log[7] = at(70, signUp);
      log[eventsMax] = at(eventsMax * 10, signUp);
      const counter = counterOf(log);
      expect(counter.kept('v').events).toBeLessThanOrEqual(eventsMax);
      expect(counter.counted).toEqual(expected(log));
      const late = [
        // Into what is no longer told apart, right after it, and before all of it.
        at(35, { sessionId, url: '/cart' }),
        at(36, { ...signUp, currency: 'USD' }),
        at(-60, { sessionId, country: 'DE', url: '/cart' }),
        at(-120, { sessionId, name: 'add_to_cart' }),
        at((eventsMax + 290) * 10 + 5, { sessionId }),
        // A session of its own before, and one that is another first touch.
        at(-3 * 3600, { country: 'US' }),
        at(-6 * 3600, { url: 'https://de.shop.example/b?gclid=1' }),
      ];
      late.forEach((one, i) => {
        counter.reread();
        counter.fold([one]);
        expect(counter.counted).toEqual(expected([...log, ...late.slice(0, i + 1)]));
      });
    },
  );

  it('is a bounded number of sessions, and the visitor stays new in the first', () => {
    const log = [...many(sessionsMax + 20, 3600), ...many(sessionsMax + 20, 3600, { sessionId: 's1' })].flatMap((one, i) =>
      one.sessionId === undefined ? [one] : [{ ...one, sessionId: `s${i}`, time: one.time + 1 }],
    );
    const counter = counterOf(log);
    counter.reread();
    expect(counter.kept('v')).toEqual({ sessions: sessionsMax, events: sessionsMax });
    expect(counter.counted).toEqual(expected(log));
    // Later in the first session, in the last one, and before all of them.
    const late = [at(60), at((sessionsMax + 19) * 3600 + 60), at(-7200)];
    for (const one of late) counter.fold([one]);
    expect(counter.counted).toEqual(expected([...log, ...late]));
  });

  it('is as many sessions as another first touch moves: those beyond stay with the one they were counted under', () => {
    const counter = counterOf(many(sessionsMax + 20, 3600));
    counter.reread();
    counter.fold([at(-7200, { url: 'https://de.shop.example/b?gclid=1' })]);
    const moved = { Direct: 20, 'Paid Search': sessionsMax + 1 };
    expect(sessionsBy(counter, 'firstChannel')).toEqual(moved);
    expect(sessionsBy(counter, 'channel')).toEqual({ Direct: sessionsMax + 20, 'Paid Search': 1 });
    // Later than the earliest: nothing changes but one session more.
    counter.reread();
    counter.fold([at(-3600, { url: 'https://shop.example/b?utm_source=news&utm_medium=email&utm_campaign=sale' })]);
    expect(sessionsBy(counter, 'firstChannel')).toEqual({ ...moved, 'Paid Search': sessionsMax + 2 });
  });
});
