import type { AcceptedEvent } from '../../src/domain/columns';
import type { Breakdown } from '../../src/reporting/breakdown/breakdown';
import type { Timeseries } from '../../src/reporting/timeseries/timeseries';
import { count } from '../oracle/oracle';
import { Installation } from './installation';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const person = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const robot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const timezones: Record<string, string> = { even: 'America/New_York', odd: 'Asia/Kolkata' };
const firstDay = Date.parse('2025-03-03T00:00:00Z');
const installation = new Installation();
const log: AcceptedEvent[] = [];
let scans: { granularity: string; documents: number }[] = [];

const visit = (merchantId: string, visitorId: string, time: number, bot = false): AcceptedEvent => ({
  merchantId,
  id: `e${log.length}`,
  time,
  receivedAt: time,
  name: log.length % 5 === 0 ? 'add_to_cart' : 'page_view',
  visitorId,
  url: 'https://shop.example/',
  userAgent: bot ? robot : person,
  country: log.length % 3 === 0 ? 'DE' : 'US',
});

/** More visitors a day than a document keeps exactly, fewer an hour; some come on several days. */
function fillDays(merchantId: string, days: number): void {
  for (let day = 0; day < days; day++) {
    for (let i = 0; i < 2_600; i++) {
      const hour = firstDay + day * dayMs + (i % 24) * hourMs;
      log.push(visit(merchantId, `v${day * 900 + (i % 1_300)}`, hour + (i % 4) * 15 * minuteMs));
      if (i % 3 === 0) log.push(visit(merchantId, `b${day * 100 + i}`, hour + 7 * minuteMs, true));
    }
  }
}

/** More than that within an hour, fewer in each of its minutes. */
function crowdAnHour(merchantId: string, start: number): void {
  for (let i = 0; i < 1_200; i++) log.push(visit(merchantId, `c${i}`, start + (i % 10) * minuteMs));
}

const crowded = firstDay + 10 * dayMs + 18 * hourMs;

beforeAll(async () => {
  for (const merchantId of ['even', 'odd']) {
    await installation.register(merchantId, { timezone: timezones[merchantId] });
    fillDays(merchantId, 3);
  }
  crowdAnHour('even', crowded);
  await installation.serve();
  await installation.count(log, timezones);
  const { documents } = installation.store;
  const scan = documents.scanBytes.bind(documents);
  documents.scanBytes = async (collection, from, to, limit) => {
    const found = await scan(collection, from, to, limit);
    scans.push({ granularity: from.split('|')[2]!, documents: found.documents.length });
    return found;
  };
  await installation.start();
});
afterAll(() => installation.stop());
beforeEach(() => (scans = []));

describe('visitors of a crowded shop', () => {
  const week = { from: '2025-03-03', to: '2025-03-06' };
  it.each([
    ['even', 'exclude'],
    ['even', 'include'],
    ['even', 'only'],
    ['odd', 'exclude'],
    ['odd', 'include'],
  ] as const)('of %s are exact by day and over all days where each hour still is: bots %s', async (merchantId, bots) => {
    const answer = await installation.report<Timeseries>(merchantId, 'timeseries', {
      ...week,
      interval: 'day',
      metrics: 'visitors,pageviews',
      bots,
    });
    const bounds = [...answer.rows.map((row) => Date.parse(row.time)), Date.parse(answer.to)];
    for (const [i, row] of answer.rows.entries()) {
      const { visitors, pageviews } = count(log, { merchantId, from: bounds[i]!, to: bounds[i + 1]!, bots });
      expect(row).toMatchObject({ visitors, pageviews });
    }
    const { visitors, pageviews } = count(log, { merchantId, from: bounds[0]!, to: bounds.at(-1)!, bots });
    expect(answer.totals).toEqual({ visitors, pageviews });
    expect(visitors).toBeGreaterThan(1_000);
    expect(answer.meta).toMatchObject({ exact: true });
  });

  it('are exact by country as well', async () => {
    const answer = await installation.report<Breakdown>('even', 'breakdown', { ...week, dimension: 'country', metrics: 'visitors' });
    const span = { merchantId: 'even', from: Date.parse(answer.from), to: Date.parse(answer.to), bots: 'exclude' as const };
    for (const row of answer.rows) {
      const { visitors } = count(log, { ...span, dimension: { name: 'country', value: row.value } });
      expect(row).toEqual({ value: row.value, visitors });
      expect(visitors).toBeGreaterThan(512);
    }
    expect(answer.rows).toHaveLength(2);
    expect(answer.totals['visitors']).toBe(count(log, span).visitors);
    expect(answer.meta).toMatchObject({ exact: true });
  });

  it('of one hour are exact where each minute still is', async () => {
    const from = new Date(crowded).toISOString();
    const to = new Date(crowded + hourMs).toISOString();
    const answer = await installation.report<Timeseries>('even', 'timeseries', { from, to, interval: 'hour', metrics: 'visitors' });
    expect(answer.totals).toEqual({ visitors: 1_200 });
    expect(answer.meta).toMatchObject({ exact: true });
  });

  it('of a day with an hour like that are estimated, and the answer says so', async () => {
    const answer = await installation.report<Timeseries>('even', 'timeseries', {
      from: '2025-03-13',
      to: '2025-03-13',
      interval: 'day',
      metrics: 'visitors',
    });
    expect(Math.abs((answer.totals['visitors'] as number) - 1_200)).toBeLessThan(60);
    expect(answer.meta).toMatchObject({ exact: false, error: 0.0081 });
  });

  it('cost nothing where they are not asked for, and a bounded number of documents where they are', async () => {
    await installation.report('even', 'timeseries', { ...week, interval: 'day', metrics: 'pageviews,events,sessions' });
    expect(scans.map(({ granularity }) => granularity)).toEqual(['day', 'day']);
    scans = [];
    await installation.report('even', 'timeseries', { ...week, interval: 'day', metrics: 'visitors' });
    expect(scans.map(({ granularity }) => granularity)).toEqual(['day', 'hour']);
    expect(scans[1]!.documents).toBeLessThanOrEqual(4 * 24);
  });
});
