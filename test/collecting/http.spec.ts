import { request as nodeRequest } from 'node:http';
import { connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import request from 'supertest';
import { readToken, type RunningCollector, restrictedKey, someEvents, startCollector, writeKey } from './collector';
import { unavailable } from './memory-stores';

describe('POST /v1/collect', () => {
  let collector: RunningCollector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.stop());
  afterEach(() => {
    collector.log.before = () => undefined;
    collector.keys.isAway = false;
  });
  const post = (path = '/v1/collect') => request(collector.httpUrl).post(path);
  const collect = (path?: string) => post(path).set('Authorization', `Bearer ${writeKey}`);
  const stored = (id: string) => collector.log.events.find((event) => event.id === id);

  it('answers 202 when the events are in the log', async () => {
    const events = someEvents(3);
    const { body } = await collect().send({ events, sentAt: new Date().toISOString() }).expect(202);
    expect(body).toEqual({ accepted: 3, rejected: [] });
    for (const { id } of events) expect(stored(id)).toMatchObject({ merchantId: 'm1', name: 'page_view' });
  });

  it('takes a bare list', async () => {
    await collect().send(someEvents(2)).expect(202, { accepted: 2, rejected: [] });
  });

  it('names what it refused and keeps it, with its reason, in the rejects', async () => {
    const [good, bad] = someEvents(2);
    const { body } = await collect()
      .send([good, { ...bad, colour: 'red', ip: '203.0.113.7' }])
      .expect(202);
    expect(body.accepted).toBe(1);
    expect(body.rejected).toEqual([{ index: 1, id: bad!.id, reason: 'unknown-field', detail: expect.stringContaining('"colour"') }]);
    const kept = collector.log.rejects.find(({ id }) => id === bad!.id);
    expect(kept).toMatchObject({ merchantId: 'm1', sourceId: 's1', reason: 'unknown-field' });
    expect(JSON.parse(kept!.original)).toEqual({ ...bad, visitorId: expect.stringMatching(/^[0-9a-f]{24}$/) as string, colour: 'red' });
  });

  it('resolves an address to a country and forgets it', async () => {
    const [event] = someEvents(1, { ip: '8.8.8.8' });
    await collect().send([event]).expect(202);
    expect(stored(event!.id)!.country).toBe('US');
    expect(JSON.stringify(collector.log.events)).not.toContain('8.8.8.8');
  });

  it('keeps out of the log, with the rejects, what comes from addresses the merchant filters', async () => {
    const addressFilters = [
      { filterId: 'office', pattern: '203.0.113.0/24' },
      { filterId: 'vpn', pattern: '2001:db8::/32' },
    ];
    collector.keys.put('wk_filtered', { kind: 'write', merchantId: 'm1', sourceId: 's1', allowedOrigins: ['*'], addressFilters });
    const from = (ip: string) => someEvents(1, { ip })[0]!;
    const [office, vpn, customer, server] = [from('203.0.113.7'), from('2001:db8::1'), from('8.8.8.8'), someEvents(1)[0]!] as const;
    const sent = post().set('Authorization', 'Bearer wk_filtered');
    const { body } = await sent.send([office, vpn, customer, server]).expect(202);
    const detail = (filterId: string) => `comes from an address that the merchant filters (${filterId}); it is kept with the rejects`;
    expect(body).toEqual({
      accepted: 2,
      rejected: [
        { index: 0, id: office.id, reason: 'filtered-address', detail: detail('office') },
        { index: 1, id: vpn.id, reason: 'filtered-address', detail: detail('vpn') },
      ],
    });
    for (const { id } of [customer, server]) expect(stored(id)).toBeDefined();
    for (const { id } of [office, vpn]) expect(stored(id)).toBeUndefined();
    const kept = collector.log.rejects.filter(({ reason }) => reason === 'filtered-address');
    expect(kept.map(({ id, filterIds }) => [id, filterIds])).toEqual([
      [office.id, ['office']],
      [vpn.id, ['vpn']],
    ]);
    expect(JSON.stringify(kept)).not.toMatch(/203\.0\.113|2001:db8/);

    // A browser's own address is that of its connection.
    const [browser] = someEvents(1);
    const forwarded = post().set('Authorization', 'Bearer wk_filtered').set('Origin', 'https://shop.example');
    const answer = await forwarded.set('X-Forwarded-For', '203.0.113.9').send([browser]).expect(202);
    expect(answer.body).toMatchObject({ accepted: 0, rejected: [{ id: browser!.id, reason: 'filtered-address' }] });
  });

  it('reads the country of a browser from its connection, and of a server from nothing', async () => {
    const [fromBrowser, fromServer] = someEvents(2);
    await collect().set('Origin', 'https://shop.example').set('X-Forwarded-For', '8.8.8.8').send([fromBrowser]).expect(202);
    await collect().set('X-Forwarded-For', '8.8.8.8').send([fromServer]).expect(202);
    expect(stored(fromBrowser!.id)!.country).toBe('US');
    expect(stored(fromServer!.id)!.country).toBeUndefined();
  });

  it('takes a beacon: the key in the address, the body as text', async () => {
    await post(`/v1/collect?writeKey=${writeKey}`)
      .set('Content-Type', 'text/plain;charset=UTF-8')
      .send(JSON.stringify(someEvents(1)))
      .expect(202);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('takes a body in %s', async (encoding, compress) => {
    const body = compress(Buffer.from(JSON.stringify(someEvents(5))));
    const response = await fetch(`${collector.httpUrl}/v1/collect`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${writeKey}`, 'Content-Type': 'application/json', 'Content-Encoding': encoding },
      body: new Uint8Array(body),
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ accepted: 5, rejected: [] });
  });

  describe('refuses', () => {
    const bomb = gzipSync(Buffer.alloc(50 << 20, 32));
    const raw = (body: Buffer, headers: Record<string, string>) =>
      fetch(`${collector.httpUrl}/v1/collect`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${writeKey}`, 'Content-Type': 'application/json', ...headers },
        body: new Uint8Array(body),
      });
    it.each<[string, number, () => Promise<Response>, string]>([
      ['broken JSON', 400, () => raw(Buffer.from('[{'), {}), 'not JSON'],
      ['what is no batch', 400, () => raw(Buffer.from('{"batch":[]}'), {}), '"batch"'],
      ['a missing key', 401, () => raw(Buffer.from('[]'), { Authorization: '' }), 'a write key is needed'],
      ['a key that does not exist', 401, () => raw(Buffer.from('[]'), { Authorization: 'Bearer wk_nobody' }), 'does not exist'],
      ['another kind of authorization', 401, () => raw(Buffer.from('[]'), { Authorization: 'Basic d2s6' }), 'a write key is needed'],
      ['a token that only reads', 403, () => raw(Buffer.from('[]'), { Authorization: `Bearer ${readToken}` }), 'needs a write key'],
      ['too many events', 413, () => raw(Buffer.from(JSON.stringify(someEvents(1_001))), {}), '1000 events'],
      ['too many bytes', 413, () => raw(Buffer.alloc((1 << 20) + 1, 32), {}), '1048576 bytes'],
      ['a small body that grows large', 413, () => raw(bomb, { 'Content-Encoding': 'gzip' }), '1048576 bytes'],
      ['a body that is not what it says', 400, () => raw(Buffer.from('[]'), { 'Content-Encoding': 'gzip' }), 'not gzip'],
      ['an encoding it does not know', 415, () => raw(Buffer.from('[]'), { 'Content-Encoding': 'zstd' }), 'zstd'],
      ['a form', 415, () => raw(Buffer.from('a=b'), { 'Content-Type': 'application/x-www-form-urlencoded' }), 'application/json'],
    ])('%s with %d', async (_what, status, ask, detail) => {
      const response = await ask();
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      const problem = (await response.json()) as Record<string, unknown>;
      expect(problem).toMatchObject({ type: 'about:blank', status, title: expect.any(String), instance: '/v1/collect' });
      expect(problem['detail']).toContain(detail);
    });

    it('another method with 405', async () => {
      await request(collector.httpUrl).get('/v1/collect').expect(405).expect('Allow', 'POST, OPTIONS');
    });

    it('a body of many megabytes, and the sender gets to read why', async () => {
      for (let tries = 0; tries < 5; tries++) {
        const response = await raw(Buffer.alloc(12 << 20, 32), {});
        expect([response.status, response.headers.get('connection')]).toEqual([413, 'close']);
        expect(((await response.json()) as { detail: string }).detail).toContain('1048576 bytes');
      }
    });

    it('a body that goes on and on, without reading it to its end', async () => {
      const sent = await new Promise<number>((resolve) => {
        const socket = connect(Number(new URL(collector.httpUrl).port), '127.0.0.1');
        socket.write(`POST /v1/collect HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${writeKey}\r\nContent-Length: ${1 << 30}\r\n\r\n`);
        const more = (): void => void socket.write(Buffer.alloc(1 << 20, 32), () => !socket.destroyed && setImmediate(more));
        socket.on('error', () => undefined).on('close', () => resolve(socket.bytesWritten));
        socket.resume();
        more();
      });
      expect(sent).toBeLessThan(64 << 20);
    });

    it('a body without a length as soon as it is too large', async () => {
      const status = await new Promise((resolve, reject) => {
        const sending = nodeRequest(`${collector.httpUrl}/v1/collect`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${writeKey}` },
        });
        sending.on('response', (response) => {
          response.resume();
          sending.destroy();
          resolve(response.statusCode);
        });
        sending.on('error', reject);
        for (let i = 0; i < 20; i++) sending.write(Buffer.alloc(128 << 10, 32));
      });
      expect(status).toBe(413);
    });
  });

  it('takes events with a slash behind the path, as all routes do', async () => {
    for (const path of ['/v1/collect/', '/v1/collect/?from=page']) await collect(path).send(someEvents(1)).expect(202);
  });

  it('leaves other paths to others', async () => {
    await post('/v1/collected').expect(404);
    await post('/v1/collect/more').expect(404);
  });

  it('answers 503 with Retry-After while a key cannot be checked, and goes on for those it knows', async () => {
    collector.keys.isAway = true;
    collector.keys.put('wk_new', { kind: 'write', merchantId: 'm1', sourceId: 's1', allowedOrigins: [] });
    await post().set('Authorization', 'Bearer wk_new').send([]).expect(503).expect('Retry-After', /\d+/);
    await collect().send(someEvents(1)).expect(202);
  });

  it('survives a sender that goes away in the middle of a body', async () => {
    await new Promise<void>((resolve) => {
      const sending = nodeRequest(`${collector.httpUrl}/v1/collect`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${writeKey}`, 'Content-Length': '1000' },
      });
      sending.on('error', () => resolve());
      sending.write('[{"id":');
      setTimeout(() => sending.destroy(new Error('gone')), 30);
    });
    await collect().send(someEvents(1)).expect(202);
  });

  describe('for browsers', () => {
    it('answers the preflight', async () => {
      await request(collector.httpUrl)
        .options('/v1/collect')
        .set('Origin', 'https://shop.example')
        .set('Access-Control-Request-Method', 'POST')
        .expect(204)
        .expect('Access-Control-Allow-Origin', 'https://shop.example')
        .expect('Access-Control-Allow-Methods', /POST/)
        .expect('Access-Control-Allow-Headers', /Authorization/);
    });

    it('takes events from the pages a source names, and from no others', async () => {
      const send = (origin: string) => post().set('Authorization', `Bearer ${restrictedKey}`).set('Origin', origin).send(someEvents(1));
      await send('https://shop.example').expect(202).expect('Access-Control-Allow-Origin', 'https://shop.example');
      const { body } = await send('https://elsewhere.example').expect(403);
      expect(body.detail).toContain('https://elsewhere.example');
    });

    it('heeds origins that were changed while it runs, within seconds', async () => {
      const key = 'wk_changing';
      const source = { kind: 'write' as const, merchantId: 'm2', sourceId: 's9', allowedOrigins: ['https://shop.example'] };
      collector.keys.put(key, source);
      const send = (origin: string) => post().set('Authorization', `Bearer ${key}`).set('Origin', origin).send(someEvents(1));
      await send('https://shop.example').expect(202);
      await send('https://m.shop.example').expect(403);
      collector.keys.put(key, { ...source, allowedOrigins: ['https://m.shop.example'] });
      const clock = jest.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + 6_000);
      try {
        // The first is answered by what was known, and asks again.
        await send('https://shop.example').expect(202);
        await send('https://m.shop.example').expect(202);
        await send('https://shop.example').expect(403);
        // Servers send no Origin, and are never asked for one.
        await post().set('Authorization', `Bearer ${key}`).send(someEvents(1)).expect(202);
      } finally {
        clock.mockRestore();
      }
    });

    it('lets the page read a refusal', async () => {
      await post().set('Origin', 'https://shop.example').send([]).expect(401).expect('Access-Control-Allow-Origin', 'https://shop.example');
    });
  });

  it('answers 503 when the log does not take the events in time', async () => {
    const slow = await startCollector();
    slow.log.before = unavailable;
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    try {
      const answer = fetch(`${slow.httpUrl}/v1/collect`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${writeKey}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(someEvents(1)),
      });
      let response: Response | undefined;
      void answer.then((arrived) => (response = arrived));
      for (let i = 0; i < 500 && !response; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        jest.advanceTimersByTime(100);
      }
      expect(response!.status).toBe(503);
      expect(((await response!.json()) as { detail: string }).detail).toContain('send the same events again');
    } finally {
      jest.useRealTimers();
      slow.log.before = () => undefined;
      await slow.stop();
    }
  });

  it('answers 503 once it is shutting down, and says so to whoever asks for readiness', async () => {
    const stopping = await startCollector();
    expect(await stopping.readiness.ask()).toMatchObject({ collecting: { ok: true } });
    await stopping.app.close();
    const response = await fetch(`${stopping.httpUrl}/v1/collect`, { method: 'POST', headers: { Authorization: `Bearer ${writeKey}` } });
    expect(response.status).toBe(503);
    expect(await stopping.readiness.ask()).toMatchObject({ collecting: { ok: false } });
    await stopping.stop().catch(() => undefined);
  });
});
