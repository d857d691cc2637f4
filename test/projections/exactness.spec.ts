import fc from 'fast-check';
import { documentPrefix, minuteBucket, hourBucket } from '../../projections/kit/document';
import type { Granularity } from '../../projections/kit/projection';
import type { AcceptedEvent } from '../../src/domain/columns';
import { count, dimensionValue, type Counts, type Question } from '../oracle/oracle';
import { bytesOf, foldBlocks, tallyOf, type Documents } from './folding';
import { log, merchants, timezones } from './shop-events';

const minute = 60_000;
const hour = 60 * minute;

describe('what the projections store', () => {
  it('equals a naive count over the events, for every bucket, dimension value and kind of visitor', () => {
    fc.assert(
      fc.property(log, fc.infiniteStream(fc.boolean()), (blocks, flush) => {
        const documents = foldBlocks(blocks, { timezones, takeAfter: () => flush.next().value! });
        const events = blocks.flat();
        for (const { granularity, bucket, from, to, merchantId } of bucketsOf(events)) {
          for (const bots of ['exclude', 'include', 'only'] as const) {
            const asked = { merchantId, from, to, bots };
            expect(stored(documents, asked, granularity, bucket)).toEqual(count(events, asked));
            if (granularity === 'minute') continue;
            for (const dimension of dimensionValues(events, merchantId)) {
              const expected = count(events, { ...asked, dimension });
              expect(stored(documents, { ...asked, dimension }, granularity, bucket)).toEqual(onlyWhatIsKeptBy(dimension.name, expected));
            }
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it('is byte for byte what a rebuild in one pass stores, wherever flushes and restarts fell', () => {
    fc.assert(
      fc.property(log, fc.infiniteStream(fc.boolean()), fc.infiniteStream(fc.boolean()), (blocks, flush, restart) => {
        const live = foldBlocks(blocks, { timezones, takeAfter: () => flush.next().value!, restartAfter: () => restart.next().value! });
        expect(bytesOf(live)).toEqual(bytesOf(foldBlocks(blocks, { timezones })));
      }),
      { numRuns: 100 },
    );
  });
});

function stored(documents: Documents, { merchantId, bots, dimension }: Question, granularity: Granularity, bucket: string): Counts {
  const of = (projection: string): ReturnType<typeof tallyOf> => {
    const keeper = projection !== 'traffic' || dimension === undefined ? projection : dimension.name === 'page' ? 'content' : 'audience';
    const family = dimension ? `${keeper}.${dimension.name}` : projection;
    return tallyOf(documents, documentPrefix(merchantId, family, granularity, bucket), dimension?.value ?? '', bots);
  };
  const traffic = of('traffic');
  const sessions = of('sessions');
  const commerce = of('commerce');
  const amounts = (name: string): Record<string, number> =>
    Object.fromEntries([...commerce.money(name)].map(([currency, n]) => [currency, Number(n)]));
  return {
    events: traffic.counter('events'),
    pageviews: traffic.counter('pageviews'),
    visitors: traffic.distinct('visitors').count,
    sessions: sessions.counter('sessions'),
    bounces: sessions.counter('bounces'),
    durationMs: sessions.counter('durationMs'),
    sessionPageviews: sessions.counter('pageviews'),
    orders: commerce.counter('orders'),
    addToCarts: commerce.counter('addToCarts'),
    checkouts: commerce.counter('checkouts'),
    itemsSold: commerce.counter('itemsSold'),
    revenue: amounts('revenue'),
    refunds: amounts('refunds'),
  };
}

/** Sessions are not counted by page. */
function onlyWhatIsKeptBy(dimension: string, counts: Counts): Counts {
  return dimension === 'page' ? { ...counts, sessions: 0, bounces: 0, durationMs: 0, sessionPageviews: 0 } : counts;
}

function* bucketsOf(
  events: readonly AcceptedEvent[],
): Generator<{ merchantId: string; granularity: Granularity; bucket: string; from: number; to: number }> {
  for (const merchantId of merchants) {
    const times = events.filter((event) => event.merchantId === merchantId).map((event) => event.time);
    for (const at of new Set(times.map((time) => Math.floor(time / minute) * minute)))
      yield { merchantId, granularity: 'minute', bucket: minuteBucket(at), from: at, to: at + minute };
    for (const at of new Set(times.map((time) => Math.floor(time / hour) * hour)))
      yield { merchantId, granularity: 'hour', bucket: hourBucket(at), from: at, to: at + hour };
    const days = new Map<string, number[]>();
    for (const time of times) {
      const day = localDay(merchantId, time);
      days.set(day, [...(days.get(day) ?? []), time]);
    }
    for (const [day] of days) {
      const inDay = (at: number): boolean => localDay(merchantId, at) === day;
      const near = Date.parse(`${day}T00:00:00Z`);
      let from = near - 15 * hour;
      while (!inDay(from)) from += 15 * minute;
      let to = from;
      while (inDay(to)) to += 15 * minute;
      yield { merchantId, granularity: 'day', bucket: day, from, to };
    }
  }
}

// The Swedish locale writes dates as ISO 8601 does.
const calendars = new Map(
  merchants.map((merchantId) => [merchantId, new Intl.DateTimeFormat('sv-SE', { timeZone: timezones[merchantId]! })]),
);
const localDay = (merchantId: string, at: number): string => calendars.get(merchantId)!.format(at);

function dimensionValues(events: readonly AcceptedEvent[], merchantId: string): NonNullable<Question['dimension']>[] {
  return (['page', 'country', 'device'] as const).flatMap((name) => {
    const values = new Set(events.filter((event) => event.merchantId === merchantId).map((event) => dimensionValue(event, name)));
    return [...values].filter((value) => value !== undefined).map((value) => ({ name, value }));
  });
}
