import type { QueryBus } from '@nestjs/cqrs';
import pino from 'pino';
import { LiveNumbers } from '../../src/reporting/live/live-numbers';
import type { Preparation } from '../../src/reporting/preparing';
import type { Realtime } from '../../src/reporting/realtime/realtime';

const row = (time: string, pageviews: number) => ({ time, pageviews });
const shown: Realtime = {
  merchantId: 'shop',
  interval: 'minute',
  timezone: 'UTC',
  from: '2025-03-20T11:31:00Z',
  to: '2025-03-20T12:01:00Z',
  metrics: ['pageviews'],
  activeVisitors: 3,
  activeVisitorsLast5Minutes: 1,
  rows: [row('11:58', 0), row('11:59', 2), row('12:00', 0)],
  totals: { pageviews: 2 },
  topPages: {
    ...{ from: '2025-03-20T11:31:00Z', to: '2025-03-20T12:01:00Z', metrics: ['pageviews'] },
    rows: [{ value: '/', pageviews: 2 }],
    other: { pageviews: 1 },
  },
  today: { from: '2025-03-20T00:00:00Z', totals: { pageviews: 9 } },
  meta: { asOf: '2025-03-20T12:00:00Z', lagSeconds: 0, projection: 'traffic', version: 1, exact: true },
};

/** What a listener who has seen `shown` is told when the numbers are these a second later. */
async function told(now: Realtime): Promise<Realtime[]> {
  jest.useFakeTimers();
  const queries = { execute: () => Promise.resolve(now) } as unknown as QueryBus;
  let looks = 0;
  // Each look says that something was counted.
  const prepare = () => Promise.resolve({ unanswered: 'not-counting', detail: String(looks++) });
  const live = new LiveNumbers(queries, { prepare } as unknown as Preparation, pino({ level: 'silent' }));
  const frames: Realtime[] = [];
  const place = live.reserve('shop')!;
  place.listen({}, shown, { frame: (json) => void frames.push(JSON.parse(json) as Realtime), end: () => undefined });
  await jest.advanceTimersByTimeAsync(1_000);
  place.leave();
  jest.useRealTimers();
  expect(looks).toBe(1);
  return frames;
}

describe('live numbers are told again', () => {
  it.each<[string, Partial<Realtime>]>([
    ['who is active', { activeVisitors: 4 }],
    ['who was lately', { activeVisitorsLast5Minutes: 2 }],
    ['the pages', { topPages: { ...shown.topPages, rows: [{ value: '/', pageviews: 3 }] } }],
    ['what is beyond the pages', { topPages: { ...shown.topPages, other: { pageviews: 2 } } }],
    ['the totals', { totals: { pageviews: 3 } }],
    ['the day so far', { today: { ...shown.today, totals: { pageviews: 10 } } }],
    ['a minute', { rows: [row('11:58', 0), row('11:59', 1), row('12:00', 1)] }],
    ['the minute in which it was', { rows: [row('11:58', 2), row('11:59', 0), row('12:00', 0)] }],
  ])('where %s changed, were it that alone', async (_what, changed) => {
    const now = { ...shown, ...changed };
    expect(await told(now)).toEqual([now]);
  });

  it.each<[string, Partial<Realtime>]>([
    ['nothing', {}],
    ['the time of the answer and of empty minutes', { to: '2025-03-20T12:02:00Z', rows: [...shown.rows.slice(1), row('12:01', 0)] }],
    ['how far the counting is', { meta: { ...shown.meta, asOf: '2025-03-20T12:00:01Z', lagSeconds: 1 } }],
    ['the span of the pages', { topPages: { ...shown.topPages, from: '2025-03-20T11:32:00Z', to: '2025-03-20T12:02:00Z' } }],
  ])('not where %s changed', async (_what, changed) => {
    expect(await told({ ...shown, ...changed })).toEqual([]);
  });
});
