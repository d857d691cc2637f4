import fc from 'fast-check';
import type request from 'supertest';
import type { AcceptedEvent } from '../../src/domain/columns';
import { cohortsMax, periodsMax, type Retention } from '../../src/reporting/retention/retention';
import { localDay } from '../oracle/buckets';
import { periodsBetween, retentionTable, startOf } from '../oracle/retention';
import { adminToken, Installation, readToken, refusal } from './installation';

const hourMs = 3_600_000;
const bot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const timezones: Record<string, string> = { north: 'America/New_York', south: 'Asia/Kolkata', plain: 'UTC' };
/** Ten weeks up to the day before today, over a change of clocks in New York. */
const start = Date.parse('2025-01-06T05:00:00Z');

let ids = 0;
const event: fc.Arbitrary<AcceptedEvent> = fc
  .record({
    hours: fc.integer({ min: 0, max: 24 * 72 }),
    merchantId: fc.constantFrom('north', 'south'),
    visitor: fc.nat(40),
    isBot: fc.nat(5),
  })
  .map(({ hours, merchantId, visitor, isBot }) => {
    const time = start + hours * hourMs;
    const userAgent = isBot === 0 ? { userAgent: bot } : {};
    return { merchantId, id: `e${ids++}`, name: 'page_view', visitorId: `v${visitor}`, time, receivedAt: time, ...userAgent };
  });

const installation = new Installation();
let log: AcceptedEvent[];

beforeAll(async () => {
  log = fc.sample(event, { numRuns: 900, seed: 11 });
  for (const [merchantId, timezone] of Object.entries(timezones)) await installation.register(merchantId, { timezone });
  await installation.serve();
  await installation.count(log, timezones);
  await installation.heartbeat('north', { checkpointTime: installation.now - 4_400 });
  await installation.start();
});
afterAll(() => installation.stop());

const ask = (merchantId: string, query: Record<string, string>, token?: string): request.Test =>
  installation.ask(merchantId, 'retention', query, token);
const retention = (merchantId: string, query: Record<string, string>): Promise<Retention> =>
  installation.report(merchantId, 'retention', query);

describe('a retention report', () => {
  const questions: [string, string, Record<string, string>][] = [
    ['days across a change of clocks', 'north', { interval: 'day', from: '2025-01-05', to: '2025-03-15' }],
    ['weeks', 'north', { interval: 'week', from: '2025-01-06', to: '2025-03-20' }],
    ['months', 'south', { interval: 'month', from: '2025-01-01', to: '2025-03-31' }],
    ['days half an hour off the hour', 'south', { interval: 'day', from: '2025-01-06', to: '2025-02-06' }],
    ['bots alone', 'south', { interval: 'week', from: '2025-01-06', to: '2025-03-20', bots: 'only' }],
    ['bots included', 'north', { interval: 'day', from: '2025-01-05', to: '2025-02-05', bots: 'include' }],
  ];
  it.each(questions)('equals a naive count by %s', async (_name, merchantId, query) => {
    const answer = await retention(merchantId, query);
    const interval = query['interval'] as 'day';
    const timezone = timezones[merchantId]!;
    const table = retentionTable(log, { merchantId, timezone, interval, bots: (query['bots'] ?? 'exclude') as 'exclude' });
    const today = startOf(interval, localDay(timezone, installation.now));
    const cohorts = new Set<string>();
    for (let at = Date.parse(query['from']!); at <= Date.parse(query['to']!); at += 24 * hourMs)
      cohorts.add(startOf(interval, new Date(at).toISOString().slice(0, 10)));
    expect(answer.rows.map(({ cohort }) => cohort)).toEqual([...cohorts]);
    for (const { cohort, visitors, returned, rates } of answer.rows) {
      const periods = cohort > today ? 0 : periodsBetween(interval, cohort, today) + 1;
      expect(returned).toEqual(Array.from({ length: periods }, (_, n) => table[`${cohort} ${n}`] ?? 0));
      expect(visitors).toBe(returned[0] ?? 0);
      expect(rates).toEqual(returned.map((count) => (visitors === 0 ? 0 : Number((count / visitors).toFixed(6)))));
    }
    expect(answer.totals.visitors).toBeGreaterThan(0);
    expect(answer.totals.returned[1]).toBeGreaterThan(0);
  });

  it('answers in the shape of the contract', async () => {
    const answer = await retention('north', { from: '2025-03-19', to: '2025-03-21' });
    expect(answer).toEqual({
      merchantId: 'north',
      interval: 'day',
      timezone: 'America/New_York',
      from: '2025-03-19T00:00:00-04:00',
      to: '2025-03-22T00:00:00-04:00',
      rows: [
        { cohort: '2025-03-19', visitors: 0, returned: [0, 0], rates: [0, 0] },
        { cohort: '2025-03-20', visitors: 0, returned: [0], rates: [0] },
        { cohort: '2025-03-21', visitors: 0, returned: [], rates: [] },
      ],
      totals: { visitors: 0, returned: [0, 0], rates: [0, 0] },
      meta: { asOf: '2025-03-20T11:59:55.600Z', lagSeconds: 4, projection: 'retention', version: 1, exact: true },
    });
  });

  it('adds up its cohorts, and takes as base of a period those that have reached it', async () => {
    const { rows, totals } = await retention('north', { interval: 'week', from: '2025-01-06', to: '2025-03-20' });
    expect(totals.visitors).toBe(rows.reduce((sum, { visitors }) => sum + visitors, 0));
    expect(totals.returned).toHaveLength(rows[0]!.returned.length);
    const last = totals.returned.length - 1;
    expect(totals.returned[last]).toBe(rows[0]!.returned[last]);
    expect(totals.rates[last]).toBe(rows[0]!.rates[last]);
  });

  it('covers whole cohorts where the range begins or ends inside one', async () => {
    const answer = await retention('plain', { interval: 'week', from: '2025-03-05', to: '2025-03-11' });
    expect(answer).toMatchObject({ from: '2025-03-03T00:00:00Z', to: '2025-03-17T00:00:00Z' });
    expect(answer.rows.map(({ cohort }) => cohort)).toEqual(['2025-03-03', '2025-03-10']);
  });

  it('covers the 30 days up to today when no range is given', async () => {
    const { rows } = await retention('plain', {});
    expect(rows.map(({ cohort }) => cohort)).toEqual(expect.arrayContaining(['2025-02-19', '2025-03-20']));
    expect(rows).toHaveLength(30);
  });

  it('is a table where a table is asked for, with periods still to come empty', async () => {
    const response = await ask('plain', { from: '2025-03-19', to: '2025-03-20' }).set('accept', 'text/csv');
    expect(response.headers['content-type']).toContain('text/csv');
    expect(response.text).toBe('cohort,visitors,day0,day1\r\n2025-03-19,0,0,0\r\n2025-03-20,0,0,\r\n');
  });

  it('is told to the admin too, and to nobody else', async () => {
    expect((await ask('north', {}, adminToken)).status).toBe(200);
    expect((await ask('north', {}, readToken('south'))).status).toBe(403);
    expect((await ask('north', {}, 'nonsense')).status).toBe(401);
    expect((await ask('nobody', {}, adminToken)).status).toBe(404);
  });

  it('refuses what it cannot answer with the name of the parameter', async () => {
    expect(refusal(await ask('plain', { from: '2024-01-01', to: '2024-12-31' }))).toEqual([
      400,
      `from, to: at most ${cohortsMax} cohorts at a time: ask for a shorter range or a longer interval`,
    ]);
    expect(refusal(await ask('plain', { from: '2019-01-01', to: '2019-01-31' }))).toEqual([
      400,
      `from: a cohort has more than ${periodsMax} periods from there to today: ask for a longer interval`,
    ]);
    expect(refusal(await ask('north', { timezone: 'Europe/Berlin' }))).toEqual([
      400,
      'timezone: must be America/New_York or left out: retention is kept by the days of that timezone',
    ]);
    expect((await ask('north', { timezone: 'america/new_york' })).status).toBe(200);
    expect(refusal(await ask('plain', { from: '2025-03-01T12:00:00Z' }))).toEqual([
      400,
      'from, to: must be days of UTC, like 2026-11-22: retention is kept by whole days',
    ]);
    expect((await ask('plain', { interval: 'hour' })).status).toBe(400);
    expect((await ask('plain', { nonsense: '1' })).status).toBe(400);
  });
});
