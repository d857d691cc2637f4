import { gzipSync } from 'node:zlib';
import { ErrorCodes } from 'rsocket-core';
import { content } from '../../projections/content/content';
import { channel, closed, connect, fireAndForget, payloadOf, requestResponse, type Socket } from '../collecting/rsocket-clients';
import { eventually } from '../running/recount';
import { desktop, kolkata, newYork, rupees, type Table, taken, view } from './contract-shop';
import { type Answer, Stack } from './stack';

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
  const report = (merchant: string, table: string, query: Record<string, string>): Promise<Table> => stack.report(merchant, table, query);

  beforeAll(async () => {
    stack = await Stack.start();
    key = {
      kolkata: await stack.merchant('kolkata', { timezone: 'Asia/Kolkata', currency: 'INR' }),
      newYork: await stack.merchant('new-york', { timezone: 'America/New_York' }),
    };
  });
  afterAll(async () => {
    for (const socket of sockets.filter((each) => !gone.has(each))) socket.close();
    await stack.end();
  });

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

    it('takes every field of an event, up to the limits, and a thousand events at once, over every transport', async () => {
      const writeKey = await stack.merchant('limits');
      const long = (length: number): string => 'x'.repeat(length);
      const item = { name: 'n', brand: 'b', category: 'c', variant: 'v', price: 1.5, quantity: 2, coupon: 'k' };
      const full = {
        ...{ id: long(64), name: 'purchase', time: Date.now(), visitorId: long(64), userId: long(64), sessionId: long(64) },
        ...{ url: `/${long(2_047)}`, title: long(2_048), referrer: long(2_048), userAgent: desktop.padEnd(2_048), ip: '8.8.8.8' },
        ...{ language: 'en', screen: '1x1', value: 600, currency: 'usd', transactionId: 't', coupon: 'c', tax: 1, shipping: -1 },
        items: Array.from({ length: 200 }, (_, i) => ({ itemId: `item-${i}`, ...item })),
        properties: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`p${i}`, [long(1_024), i / 3, i % 2 === 0][i % 3]])),
      };
      const plain = (prefix: string, n: number): object[] =>
        Array.from({ length: n }, (_, i) => ({ id: `${prefix}-${i}`, name: 'page_view', time: Date.now(), visitorId: 'v' }));
      expect((await stack.ask('POST', '/v1/collect', [full], writeKey)).body).toEqual(taken(1));
      for (const kind of ['tcp', 'ws'] as const) {
        const socket = await open(kind, { key: writeKey });
        expect(await requestResponse(socket, payloadOf([full], 'collect'))).toEqual(taken(1));
        expect(await requestResponse(socket, payloadOf(plain(kind, 1_000)))).toEqual(taken(1_000));
        const { answers, finished } = channel(
          socket,
          Array.from({ length: 20 }, (_, i) => payloadOf(plain(`${kind}-channel-${i}`, 10), 'collect')),
        );
        await finished;
        expect(answers).toEqual(answers.map(() => taken(10)));
        await fireAndForget(socket, payloadOf({ events: plain(`${kind}-forgotten`, 5), sentAt: Date.now() }, 'collect'));
      }
      const events = async (): Promise<object> =>
        (await report('limits', 'timeseries', { metrics: 'events,orders,itemsSold,revenue' })).totals;
      const counted = { events: 1 + 2 * 1_205, orders: 1, itemsSold: 400, revenue: { amount: '600.00', currency: 'USD' } };
      await eventually(async () => JSON.stringify(await events()) === JSON.stringify(counted), 10_000).catch(() => undefined);
      expect(await events()).toEqual(counted);
    });

    it('corrects a clock that is an hour slow by the time it says it sent', async () => {
      const writeKey = await stack.merchant('slow-clock');
      const minute = Math.floor(Date.now() / 60_000) * 60_000 - 600_000;
      const slow = (ms: number): string => new Date(ms - 3_600_000).toISOString();
      const event = { id: '1', name: 'page_view', time: slow(minute + 30_000), visitorId: 'v' };
      await stack.ask('POST', '/v1/collect', { events: [event], sentAt: slow(Date.now()) }, writeKey);
      await stack.counted('slow-clock');
      const iso = (ms: number): string => new Date(ms).toISOString();
      // The way takes some milliseconds, so the half minute is not an exact place.
      const around = { from: iso(minute), to: iso(minute + 60_000), interval: 'minute', metrics: 'pageviews' };
      expect((await report('slow-clock', 'timeseries', around)).rows).toEqual([{ time: iso(minute).replace('.000', ''), pageviews: 1 }]);
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
    });

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
          version: expect.any(Number) as number,
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
        meta: { projection: 'content', version: content.version },
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

    it('orders, limits, filters and tells bots apart in a breakdown, and keeps the totals of all', async () => {
      const by = async (more: Record<string, string>): Promise<unknown> => {
        const { rows, totals } = await report('kolkata', 'breakdown', { dimension: 'device', metrics: 'pageviews', ...twoDays, ...more });
        return [rows.map(({ value, pageviews: n }) => [value, n]), totals];
      };
      const all = { pageviews: 5 };
      expect(await by({ orderBy: 'pageviews:asc' })).toEqual([
        [
          ['desktop', 2],
          ['mobile', 3],
        ],
        all,
      ]);
      expect(await by({ orderBy: 'value:desc' })).toEqual([
        [
          ['mobile', 3],
          ['desktop', 2],
        ],
        all,
      ]);
      expect(await by({ limit: '1' })).toEqual([[['mobile', 3]], all]);
      expect(await by({ limit: '1', offset: '1' })).toEqual([[['desktop', 2]], all]);
      expect(await by({ bots: 'only' })).toEqual([[[expect.any(String), 1]], { pageviews: 1 }]);
      expect(await by({ bots: 'include' })).toMatchObject([expect.anything(), { pageviews: 6 }]);
      expect(await by({ filter: 'device==mobile' })).toEqual([[['mobile', 3]], { pageviews: 3 }]);
    });

    it('says which parameter it cannot take, and what it can', async () => {
      for (const [table, query, field, allowed] of [
        ['timeseries', 'metrics=smiles', 'metrics', 'pageviews'],
        ['timeseries', 'interval=year', 'interval', 'month'],
        ['timeseries', 'bots=maybe', 'bots', 'exclude'],
        ['timeseries', 'from=2026-02-30', 'from', 'calendar'],
        ['timeseries', 'from=2026-03-02&to=2026-03-01', 'from', 'before'],
        ['timeseries', 'timezone=Mars/Olympus', 'timezone', 'IANA'],
        ['timeseries', 'filter=country', 'filter', '=='],
        ['timeseries', 'interval=minute&from=2025-01-01&to=2026-01-01', 'interval', 'rows'],
        ['timeseries', 'colour=red', 'colour', ''],
        ['breakdown', 'metrics=pageviews', 'dimension', 'page'],
        ['breakdown', 'dimension=page&limit=-1', 'limit', '1'],
        ['breakdown', 'dimension=page&orderBy=smiles', 'orderBy', 'value'],
      ] as const) {
        const { status, body } = await stack.ask('GET', `/v1/merchants/kolkata/${table}?${query}`);
        const refusal = { status: 400, errors: [{ field, detail: expect.stringContaining(allowed) as string }] };
        expect({ query, status, body }).toMatchObject({ query, status: 400, body: refusal });
      }
    });

    it('gives every table as CSV', async () => {
      const days = new URLSearchParams(twoDays).toString();
      const table = async (route: string): Promise<string> => {
        const response = await fetch(`${stack.url}/v1/merchants/kolkata/${route}`, {
          headers: { authorization: `Bearer ${stack.adminToken}`, accept: 'text/csv' },
        });
        expect(response.headers.get('content-type')).toMatch(/^text\/csv/);
        return response.text();
      };
      expect(await table(`timeseries?metrics=pageviews,revenue&interval=day&${days}`)).toBe(
        'time,pageviews,revenue,revenueCurrency\r\n2026-03-09T00:00:00+05:30,1,0.00,INR\r\n2026-03-10T00:00:00+05:30,4,100.50,INR\r\n',
      );
      expect(await table(`breakdown?dimension=page&metrics=pageviews&${days}`)).toBe('value,pageviews\r\n/a,4\r\n/in,1\r\n');
      expect(await table('realtime?metrics=pageviews')).toMatch(/^time,pageviews\r\n(\S+\+05:30,\d+\r\n){30}$/);
    });

    it('shows the last thirty minutes, and a frame when something happens', async () => {
      const realtime = await report('kolkata', 'realtime', { metrics: 'pageviews' });
      expect(realtime.rows).toHaveLength(30);
      expect(realtime).toMatchObject({
        activeVisitors: 1,
        totals: { pageviews: 1 },
        topPages: { from: realtime['from'] as string, to: realtime['to'] as string, rows: [{ value: '/', pageviews: 1, visitors: 1 }] },
      });

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
});
