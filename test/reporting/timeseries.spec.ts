import fc from 'fast-check';
import request, { type Response } from 'supertest';
import { count } from '../oracle/oracle';
import type { AcceptedEvent } from '../../src/domain/columns';
import { partitionOf } from '../../src/domain/partition';
import type { Timeseries } from '../../src/reporting/timeseries/timeseries';
import { recordKinds, type Claim } from '../../src/stores/records';
import { adminToken, generationId, Installation, readToken } from './installation';
import { eventually } from '../projecting/installation-under-test';
import { event, merchants, noon, timezones } from '../projections/shop-events';

const hourMs = 3_600_000;
const installation = new Installation();
let log: AcceptedEvent[];

beforeAll(async () => {
  log = fc.sample(event, { numRuns: 1_500, seed: 7 });
  for (const merchant of merchants) await installation.register(merchant, { timezone: timezones[merchant], currency: 'EUR' });
  await installation.register('empty');
  await installation.serve();
  await installation.count(log, timezones);
  await installation.heartbeat('north', { checkpointTime: installation.now - 4_400 });
  await installation.start();
});
afterAll(() => installation.stop());

const ask = (merchantId: string, query: Record<string, string>, token?: string): request.Test =>
  installation.ask(merchantId, 'timeseries', query, token);
const series = (merchantId: string, query: Record<string, string>): Promise<Timeseries> =>
  installation.report(merchantId, 'timeseries', query);
/** Seconds of a change of clocks included: rows and the oracle are asked for the same instants. */
const boundsOf = (answer: Timeseries): [number, number][] => {
  const starts = answer.rows.map((row) => Date.parse(row.time));
  return starts.map((start, i) => [Math.max(start, Date.parse(answer.from)), starts[i + 1] ?? Date.parse(answer.to)]);
};

const counters = ['events', 'pageviews', 'visitors', 'sessions', 'bounces', 'orders', 'itemsSold', 'addToCarts', 'checkouts'] as const;
const asked = { from: '2025-03-07', to: '2025-03-11', metrics: counters.join(',') };

describe('a report over time', () => {
  const questions: [string, string, Record<string, string>][] = [
    ['days of the merchant across a change of clocks', 'north', { interval: 'day' }],
    ['days of a merchant half an hour off the hour', 'south', { interval: 'day' }],
    ['hours of the merchant', 'north', { interval: 'hour' }],
    ['hours that begin at half past', 'south', { interval: 'hour' }],
    ['minutes', 'north', { interval: 'minute', from: '2025-03-08T12:00:00Z', to: '2025-03-08T14:30:00Z' }],
    ['weeks', 'north', { interval: 'week' }],
    ['months', 'south', { interval: 'month', from: '2025-02-10', to: '2025-04-02' }],
    ['days in another timezone, from hours', 'north', { interval: 'day', timezone: 'Europe/Berlin' }],
    ['days in another timezone, from minutes', 'north', { interval: 'day', timezone: 'Asia/Kathmandu' }],
    ['a ragged range of days', 'north', { interval: 'day', from: '2025-03-08T13:17:00Z', to: '2025-03-10T09:41:00Z' }],
    ['bots included', 'north', { interval: 'day', bots: 'include' }],
    ['bots alone', 'north', { interval: 'day', bots: 'only' }],
  ];
  it.each(questions)('equals a naive count for %s', async (_name, merchantId, query) => {
    const answer = await series(merchantId, { ...asked, ...query });
    const bots = (query['bots'] ?? 'exclude') as 'exclude';
    for (const [i, [from, to]] of boundsOf(answer).entries()) {
      const expected = count(log, { merchantId, from, to, bots });
      expect(answer.rows[i]).toMatchObject(Object.fromEntries(counters.map((name) => [name, expected[name]])));
    }
    const expected = count(log, { merchantId, from: Date.parse(answer.from), to: Date.parse(answer.to), bots });
    expect(answer.totals).toMatchObject(Object.fromEntries(counters.map((name) => [name, expected[name]])));
    expect(expected.events).toBeGreaterThan(0);
  });

  it('counts someone who came on two days once in the totals', async () => {
    const answer = await series('north', { ...asked, interval: 'day' });
    const sum = answer.rows.reduce((total, row) => total + (row['visitors'] as number), 0);
    expect(sum).toBeGreaterThan(answer.totals['visitors'] as number);
  });

  it('gives the hour the clocks skip no row, and each day the hours it has', async () => {
    const spring = await series('north', { metrics: 'events', from: '2025-03-09', to: '2025-03-09', interval: 'hour' });
    expect(spring.rows).toHaveLength(23);
    expect(spring.rows[2]!.time).toBe('2025-03-09T03:00:00-04:00');
    const autumn = await series('north', { metrics: 'events', from: '2025-11-02', to: '2025-11-02', interval: 'hour' });
    expect(autumn.rows).toHaveLength(25);
    expect(autumn.rows.slice(1, 3).map((row) => row.time)).toEqual(['2025-11-02T01:00:00-04:00', '2025-11-02T01:00:00-05:00']);
  });

  it('has a row of zeros for every interval in which nothing happened', async () => {
    const answer = await series('empty', {
      metrics: 'pageviews,revenue,bounceRate',
      from: '2025-03-01',
      to: '2025-03-03',
      interval: 'day',
    });
    const revenue = { amount: '0.00', currency: 'USD' };
    expect(answer.rows).toEqual(
      ['2025-03-01T00:00:00Z', '2025-03-02T00:00:00Z', '2025-03-03T00:00:00Z'].map((time) => ({
        time,
        pageviews: 0,
        revenue,
        bounceRate: 0,
      })),
    );
    expect(answer.totals).toEqual({ pageviews: 0, revenue, bounceRate: 0 });
  });

  it('answers in the shape of the contract', async () => {
    const answer = await series('north', { metrics: 'pageviews', from: '2025-03-08', to: '2025-03-09', interval: 'day' });
    expect(answer).toEqual({
      merchantId: 'north',
      interval: 'day',
      timezone: 'America/New_York',
      from: '2025-03-08T00:00:00-05:00',
      to: '2025-03-10T00:00:00-04:00',
      metrics: ['pageviews'],
      rows: [
        { time: '2025-03-08T00:00:00-05:00', pageviews: expect.any(Number) },
        { time: '2025-03-09T00:00:00-05:00', pageviews: expect.any(Number) },
      ],
      totals: { pageviews: expect.any(Number) },
      meta: { asOf: '2025-03-20T11:59:55.600Z', lagSeconds: 4, projection: 'traffic', version: 1, exact: true },
    });
  });

  it('says how far each projection is where it needs several', async () => {
    const { meta } = await series('north', { metrics: 'conversionRate,pageviews' });
    expect(meta.projection).toBe('commerce');
    expect(meta.projections!.map(({ name }) => name)).toEqual(['commerce', 'sessions', 'traffic']);
  });

  it('covers the 30 days up to today when no range is given', async () => {
    const answer = await series('empty', {});
    expect(answer).toMatchObject({
      interval: 'day',
      from: '2025-02-19T00:00:00Z',
      to: '2025-03-21T00:00:00Z',
      metrics: ['pageviews', 'visitors'],
    });
    expect(answer.rows).toHaveLength(30);
  });

  it('keeps currencies apart', async () => {
    const answer = await series('north', { ...asked, metrics: 'revenue,averageOrderValue', interval: 'day' });
    const { revenue, ordersByCurrency } = count(log, {
      merchantId: 'north',
      from: Date.parse(answer.from),
      to: Date.parse(answer.to),
      bots: 'exclude',
    });
    // Four decimals for amounts sent without a currency: they are in the merchant's.
    const own = revenue['EUR']! + Math.round((revenue['XXX'] ?? 0) / 100);
    expect(answer.totals['revenue']).toEqual({ amount: (own / 100).toFixed(2), currency: 'EUR' });
    const digits: Record<string, number> = { JPY: 0, KWD: 3, IQD: 3 };
    const others = Object.keys(revenue).filter((code) => code !== 'EUR' && code !== 'XXX' && revenue[code] !== 0);
    expect(others.length).toBeGreaterThan(2);
    const written = (minorUnits: number, currency: string) => {
      const places = digits[currency] ?? 2;
      return { amount: (Math.round(minorUnits) / 10 ** places).toFixed(places), currency };
    };
    expect(answer.totals['revenueByCurrency']).toEqual([
      written(own, 'EUR'),
      ...others.sort().map((code) => written(revenue[code]!, code)),
    ]);
    // Each by its own orders.
    const orders = (ordersByCurrency['EUR'] ?? 0) + (ordersByCurrency['XXX'] ?? 0);
    expect(answer.totals['averageOrderValueByCurrency']).toEqual([
      written(own / orders, 'EUR'),
      ...others.map((code) => written(revenue[code]! / ordersByCurrency[code]!, code)),
    ]);
  });

  it('counts only what has the value of the filter', async () => {
    const answer = await series('north', {
      ...asked,
      interval: 'day',
      filter: 'country==US',
      metrics: 'pageviews,visitors,sessions,orders',
    });
    for (const [i, [from, to]] of boundsOf(answer).entries()) {
      const { pageviews, visitors, sessions, orders } = count(log, {
        merchantId: 'north',
        from,
        to,
        bots: 'exclude',
        dimension: { name: 'country', value: 'US' },
      });
      expect(answer.rows[i]).toMatchObject({ pageviews, visitors, sessions, orders });
    }
    expect(answer.totals['pageviews']).toBeGreaterThan(0);
  });

  it('compares with as many days before, also across a change of clocks', async () => {
    const answer = await series('north', {
      metrics: 'events',
      from: '2025-03-09',
      to: '2025-03-10',
      interval: 'day',
      compare: 'previous_period',
    });
    expect(answer.previous).toMatchObject({ from: '2025-03-07T00:00:00-05:00', to: '2025-03-09T00:00:00-05:00' });
    expect(answer.previous!.rows).toHaveLength(2);
    const { events } = count(log, {
      merchantId: 'north',
      from: Date.parse('2025-03-07T05:00Z'),
      to: Date.parse('2025-03-09T05:00Z'),
      bots: 'exclude',
    });
    expect(answer.previous!.totals).toEqual({ events });
  });

  it('can be had as CSV', async () => {
    const response = await ask('north', { metrics: 'pageviews,revenue', from: '2025-03-08', to: '2025-03-08', interval: 'day' }).set(
      'accept',
      'text/csv',
    );
    expect(response.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    const [header, row, end] = response.text.split('\r\n');
    expect(header).toBe('time,pageviews,revenue,revenueCurrency,revenueByCurrency');
    const own = /^2025-03-08T00:00:00-05:00,\d+,\d+\.\d\d,EUR,\d+\.\d\d EUR/;
    expect(row).toMatch(new RegExp(`${own.source}${/(; (\d+ JPY|\d+\.\d{3} (IQD|KWD)|\d+\.\d\d (HUF|USD)))+$/.source}`));
    expect(end).toBe('');
  });

  it('is never kept by caches', async () => {
    expect((await ask('north', {})).headers['cache-control']).toBe('no-store');
  });
});

describe('a report over time refuses', () => {
  const refusals: [string, Record<string, string>, RegExp][] = [
    ['a metric that does not exist', { metrics: 'pageviews,hits' }, /metrics: 'hits' is unknown; allowed are pageviews, events, visitors/],
    ['a parameter that does not exist', { metric: 'pageviews' }, /metric: is not known here; allowed are .*metrics/],
    ['an interval that does not exist', { interval: 'year' }, /interval: .*minute, hour, day, week, month/],
    ['a timezone that does not exist', { timezone: 'Mars/Olympus' }, /timezone: .*IANA/],
    ['a day that does not exist', { from: '2025-02-30' }, /from: '2025-02-30' is no day of the calendar/],
    ['text for a time', { to: 'yesterday' }, /to: 'yesterday' must be a date/],
    ['an end before the start', { from: '2025-03-10', to: '2025-03-01' }, /from: must be before to/],
    [
      'more rows than an answer may have',
      { from: '2025-01-01', to: '2025-03-01', interval: 'minute' },
      /interval: .* more than 10000 rows/,
    ],
    [
      'more documents than an answer may read',
      { from: '2025-01-01', to: '2025-03-01', interval: 'day', timezone: 'Asia/Kathmandu' },
      /at most 13 days/,
    ],
    ['seconds', { from: '2025-03-08T12:00:30Z' }, /must lie on whole minutes/],
    ['two filters', { filter: 'country==US;device==mobile' }, /filter: takes one condition/],
    ['a filter that negates', { filter: 'country!=US' }, /!= is not supported/],
    [
      'a filter by something that is not counted',
      { filter: 'weather==rain' },
      /'weather' is not a dimension; allowed are page, .*channel, .*property:<name>/,
    ],
    [
      'a metric that is not counted by the dimension',
      { metrics: 'sessions', filter: 'page==/' },
      /'sessions' is not counted by page; it is counted by entryPage, .*country/,
    ],
    [
      'minutes of what is kept by the hour',
      { metrics: 'productViews', interval: 'minute', from: '2025-03-08T12:00:00Z', to: '2025-03-08T13:00:00Z' },
      /^from, to, interval, timezone: .*productViews .*not by the minute: choose rows of an hour or more/,
    ],
    [
      'half hours by dimension',
      { filter: 'country==US', timezone: 'Asia/Kolkata', interval: 'day' },
      /kept by UTC hour and by day in America\/New_York/,
    ],
  ];
  it.each(refusals)('%s', async (_name, query, detail) => {
    const response: Response = await ask('north', query);
    expect(response.body).toMatchObject({ status: 400, detail: expect.stringMatching(detail) });
    expect(response.headers['content-type']).toMatch('application/problem+json');
  });

  it("another merchant's token, a wrong token and none", async () => {
    expect((await ask('north', {}, readToken('south'))).status).toBe(403);
    expect((await ask('north', {}, 'guessed')).status).toBe(401);
    expect((await request(installation.url).get('/v1/merchants/north/timeseries')).status).toBe(401);
  });

  it('a merchant that does not exist', async () => {
    expect((await ask('nobody', {}, adminToken)).status).toBe(404);
  });
});

describe('how far a report is counted', () => {
  it('never goes backwards, and follows what a worker that is at the head saw last', async () => {
    const fresh = new Installation();
    await fresh.register('shop');
    await fresh.serve();
    await fresh.start();
    const meta = async (): Promise<Timeseries['meta']> => {
      // What was read of heartbeats is kept for half a second.
      await new Promise((resolve) => setTimeout(resolve, 550));
      const response = await request(fresh.url).get('/v1/merchants/shop/timeseries').set('authorization', `Bearer ${adminToken}`);
      return (response.body as Timeseries).meta;
    };
    try {
      expect(await meta()).toMatchObject({ asOf: null, lagSeconds: null });
      await fresh.heartbeat('shop', { checkpointTime: fresh.now - 2 * hourMs, caughtUpAt: fresh.now - 1_000 });
      expect(await meta()).toMatchObject({ asOf: new Date(fresh.now - 1_000).toISOString(), lagSeconds: 1 });
      await fresh.heartbeat('shop', { checkpointTime: fresh.now - 2 * hourMs });
      expect(await meta()).toMatchObject({ asOf: new Date(fresh.now - 1_000).toISOString() });
      // What is counted again had to be as far before it was promoted, whatever its worker has said so far.
      await fresh.serve('g3');
      await fresh.heartbeat('shop', { checkpointTime: fresh.now - 2 * hourMs }, 'g3');
      expect(await meta()).toMatchObject({ version: 1, asOf: new Date(fresh.now - 1_000).toISOString() });
      await fresh.heartbeat('shop', { checkpointTime: fresh.now - 500 }, 'g3');
      expect(await meta()).toMatchObject({ asOf: new Date(fresh.now - 500).toISOString() });
      // A new version says for itself how far it is.
      await fresh.serve('g2', 2);
      await fresh.heartbeat('shop', { checkpointTime: fresh.now - 60_000 }, 'g2');
      expect(await meta()).toMatchObject({ version: 2, lagSeconds: 60 });
    } finally {
      await fresh.stop();
    }
  });

  it('ends where a version stopped being counted, whatever its worker says', async () => {
    const fresh = new Installation();
    await fresh.register('shop');
    await fresh.serve();
    const heldSince = fresh.now - hourMs;
    await fresh.heartbeat('shop', { checkpointTime: fresh.now - 2 * hourMs, caughtUpAt: fresh.now - 1_000 });
    await fresh.start();
    const meta = async (): Promise<Timeseries['meta']> => {
      const response = await request(fresh.url).get('/v1/merchants/shop/timeseries').set('authorization', `Bearer ${adminToken}`);
      return (response.body as Timeseries).meta;
    };
    try {
      // Even where more was told before.
      expect(await meta()).toMatchObject({ lagSeconds: 1 });
      await fresh.store.records.put(recordKinds.live, 'traffic', { projection: 'traffic', generationId, version: 1, since: 1, heldSince });
      const held = await eventually(meta, ({ lagSeconds }) => lagSeconds !== 1);
      expect(held).toMatchObject({ asOf: new Date(heldSince).toISOString(), lagSeconds: 3_600 });
    } finally {
      await fresh.stop();
    }
  });

  it('is told by the checkpoint while no worker reports', async () => {
    const fresh = new Installation();
    await fresh.register('shop');
    await fresh.serve();
    const { epoch, _id } = await fresh.store.control.takeOver('g1|02', 'w');
    expect(_id).toBe('g1|02');
    for (const id of ['g1|00', 'g1|01', 'g1|02', 'g1|03']) {
      if (id !== 'g1|02') await fresh.store.control.takeOver(id, 'w');
      await fresh.store.control.saveCheckpoint(id, epoch, { revision: 3, logTime: noon, resume: {}, events: 1 });
    }
    await fresh.start();
    try {
      const response = await request(fresh.url).get('/v1/merchants/shop/timeseries').set('authorization', `Bearer ${adminToken}`);
      expect((response.body as Timeseries).meta.asOf).toBe(new Date(noon).toISOString());
    } finally {
      await fresh.stop();
    }
  });

  it.each([
    ['while a worker loads what it has taken over', {}, noon + 60_000],
    ['as far as what was seen is flushed', { revision: 4 }, noon],
    ['whatever was counted at the same record', { generation: 'g9' }, noon + 60_000],
    ['but not of another log', { generation: 'g9', logTime: noon - 1 }, noon],
  ])('is told by what others saw before, %s', async (_, change: Partial<Claim>, asOf) => {
    const fresh = new Installation();
    await fresh.register('shop');
    await fresh.serve();
    const partition = partitionOf('shop', 4);
    const claim = { generation: 'g1', partition, revision: 3, logTime: noon, completeTo: noon + 60_000, ...change };
    // As a worker that has just begun reports it.
    await fresh.heartbeat('shop', { checkpoint: -1, checkpointTime: 0 }, 'g1', { claims: [claim] });
    await fresh.checkpoint(partition, 'g1', 3, noon);
    await fresh.start();
    try {
      const response = await request(fresh.url).get('/v1/merchants/shop/timeseries').set('authorization', `Bearer ${adminToken}`);
      expect((response.body as Timeseries).meta.asOf).toBe(new Date(asOf).toISOString());
    } finally {
      await fresh.stop();
    }
  });

  it('asks to come back while nothing is counted yet', async () => {
    const fresh = new Installation();
    await fresh.register('shop');
    await fresh.start();
    try {
      const response = await request(fresh.url).get('/v1/merchants/shop/timeseries').set('authorization', `Bearer ${adminToken}`);
      expect(response.status).toBe(503);
      expect(response.body).toMatchObject({ detail: "'traffic' is not counted yet: no worker of the projecting role has begun" });
    } finally {
      await fresh.stop();
    }
  });
});
