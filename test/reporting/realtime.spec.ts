import { connect } from 'node:net';
import request from 'supertest';
import { valuesPerRecentMinute, type StoredDoc } from '../../projections/kit/document';
import type { AcceptedEvent } from '../../src/domain/columns';
import { noDefinitions } from '../../src/domain/definitions';
import { listenersPerMerchantMax } from '../../src/reporting/live/live-numbers';
import type { Realtime } from '../../src/reporting/realtime/realtime';
import { collectionOf, recordKinds } from '../../src/stores/records';
import { Installation, generationId, readToken } from './installation';

const installation = new Installation();
const minuteMs = 60_000;
const view = (minutesAgo: number, visitorId: string): AcceptedEvent => ({
  merchantId: 'shop',
  id: `${visitorId}-${minutesAgo}`,
  time: installation.now - minutesAgo * minuteMs,
  receivedAt: installation.now,
  name: 'page_view',
  visitorId,
  url: '/',
});

beforeAll(async () => {
  await installation.register('shop', { timezone: 'Asia/Kolkata' });
  await installation.register('other');
  await installation.serve();
  await installation.count([view(0, 'a'), view(1, 'a'), view(4, 'b'), view(12, 'c'), view(29, 'd'), view(30, 'e'), view(10 * 60, 'f')], {
    shop: 'Asia/Kolkata',
  });
  await installation.start();
});
afterAll(() => installation.stop());

describe('the last half hour', () => {
  it('is shown by minute, with who is active and today so far', async () => {
    const answer = await installation.report<Realtime>('shop', 'realtime', { metrics: 'pageviews' });
    expect(answer.rows).toHaveLength(30);
    expect(answer.rows.at(-1)).toEqual({ time: '2025-03-20T17:30:00+05:30', pageviews: 1 });
    expect(answer.rows[0]).toEqual({ time: '2025-03-20T17:01:00+05:30', pageviews: 1 });
    expect(answer).toMatchObject({
      activeVisitors: 4,
      activeVisitorsLast5Minutes: 2,
      totals: { pageviews: 5 },
      today: { from: '2025-03-20T00:00:00+05:30', totals: { pageviews: 7 } },
      meta: { exact: true, projection: 'traffic' },
    });
  });

  it('comes with the pages most viewed in these very minutes, in any timezone and at its midnight', async () => {
    const before = installation.now;
    try {
      // Midnight in India lies at half past an hour of UTC.
      installation.now = Date.parse('2025-03-21T18:40:00Z');
      const at = (minutesAgo: number, url: string, visitorId: string): AcceptedEvent => ({
        ...view(minutesAgo, visitorId),
        id: `${visitorId}-${url}-${minutesAgo}`,
        url,
      });
      await installation.register('pages', { timezone: 'Asia/Kolkata' });
      const bot = { ...at(1, '/b', 'bot'), userAgent: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' };
      const views = [at(0, '/b', 'a'), at(29, '/a', 'a'), at(1, '/b', 'b'), at(25, '/b', 'a'), at(30, '/b', 'a'), bot, at(2, '/c', 'a')];
      // Late, for minutes whose places are taken by now, and for one that no later hour has.
      views.push(at(61, '/old', 'a'), at(90, '/old', 'a'), at(25, '/late', 'c'), { ...at(3, '/c', 'a'), name: 'search' });
      await installation.count(
        views.map((one) => ({ ...one, merchantId: 'pages' })),
        { pages: 'Asia/Kolkata' },
      );
      const response = await installation.ask('pages', 'realtime');
      const withBots = await installation.report<Realtime>('pages', 'realtime', { bots: 'include' });
      expect(withBots).toMatchObject({ activeVisitors: 4, topPages: { rows: [{ value: '/b', pageviews: 4, visitors: 3 }, {}, {}, {}] } });
      expect(response.body).toMatchObject({
        activeVisitors: 3,
        topPages: {
          from: '2025-03-21T23:41:00+05:30',
          to: '2025-03-22T00:11:00+05:30',
          metrics: ['pageviews', 'visitors'],
          rows: [
            { value: '/b', pageviews: 3, visitors: 2 },
            { value: '/a', pageviews: 1, visitors: 1 },
            { value: '/c', pageviews: 1, visitors: 1 },
            { value: '/late', pageviews: 1, visitors: 1 },
          ],
        },
      });
    } finally {
      installation.now = before;
    }
  });

  it('has the goals of each minute, each for itself, and who reached them', async () => {
    const goals = [
      { goalId: 'viewed', name: 'Viewed', event: 'page_view' },
      { goalId: 'paid', name: 'Paid', event: 'purchase' },
      { goalId: 'never', name: 'Never', event: 'refund' },
    ];
    await installation.register('goals', { goals });
    const purchase = (minutesAgo: number, visitorId: string): AcceptedEvent => ({
      ...{ ...view(minutesAgo, visitorId), id: `p-${visitorId}-${minutesAgo}`, name: 'purchase' },
      ...{ value: 2.5, currency: 'USD' },
    });
    const events = [
      view(3, 'a'),
      { ...view(3, 'a'), id: 'again' },
      view(3, 'b'),
      purchase(3, 'b'),
      purchase(29, 'c'),
      view(30, 'd'),
      purchase(75, 'd'),
    ];
    // More than the document of an hour's minutes holds of one.
    for (let i = 0; i < 40; i++) events.push(view(5, `crowd-${i}`));
    await installation.count(
      events.map((one) => ({ ...one, merchantId: 'goals' })),
      {},
      generationId,
      { goals: { ...noDefinitions, goals } },
    );
    const metrics = 'goal:viewed,goalVisitors:viewed,goal:paid,goalValue:paid,goal:never,pageviews';
    const answer = await installation.report<Realtime>('goals', 'realtime', { metrics });
    const of = (viewed: number, by: number, paid: number, value: string, pageviews: number): object => ({
      ...{ 'goal:viewed': viewed, 'goalVisitors:viewed': by, 'goal:paid': paid, 'goal:never': 0, pageviews },
      'goalValue:paid': { amount: value, currency: 'USD' },
    });
    expect(answer.rows.at(-4)).toEqual({ time: '2025-03-20T11:57:00Z', ...of(3, 2, 1, '2.50', 3) });
    expect(answer.rows.at(-6)).toEqual({ time: '2025-03-20T11:55:00Z', ...of(40, 40, 0, '0.00', 40) });
    expect(answer.rows[0]).toEqual({ time: '2025-03-20T11:31:00Z', ...of(0, 0, 1, '2.50', 0) });
    expect(answer.totals).toEqual(of(43, 42, 2, '5.00', 43));
    expect(answer.today.totals).toEqual(of(44, 43, 3, '7.50', 44));
  });
});

describe('the pages most viewed', () => {
  let own: Installation;
  beforeEach(async () => {
    own = new Installation();
    await own.register('shop');
    await own.serve();
  });
  afterEach(() => own.stop());
  const shown = async (views: readonly AcceptedEvent[]): Promise<Realtime['topPages']> => {
    await own.count(views);
    await own.start();
    const response = await request(own.url)
      .get('/v1/merchants/shop/realtime')
      .set('authorization', `Bearer ${readToken('shop')}`);
    return (response.body as Realtime).topPages;
  };

  it('come with the views of all others where a minute had more pages than are kept apart', async () => {
    const { rows, other } = await shown(
      Array.from({ length: valuesPerRecentMinute + 5 }, (_, i) => ({ ...view(1, 'v'), id: `${i}`, url: `/${i}` })),
    );
    expect(rows).toHaveLength(10);
    expect(other).toEqual({ pageviews: 5, visitors: 1 });
  });

  it('are of whole hours, and say so, as long as an installation from before counts the minutes for the first time', async () => {
    await own.store.records.delete(recordKinds.live, 'live');
    expect(await shown([view(20, 'a'), view(100, 'b')])).toEqual({
      from: '2025-03-20T11:00:00Z',
      to: '2025-03-20T13:00:00Z',
      metrics: ['pageviews', 'visitors'],
      rows: [{ value: '/', pageviews: 1, visitors: 1 }],
    });
  });
});

describe('live numbers', () => {
  const open = async (abort: AbortSignal, token = readToken('shop')): Promise<Response> =>
    fetch(`${installation.url}/v1/merchants/shop/live?metrics=pageviews`, { headers: { authorization: `Bearer ${token}` }, signal: abort });

  it('come at once, then only when they change', async () => {
    const abort = new AbortController();
    const response = await open(abort.signal);
    expect(response.headers.get('content-type')).toMatch('text/event-stream');
    const frames = framesOf(response);
    expect((await frames.next()).value).toMatchObject({ totals: { pageviews: 5 } });

    const next = frames.next();
    const early = await Promise.race([next, new Promise((resolve) => setTimeout(() => resolve('nothing'), 2_500))]);
    expect(early).toBe('nothing');

    const collection = collectionOf('traffic', generationId);
    const hour = (await installation.store.documents.scan(collection, '', '~')).find(({ _id }) => _id.includes('|minute|2025-03-20T12|'))!;
    const values = (hour as unknown as StoredDoc).values.map((value) =>
      value.v === '00' ? { v: '00', h: { events: 3, pageviews: 3 } } : value,
    );
    await installation.store.documents.flush(collection, [{ ...hour, values }], { r0: hour.rev, r1: hour.rev + 1 });
    await installation.heartbeat('shop', { checkpoint: 50, checkpointTime: installation.now });
    expect((await next).value).toMatchObject({ totals: { pageviews: 7 } });
    abort.abort();
  });

  it('end at once for whoever asks for the headers alone, so that the connection can be used again', async () => {
    const socket = connect(Number(new URL(installation.url).port), '127.0.0.1');
    const ask = (method: string, report: string): Promise<string> => {
      const host = `Host: x\r\nAuthorization: Bearer ${readToken('shop')}`;
      socket.write(`${method} /v1/merchants/shop/${report} HTTP/1.1\r\n${host}\r\n\r\n`);
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`${method} ${report} is not answered`)), 60_000);
        socket.once('data', (chunk) => {
          clearTimeout(late);
          resolve(chunk.toString());
        });
      });
    };
    try {
      expect(await ask('HEAD', 'live')).toMatch(/^HTTP\/1.1 200 OK[^]*text\/event-stream/);
      expect(await ask('GET', 'realtime')).toMatch(/^HTTP\/1.1 200 OK[^]*application\/json/);
    } finally {
      socket.destroy();
    }
  });

  it('are refused like any report', async () => {
    const abort = new AbortController();
    expect((await open(abort.signal, readToken('other'))).status).toBe(403);
    const response = await fetch(`${installation.url}/v1/merchants/shop/live?metrics=hits`, {
      headers: { authorization: `Bearer ${readToken('shop')}` },
    });
    expect(response.status).toBe(400);
    const byHour = await fetch(`${installation.url}/v1/merchants/shop/realtime?metrics=pageviews,productViews`, {
      headers: { authorization: `Bearer ${readToken('shop')}` },
    });
    expect(await byHour.json()).toMatchObject({ status: 400, detail: 'metrics: counted by the hour, not by the minute: productViews' });
  });

  it('serve as many listeners as they promise, and take new ones when others have gone', async () => {
    const abort = new AbortController();
    const all = await Promise.all(Array.from({ length: listenersPerMerchantMax }, () => open(abort.signal)));
    expect(new Set(all.map((response) => response.status))).toEqual(new Set([200]));
    const last = new AbortController();
    expect((await open(last.signal)).status).toBe(503);
    abort.abort();
    for (let tries = 0; ; tries++) {
      const response = await open(last.signal);
      if (response.status === 200) break;
      expect(tries).toBeLessThan(50);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    last.abort();
  });

  it('are read once for all who ask the same, however many they are: each gets the newest, at most once a second', async () => {
    const abort = new AbortController();
    const all = (await Promise.all(Array.from({ length: 200 }, () => open(abort.signal)))).map(framesOf);
    const first = await Promise.all(all.map(async (frames) => (await frames.next()).value as Realtime));
    const views = first[0]!.totals['pageviews'] as number;
    const scans = jest.spyOn(installation.store.documents, 'scanBytes');
    await installation.ask('shop', 'realtime', { metrics: 'pageviews' });
    const scansOfOneAnswer = scans.mock.calls.length;
    scans.mockClear();

    const began = Date.now();
    const read = all.map(async (frames) => {
      const got: Realtime[] = [];
      for await (const frame of frames) {
        got.push(frame);
        if (frame.totals['pageviews'] === views + 8) return got;
      }
      throw new Error('the stream ended before it told of the last change');
    });
    for (let change = 1; change <= 8; change++) {
      await becomes(1 + change, 100 + change);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const got = await Promise.all(read);
    const seconds = (Date.now() - began) / 1_000;
    for (const frames of got) expect(frames).toEqual(got[0]);
    expect(got[0]!.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
    expect(scansOfOneAnswer).toBeGreaterThan(0);
    expect(scans.mock.calls.length).toBeLessThanOrEqual((Math.ceil(seconds) + 1) * scansOfOneAnswer);
    scans.mockRestore();
    abort.abort();
  });

  it('end with the process', async () => {
    const short = new Installation();
    await short.register('shop');
    await short.serve();
    await short.start();
    const response = await fetch(`${short.url}/v1/merchants/shop/live`, { headers: { authorization: `Bearer ${readToken('shop')}` } });
    const frames = framesOf(response);
    await frames.next();
    const ended = frames.next();
    await short.stop();
    expect((await ended).done).toBe(true);
  });
});

/** As when a worker has flushed what was viewed in the minute of 11:56, and says how far it is. */
async function becomes(pageviews: number, checkpoint: number): Promise<void> {
  const collection = collectionOf('traffic', generationId);
  const hour = (await installation.store.documents.scan(collection, '', '~')).find(({ _id }) => _id.includes('|minute|2025-03-20T11|'))!;
  const values = (hour as unknown as StoredDoc).values.map((value) =>
    value.v === '56' ? { v: '56', h: { events: pageviews, pageviews } } : value,
  );
  await installation.store.documents.flush(collection, [{ ...hour, values }], { r0: hour.rev, r1: hour.rev + 1 });
  await installation.heartbeat('shop', { checkpoint, checkpointTime: installation.now });
}

async function* framesOf(response: Response): AsyncGenerator<Realtime, void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      if (event.startsWith('data: ')) yield JSON.parse(event.slice(6)) as Realtime;
    }
  }
}
