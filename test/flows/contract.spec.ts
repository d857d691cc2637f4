import { gzipSync } from 'node:zlib';
import { ErrorCodes } from 'rsocket-core';
import { channel, closed, connect, fireAndForget, payloadOf, requestResponse, type Socket } from '../collecting/rsocket-clients';
import { eventually } from '../running/recount';
import { type Answer, Stack } from './stack';

const desktop = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const mobile =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
const crawler = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const anna = { visitorId: 'anna', userAgent: desktop, ip: '8.8.8.8' };
const ben = { visitorId: 'ben', userAgent: mobile, ip: '49.36.0.1' };
const view = (id: string, time: string, path: string, who: object): object => ({
  id,
  name: 'page_view',
  time,
  url: `https://shop.example${path}`,
  ...who,
});

/** What happened in Kolkata (UTC+5:30) on 9, 10 and 11 March 2026. */
const kolkata = {
  beforeMidnight: view('k1', '2026-03-09T18:29:59Z', '/in?campaign=1', anna),
  atMidnight: view('k2', '2026-03-09T18:30:00Z', '/a', anna),
  purchase: {
    ...view('k3', '2026-03-09T18:40:00Z', '/pay', anna),
    name: 'purchase',
    value: 100.5,
    currency: 'INR',
    items: [{ itemId: 'p1', price: 50.25, quantity: 2 }],
  },
  visit: view('k4', '2026-03-10T05:00:00Z', '/a', ben),
  fiftyMinutesLater: view('k5', '2026-03-10T05:50:00Z', '/a', ben),
  late: view('k6', '2026-03-10T05:25:00Z', '/a', ben),
  crawled: view('k7', '2026-03-10T06:00:00Z', '/a', { visitorId: 'crawler', userAgent: crawler }),
  refund: { id: 'k8', name: 'refund', time: '2026-03-10T18:29:00Z', ...anna, value: 20, currency: 'INR' },
  nextDay: view('k9', '2026-03-10T18:30:00Z', '/b', { visitorId: 'cleo', userAgent: desktop }),
};
/** New York, the night its clocks go from 2 to 3. The ids are those of Kolkata: they belong to another merchant. */
const newYork = [
  view('k1', '2026-03-08T04:59:59Z', '/', { visitorId: 'v1', userAgent: desktop }),
  view('k2', '2026-03-08T05:00:00Z', '/', { visitorId: 'v1', userAgent: desktop }),
  view('k3', '2026-03-09T03:59:59Z', '/', { visitorId: 'v2', userAgent: desktop }),
  view('k4', '2026-03-09T04:00:00Z', '/', { visitorId: 'v2', userAgent: desktop }),
];
const taken = (accepted: number): object => ({ accepted, rejected: [] });
const rupees = (amount: string): object => ({ amount, currency: 'INR' });

interface Table {
  [field: string]: unknown;
  rows: { [column: string]: unknown }[];
  totals: object;
  meta: { [field: string]: unknown };
}

describe('the public contract, from outside', () => {
  let stack: Stack;
  let key: { kolkata: string; newYork: string };
  const sockets: Socket[] = [];
  const gone = new Set<Socket>();

  const open = async (kind: 'tcp' | 'ws', options: object): Promise<Socket> => {
    const socket = await connect({ tcpPort: stack.ports.rsocketTcp, wsPort: stack.ports.rsocketWs }, kind, options);
    sockets.push(socket);
    socket.onClose(() => gone.add(socket));
    return socket;
  };
  const post = async (
    route: string,
    body: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Answer & { headers: Headers }> => {
    const response = await fetch(stack.url + route, { method: 'POST', body, headers });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const report = async (merchant: string, table: string, query: Record<string, string>): Promise<Table> => {
    const { status, body } = await stack.ask<Table>('GET', `/v1/merchants/${merchant}/${table}?${new URLSearchParams(query).toString()}`);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body;
  };

  beforeAll(async () => {
    stack = await Stack.start();
    key = {
      kolkata: await stack.merchant('kolkata', { timezone: 'Asia/Kolkata', currency: 'INR' }),
      newYork: await stack.merchant('new-york', { timezone: 'America/New_York' }),
    };
  }, 60_000);
  afterAll(async () => {
    for (const socket of sockets.filter((each) => !gone.has(each))) socket.close();
    await stack.end();
  }, 20_000);

  describe('collecting', () => {
    it('says it is ready in one line with its ports', () => {
      const ready = stack.process.stdout.filter((line) => line.startsWith('ready'));
      expect(ready).toEqual([expect.stringMatching(/^ready http=\d+ rsocket-tcp=\d+ rsocket-ws=\d+$/)]);
    });

    it('takes request/response over TCP, with the key as bearer metadata', async () => {
      const socket = await open('tcp', { key: key.kolkata });
      const answer = await requestResponse(socket, payloadOf({ events: [kolkata.beforeMidnight, kolkata.visit] }, 'collect'));
      expect(answer).toEqual(taken(2));
    });

    it('takes a channel over WebSocket batch by batch, with the key in the data of SETUP', async () => {
      const socket = await open('ws', { key: key.kolkata, keyInData: true });
      const batches = [{ events: [kolkata.atMidnight, kolkata.purchase] }, [kolkata.fiftyMinutesLater]];
      const { answers, finished } = channel(
        socket,
        batches.map((batch) => payloadOf(batch, 'collect')),
      );
      await finished;
      expect(answers).toEqual([taken(2), taken(1)]);
    });

    it('takes fire-and-forget without a route', async () => {
      const socket = await open('tcp', { key: key.kolkata });
      await fireAndForget(socket, payloadOf({ events: [kolkata.crawled, kolkata.refund] }));
    });

    it('answers POST /v1/collect with 202, and names what it rejects and why', async () => {
      // Sent before over two other transports: answered as taken, counted once.
      const again = [kolkata.beforeMidnight, kolkata.purchase];
      const strange = { ...kolkata.visit, id: 'strange', colour: 'red' };
      const { status, body } = await stack.ask('POST', '/v1/collect', { events: [...again, strange, kolkata.nextDay, 7] }, key.kolkata);
      expect({ status, body }).toEqual({
        status: 202,
        body: {
          accepted: 3,
          rejected: [
            { index: 2, id: 'strange', reason: 'unknown-field', detail: expect.stringContaining('"colour"') as string },
            { index: 4, id: null, reason: 'not-an-object', detail: expect.any(String) as string },
          ],
        },
      });
    });

    it('takes a bare array, a key in the address, a beacon of text and a compressed body', async () => {
      const bearer = { authorization: `Bearer ${key.newYork}`, 'content-type': 'application/json' };
      const json = newYork.map((event) => JSON.stringify([event]));
      const answers = [
        await post('/v1/collect', json[0]!, bearer),
        await post(`/v1/collect?writeKey=${key.newYork}`, json[1]!, { 'content-type': 'application/json' }),
        await post(`/v1/collect?writeKey=${key.newYork}`, json[2]!, { 'content-type': 'text/plain;charset=UTF-8' }),
        await post('/v1/collect', gzipSync(json[3]!), { ...bearer, 'content-encoding': 'gzip' }),
      ];
      expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(answers.map(() => ({ status: 202, body: taken(1) })));
    });

    it('lets browsers of the origins a source names in, and no others', async () => {
      const { body } = await stack.ask<{ writeKey: string }>('POST', '/v1/merchants/new-york/sources', {
        name: 'web',
        allowedOrigins: ['https://shop.example'],
      });
      const preflight = await fetch(`${stack.url}/v1/collect`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://shop.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin')).toBe('https://shop.example');
      expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
      expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization');
      const send = (origin: string): Promise<Answer & { headers: Headers }> =>
        post(`/v1/collect?writeKey=${body.writeKey}`, JSON.stringify([newYork[0]]), { origin, 'content-type': 'text/plain' });
      const shop = await send('https://shop.example');
      expect([shop.status, shop.headers.get('access-control-allow-origin')]).toEqual([202, 'https://shop.example']);
      expect((await send('https://elsewhere.example')).status).toBe(403);
    });

    it('rejects the SETUP of a wrong key on both transports', async () => {
      for (const kind of ['tcp', 'ws'] as const)
        for (const keyInData of [false, true])
          expect((await closed(await open(kind, { key: 'wk_wrong', keyInData }))).code).toBe(ErrorCodes.REJECTED_SETUP);
    });

    it('counts the future at its receipt', async () => {
      const inTenMinutes = { ...view('k10', '', '/', { visitorId: 'dora', userAgent: desktop }), time: Date.now() + 600_000 };
      expect((await stack.ask('POST', '/v1/collect', [inTenMinutes], key.kolkata)).body).toEqual(taken(1));
      await stack.counted('kolkata');
      const { totals } = await report('kolkata', 'realtime', { metrics: 'pageviews,visitors' });
      expect(totals).toEqual({ pageviews: 1, visitors: 1 });
    });

    it('joins two sessions when the event between them comes late', async () => {
      const day = { metrics: 'sessions,bounces', from: '2026-03-10', to: '2026-03-10', interval: 'day', filter: 'country==IN' };
      expect((await report('kolkata', 'timeseries', day)).totals).toEqual({ sessions: 2, bounces: 2 });
      await stack.ask('POST', '/v1/collect', { events: [kolkata.late], sentAt: new Date().toISOString() }, key.kolkata);
      await stack.counted('kolkata');
      expect((await report('kolkata', 'timeseries', day)).totals).toEqual({ sessions: 1, bounces: 0 });
    });
  });

  describe('reports', () => {
    const twoDays = { from: '2026-03-09', to: '2026-03-10' };
    const pageviews = ({ rows }: Table): unknown[] => rows.map((row) => [row['time'], row['pageviews']]);

    beforeAll(async () => {
      await stack.counted('kolkata');
      await stack.counted('new-york');
    }, 30_000);

    it('gives a time series by the merchant’s days, to the letter', async () => {
      const names = 'pageviews,events,visitors,sessions,bounces,orders,revenue,refunds';
      const answer = await report('kolkata', 'timeseries', { metrics: names, interval: 'day', ...twoDays });
      const ninth = {
        pageviews: 1,
        events: 1,
        visitors: 1,
        sessions: 1,
        bounces: 0,
        orders: 0,
        revenue: rupees('0.00'),
        refunds: rupees('0.00'),
      };
      const tenth = {
        pageviews: 4,
        events: 6,
        visitors: 2,
        sessions: 2,
        bounces: 0,
        orders: 1,
        revenue: rupees('100.50'),
        refunds: rupees('20.00'),
      };
      expect(answer).toEqual({
        merchantId: 'kolkata',
        interval: 'day',
        timezone: 'Asia/Kolkata',
        from: '2026-03-09T00:00:00+05:30',
        to: '2026-03-11T00:00:00+05:30',
        metrics: names.split(','),
        rows: [
          { time: '2026-03-09T00:00:00+05:30', ...ninth },
          { time: '2026-03-10T00:00:00+05:30', ...tenth },
        ],
        totals: { ...tenth, pageviews: 5, events: 7, sessions: 3 },
        meta: expect.objectContaining({
          asOf: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
          lagSeconds: expect.any(Number) as number,
          projection: 'traffic',
          version: 1,
          exact: true,
        }) as object,
      });
    });

    it('gives averages and rates', async () => {
      const metrics = 'avgSessionSeconds,viewsPerSession,conversionRate,averageOrderValue,itemsSold';
      // Three sessions: 601 s with 2 views, 3,000 s with 3 views, and a refund alone.
      expect((await report('kolkata', 'timeseries', { metrics, interval: 'day', ...twoDays })).totals).toEqual({
        avgSessionSeconds: 1200.333333,
        viewsPerSession: 1.666667,
        conversionRate: 0.333333,
        averageOrderValue: rupees('100.50'),
        itemsSold: 2,
      });
    });

    it.each([
      [
        'minute',
        '2026-03-10T10:29:00+05:30',
        '2026-03-10T10:32:00+05:30',
        ['2026-03-10T10:29', 0],
        ['2026-03-10T10:30', 1],
        ['2026-03-10T10:31', 0],
      ],
      [
        'hour',
        '2026-03-09T23:00:00+05:30',
        '2026-03-10T02:00:00+05:30',
        ['2026-03-09T23:00', 1],
        ['2026-03-10T00:00', 1],
        ['2026-03-10T01:00', 0],
      ],
      ['week', '2026-03-02', '2026-03-15', ['2026-03-02T00:00', 0], ['2026-03-09T00:00', 6]],
      ['month', '2026-02-01', '2026-03-31', ['2026-02-01T00:00', 0], ['2026-03-01T00:00', 6]],
    ])('by %s, with zeros where nothing happened', async (interval, from, to, ...rows) => {
      const answer = await report('kolkata', 'timeseries', { metrics: 'pageviews', interval, from, to });
      expect(pageviews(answer)).toEqual((rows as [string, number][]).map(([time, n]) => [`${time}:00+05:30`, n]));
    });

    it('includes a bare date and excludes a date-time', async () => {
      const until = async (to: string): Promise<object> =>
        (await report('kolkata', 'timeseries', { metrics: 'events', interval: 'day', from: '2026-03-09', to })).totals;
      expect(await until('2026-03-10')).toEqual({ events: 7 });
      expect(await until('2026-03-11T00:00:00+05:30')).toEqual({ events: 7 });
      expect(await until('2026-03-10T18:30:00Z')).toEqual({ events: 7 });
      expect(await until('2026-03-10T23:59:00+05:30')).toEqual({ events: 6 });
    });

    it('follows New York through the night its clocks change', async () => {
      const range = { metrics: 'pageviews', from: '2026-03-07', to: '2026-03-09' };
      expect(pageviews(await report('new-york', 'timeseries', { interval: 'day', ...range }))).toEqual([
        ['2026-03-07T00:00:00-05:00', 1],
        ['2026-03-08T00:00:00-05:00', 2],
        ['2026-03-09T00:00:00-04:00', 1],
      ]);
      const short = await report('new-york', 'timeseries', {
        metrics: 'pageviews',
        interval: 'hour',
        from: '2026-03-08',
        to: '2026-03-08',
      });
      expect(short.rows).toHaveLength(23);
      expect(pageviews(await report('new-york', 'timeseries', { interval: 'day', timezone: 'UTC', ...range }))).toEqual([
        ['2026-03-07T00:00:00Z', 0],
        ['2026-03-08T00:00:00Z', 2],
        ['2026-03-09T00:00:00Z', 2],
      ]);
    });

    it('leaves bots out unless asked for them', async () => {
      const of = async (bots: string): Promise<object> =>
        (await report('kolkata', 'timeseries', { metrics: 'pageviews,visitors', interval: 'day', bots, ...twoDays })).totals;
      expect(await of('exclude')).toEqual({ pageviews: 5, visitors: 2 });
      expect(await of('include')).toEqual({ pageviews: 6, visitors: 3 });
      expect(await of('only')).toEqual({ pageviews: 1, visitors: 1 });
    });

    it('filters by country and compares with the period before', async () => {
      const range = { metrics: 'pageviews,visitors', interval: 'day' };
      expect((await report('kolkata', 'timeseries', { filter: 'country==US', ...range, ...twoDays })).totals).toEqual({
        pageviews: 2,
        visitors: 1,
      });
      const { rows, previous } = await report('kolkata', 'timeseries', {
        ...range,
        from: '2026-03-10',
        to: '2026-03-10',
        compare: 'previous_period',
      });
      expect(rows).toEqual([{ time: '2026-03-10T00:00:00+05:30', pageviews: 4, visitors: 2 }]);
      expect(previous).toEqual({
        from: '2026-03-09T00:00:00+05:30',
        to: '2026-03-10T00:00:00+05:30',
        rows: [{ time: '2026-03-09T00:00:00+05:30', pageviews: 1, visitors: 1 }],
        totals: { pageviews: 1, visitors: 1 },
      });
    });

    it('breaks down by page, product, country and device', async () => {
      const by = (dimension: string, metrics: string, more = {}): Promise<Table> =>
        report('kolkata', 'breakdown', { dimension, metrics, ...twoDays, ...more });
      const pages = await by('page', 'pageviews,visitors');
      expect(pages).toMatchObject({
        dimension: 'page',
        totals: { pageviews: 5, visitors: 2 },
        meta: { projection: 'traffic', version: 1 },
      });
      expect(pages.rows).toEqual([
        { value: '/a', pageviews: 4, visitors: 2 },
        { value: '/in', pageviews: 1, visitors: 1 },
        { value: '/pay', pageviews: 0, visitors: 1 },
      ]);
      expect((await by('page', 'pageviews', { orderBy: 'value:asc', limit: '1', offset: '1' })).rows).toEqual([
        { value: '/in', pageviews: 1 },
      ]);
      expect((await by('product', 'orders,itemsSold,revenue')).rows).toEqual([
        { value: 'p1', orders: 1, itemsSold: 2, revenue: rupees('100.50') },
      ]);
      expect((await by('country', 'sessions,orders')).rows).toEqual([
        { value: 'US', sessions: 2, orders: 1 },
        { value: 'IN', sessions: 1, orders: 0 },
      ]);
      expect((await by('device', 'pageviews')).rows).toEqual([
        { value: 'mobile', pageviews: 3 },
        { value: 'desktop', pageviews: 2 },
      ]);
    });

    it('gives every table as CSV', async () => {
      const table = async (route: string): Promise<string> => {
        const response = await fetch(`${stack.url}/v1/merchants/kolkata/${route}&from=2026-03-09&to=2026-03-10`, {
          headers: { authorization: `Bearer ${stack.adminToken}`, accept: 'text/csv' },
        });
        expect(response.headers.get('content-type')).toMatch(/^text\/csv/);
        return response.text();
      };
      expect(await table('timeseries?metrics=pageviews,revenue&interval=day')).toBe(
        'time,pageviews,revenue,revenueCurrency\r\n2026-03-09T00:00:00+05:30,1,0.00,INR\r\n2026-03-10T00:00:00+05:30,4,100.50,INR\r\n',
      );
      expect(await table('breakdown?dimension=page&metrics=pageviews')).toBe('value,pageviews\r\n/a,4\r\n/in,1\r\n');
    });

    it('shows the last thirty minutes, and a frame when something happens', async () => {
      const realtime = await report('kolkata', 'realtime', { metrics: 'pageviews' });
      expect(realtime.rows).toHaveLength(30);
      expect(realtime).toMatchObject({ activeVisitors: 1, totals: { pageviews: 1 } });

      const leave = new AbortController();
      const response = await fetch(`${stack.url}/v1/merchants/kolkata/live?metrics=pageviews`, {
        headers: { authorization: `Bearer ${stack.adminToken}` },
        signal: leave.signal,
      });
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      let text = '';
      const frames = (): Table[] => [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, json]) => JSON.parse(json!) as Table);
      const reading = (async () => {
        const decoder = new TextDecoder();
        for await (const chunk of response.body!) text += decoder.decode(chunk as Uint8Array, { stream: true });
      })().catch((error: Error) => expect(error.name).toBe('AbortError'));
      await eventually(() => frames().length === 1);
      expect(frames()[0]!.totals).toEqual({ pageviews: 1 });
      const now = { ...view('k11', '', '/', { visitorId: 'eve', userAgent: desktop }), time: Date.now() };
      await stack.ask('POST', '/v1/collect', [now], key.kolkata);
      await eventually(() => frames().length > 1);
      expect(frames().at(-1)!.totals).toEqual({ pageviews: 2 });
      leave.abort();
      await reading;
    });
  });

  describe('configuring', () => {
    it('registers, shows, changes, lists and deletes merchants', async () => {
      const made = await stack.ask('POST', '/v1/merchants', { name: 'Corner shop' });
      expect(made).toEqual({
        status: 201,
        body: {
          merchantId: expect.any(String) as string,
          name: 'Corner shop',
          timezone: 'UTC',
          currency: 'USD',
          createdAt: expect.stringMatching(/Z$/) as string,
        },
      });
      const { merchantId } = made.body as { merchantId: string };
      const route = `/v1/merchants/${merchantId}`;
      expect(await stack.ask('GET', route)).toEqual({ status: 200, body: made.body });
      const changed = { ...(made.body as object), name: 'Shop', timezone: 'Europe/Berlin', currency: 'EUR' };
      expect(await stack.ask('PATCH', route, { name: 'Shop', timezone: 'Europe/Berlin', currency: 'EUR' })).toEqual({
        status: 200,
        body: changed,
      });
      expect((await stack.ask<{ merchants: object[] }>('GET', '/v1/merchants')).body.merchants).toContainEqual(changed);
      expect((await stack.ask('DELETE', route)).status).toBe(204);
      expect((await stack.ask('GET', route)).status).toBe(404);
      expect((await stack.ask('POST', '/v1/merchants', { merchantId: 'kolkata', name: 'again' })).status).toBe(409);
    });

    it('gives a source another key, and takes nothing with the old one or after its removal', async () => {
      const sources = '/v1/merchants/new-york/sources';
      const made = await stack.ask<{ sourceId: string; writeKey: string }>('POST', sources, { name: 'app' });
      expect(made).toEqual({ status: 201, body: { sourceId: expect.any(String) as string, writeKey: expect.any(String) as string } });
      const { sourceId, writeKey } = made.body;
      const rotated = await stack.ask<{ sourceId: string; writeKey: string }>('POST', `${sources}/${sourceId}/rotate-key`);
      expect(rotated.body).toEqual({ sourceId, writeKey: expect.any(String) as string });
      expect(rotated.body.writeKey).not.toBe(writeKey);
      const status = async (token: string): Promise<number> => (await stack.ask('POST', '/v1/collect', [newYork[0]], token)).status;
      // Collectors remember a key for five seconds.
      await eventually(async () => (await status(writeKey)) === 401, 8_000);
      await eventually(async () => (await status(rotated.body.writeKey)) === 202, 5_000);
      expect((await stack.ask('DELETE', `${sources}/${sourceId}`)).status).toBe(204);
      await eventually(async () => (await status(rotated.body.writeKey)) === 401, 8_000);
    });

    it('gives tokens that open one merchant, as far as their role goes', async () => {
      const tokens = '/v1/merchants/kolkata/tokens';
      const issue = async (role: string): Promise<{ tokenId: string; token: string }> => {
        const made = await stack.ask<{ tokenId: string; token: string }>('POST', tokens, { name: role, role });
        expect(made).toEqual({ status: 201, body: { tokenId: expect.any(String) as string, token: expect.any(String) as string } });
        return made.body;
      };
      const viewer = await issue('viewer');
      const owner = await issue('owner');
      const { body } = await stack.ask<{ tokens: object[] }>('GET', tokens, undefined, owner.token);
      expect(body.tokens).toHaveLength(2);
      expect(JSON.stringify(body)).not.toContain(owner.token);
      const status = async (route: string, token: string): Promise<number> => (await stack.ask('GET', route, undefined, token)).status;
      expect(await status('/v1/merchants/kolkata/timeseries', viewer.token)).toBe(200);
      expect(await status('/v1/merchants/kolkata/sources', viewer.token)).toBe(403);
      expect(await status('/v1/merchants/kolkata/sources', owner.token)).toBe(200);
      expect(await status('/v1/merchants/new-york/timeseries', owner.token)).toBe(403);
      expect(await status('/admin/projections', owner.token)).toBe(403);
      expect((await stack.ask('DELETE', `${tokens}/${viewer.tokenId}`)).status).toBe(204);
      await eventually(async () => (await status('/v1/merchants/kolkata/timeseries', viewer.token)) === 401, 5_000);
    });
  });

  describe('administering', () => {
    interface Rebuild {
      rebuildId: string;
      state: string;
    }
    const reset = async (request: object): Promise<string> => {
      const { status, body } = await stack.ask<Rebuild>('POST', '/admin/projections/traffic/reset', request);
      expect({ status, body }).toEqual({ status: 202, body: { rebuildId: expect.any(String) as string } });
      return body.rebuildId;
    };
    const becomes = (rebuildId: string, state: string): Promise<void> =>
      eventually(async () => (await stack.ask<Rebuild>('GET', `/admin/rebuilds/${rebuildId}`)).body.state === state, 20_000);
    const wish = (rebuildId: string, what: string): Promise<Answer> => stack.ask('POST', `/admin/rebuilds/${rebuildId}/${what}`);

    it('lists the projections', async () => {
      const { body } = await stack.ask<{ projections: object[] }>('GET', '/admin/projections');
      expect(body.projections).toEqual(
        expect.arrayContaining(
          ['traffic', 'sessions', 'commerce'].map((name) => expect.objectContaining({ name, version: 1, state: 'live' }) as object),
        ),
      );
    });

    it('rebuilds, promotes, rolls back and cancels, and every number stays', async () => {
      const range = { metrics: 'pageviews,visitors', interval: 'day', from: '2026-03-09', to: '2026-03-10' };
      const right = { pageviews: 5, visitors: 2 };
      const rebuildId = await reset({ promote: 'manual' });
      await becomes(rebuildId, 'caught-up');
      expect((await stack.ask('GET', `/admin/rebuilds/${rebuildId}`)).body).toMatchObject({
        rebuildId,
        projection: 'traffic',
        version: 1,
        state: 'caught-up',
        eventsRead: expect.any(Number) as number,
        eventsTotal: expect.any(Number) as number,
        eventsPerSecond: expect.any(Number) as number,
        secondsRemaining: 0,
      });
      expect((await wish(rebuildId, 'promote')).status).toBe(202);
      await becomes(rebuildId, 'live');
      expect((await report('kolkata', 'timeseries', range)).totals).toEqual(right);
      expect((await wish(rebuildId, 'rollback')).status).toBe(202);
      await becomes(rebuildId, 'caught-up');
      expect((await report('kolkata', 'timeseries', range)).totals).toEqual(right);
      expect((await wish(rebuildId, 'cancel')).status).toBe(202);
      await becomes(rebuildId, 'cancelled');
      const { body } = await stack.ask<{ rebuilds: Rebuild[] }>('GET', '/admin/rebuilds');
      expect(body.rebuilds.map((rebuild) => [rebuild.rebuildId, rebuild.state])).toEqual([[rebuildId, 'cancelled']]);
    }, 60_000);

    it('lists the partitions', async () => {
      const { body } = await stack.ask<{ partitions: object[] }>('GET', '/admin/partitions');
      expect(body.partitions.length).toBeGreaterThanOrEqual(32);
      for (const partition of body.partitions)
        expect(partition).toMatchObject({
          owner: expect.any(String) as string,
          checkpoint: expect.any(Number) as number,
          head: expect.any(Number) as number,
          lag: expect.any(Number) as number,
        });
    });

    it('keeps what it rejected, and judges it again', async () => {
      const { body } = await stack.ask<{ rejects: { original: string }[] }>('GET', '/admin/rejects?merchantId=kolkata');
      expect(body).toMatchObject({
        complete: true,
        rejects: [
          { merchantId: 'kolkata', index: 4, id: null, reason: 'not-an-object', original: '7', replayed: false },
          { merchantId: 'kolkata', index: 2, id: 'strange', reason: 'unknown-field', replayed: false },
        ],
      });
      // Addresses are not kept, not even those of what was refused.
      expect(body.rejects[1]!.original).not.toContain(ben.ip);
      expect(await stack.ask('POST', '/admin/rejects/replay', { merchantId: 'kolkata' })).toEqual({
        status: 200,
        body: { replayed: 0, stillRefused: 2, complete: true },
      });
    });
  });

  describe('operating', () => {
    it('is alive, ready, measured and described', async () => {
      expect(await stack.ask('GET', '/health/live', undefined, '')).toEqual({ status: 200, body: { status: 'live' } });
      expect(await stack.ask('GET', '/health/ready', undefined, '')).toMatchObject({ status: 200, body: { status: 'ready' } });
      const metrics = await (await fetch(`${stack.url}/metrics`)).text();
      expect(metrics).toMatch(/^recount_\w+(\{.*\})? \d/m);
      const docs = await fetch(`${stack.url}/docs`);
      expect([docs.status, docs.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
      const { body } = await stack.ask<{ openapi: string; paths: object }>('GET', '/openapi.json', undefined, '');
      expect(body.openapi).toMatch(/^3\./);
      expect(Object.keys(body.paths)).toEqual(
        expect.arrayContaining([
          '/v1/collect',
          '/v1/merchants',
          '/v1/merchants/{merchantId}/timeseries',
          '/v1/merchants/{merchantId}/breakdown',
          '/admin/projections/{name}/reset',
          '/health/ready',
        ]),
      );
    });

    it('refuses as problem+json', async () => {
      const response = await fetch(`${stack.url}/v1/merchants/kolkata/timeseries?metrics=smiles`, {
        headers: { authorization: `Bearer ${stack.adminToken}` },
      });
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await response.json()).toMatchObject({
        type: expect.any(String) as string,
        title: expect.any(String) as string,
        status: 400,
        detail: expect.stringContaining("'smiles' is unknown") as string,
        instance: '/v1/merchants/kolkata/timeseries',
        errors: [{ field: 'metrics' }],
      });
    });
  });
});
