import { serialize } from 'bson';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { gzipSync } from 'node:zlib';
import { ErrorCodes } from 'rsocket-core';
import { rawTcp, rawWs, setupFrame, withLength, type RawPeer } from '../collecting/raw-peers';
import { closed, connect, fireAndForget, payloadOf, requestResponse, type Kind, type Socket } from '../collecting/rsocket-clients';
import { seeded } from '../bench/events';
import { callStreams, opMsg, saidTo, throwAt } from './any-bytes';
import { eventually, isAlive } from '../running/recount';
import { ShopLoad } from './shop-load';
import { Stack } from './stack';

const kinds: Kind[] = ['tcp', 'ws'];
const portNames = ['http', 'rsocketTcp', 'rsocketWs', 'eventstoredb', 'mongodb'] as const;
const random = seeded(42);
const garbage = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)));

describe('bad input from every side, while a shop goes on', () => {
  let stack: Stack;
  let key: string;
  let otherKey: string;
  let ports: Record<(typeof portNames)[number], number>;
  let pids: Map<string, number>;
  let load: ShopLoad;
  /** Good events among the bad ones, by id. */
  const good = new Set<string>();
  const idle: net.Socket[] = [];
  const sockets: { [kind in Kind]?: Socket } = {};
  const day = new Date().toISOString().slice(0, 10);
  const event = (id: string, more: object = {}): object => ({ id, name: 'page_view', time: Date.now(), visitorId: 'v', url: '/', ...more });

  beforeAll(async () => {
    stack = await Stack.start();
    key = await stack.merchant('shop');
    otherKey = await stack.merchant('other');
    pids = stack.process.pids();
    const storePort = (name: string): number => Number(stack.process.log().find(({ child }) => child?.includes(name))!.ports);
    ports = { ...stack.ports, eventstoredb: storePort('eventstoredb'), mongodb: storePort('mongodb') };
    // Said half a thing and then nothing, until the end of all tests.
    const halves = [
      'POST /v1/collect HTTP/1.1\r\nContent-Length: 99999\r\n\r\n[',
      withLength(setupFrame()).subarray(0, 20),
      'PRI * HTTP/2.0\r\n',
    ];
    for (const port of Object.values(ports)) {
      for (const half of [...halves, '']) {
        const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(half));
        idle.push(socket.on('error', () => undefined).resume());
      }
    }
    for (const kind of kinds) sockets[kind] = await connect({ tcpPort: ports.rsocketTcp, wsPort: ports.rsocketWs }, kind, { key });
    load = new ShopLoad(stack, key, { senders: 2, eventsPerBatch: 10, pauseMs: 10, again: false });
  });
  afterAll(async () => {
    for (const socket of idle) socket.destroy();
    for (const kind of kinds) sockets[kind]?.close();
    await load.end().catch(() => undefined);
    await stack.end();
  });

  const rejects = async (reason: string): Promise<object[]> =>
    (await stack.ask<{ rejects: object[] }>('GET', `/admin/rejects?merchantId=shop&limit=1000&reason=${reason}`)).body.rejects;

  interface Refusal {
    status: number;
    body: { detail?: string; accepted?: number; rejected?: { index: number; id: string | null; reason: string; detail: string }[] };
  }
  const collect = async (body: string | Buffer, headers: Record<string, string> = {}): Promise<Refusal> => {
    const response = await fetch(`${stack.url}/v1/collect`, {
      method: 'POST',
      body: new Uint8Array(Buffer.from(body)),
      headers: { authorization: `Bearer ${key}`, ...headers },
    });
    return { status: response.status, body: (await response.json()) as Refusal['body'] };
  };

  it('refuses wrong keys, wrong tokens and the data of others', async () => {
    const { body } = await stack.ask<{ token: string }>('POST', '/v1/merchants/other/tokens', { name: 'theirs', role: 'owner' });
    const report = '/v1/merchants/shop/timeseries';
    const asked: [number, string, string, unknown, string][] = [
      [401, 'POST', '/v1/collect', [event('x')], 'wk_wrong'],
      [401, 'POST', '/v1/collect', [event('x')], ''],
      [403, 'POST', '/v1/collect', [event('x')], body.token],
      [401, 'GET', report, undefined, 'rt_wrong'],
      [401, 'GET', report, undefined, ''],
      [403, 'GET', report, undefined, body.token],
      [403, 'GET', report, undefined, key],
      [403, 'GET', '/v1/merchants/shop/live', undefined, body.token],
      [403, 'GET', '/v1/merchants/shop/sources', undefined, body.token],
      [403, 'POST', '/v1/merchants/shop/tokens', { name: 'mine', role: 'owner' }, body.token],
      [403, 'PATCH', '/v1/merchants/shop', { name: 'mine' }, body.token],
      [403, 'DELETE', '/v1/merchants/shop', undefined, body.token],
      [403, 'GET', '/admin/partitions', undefined, body.token],
      [403, 'POST', '/admin/rejects/replay', {}, body.token],
      [401, 'POST', '/admin/projections/traffic/reset', {}, ''],
    ];
    for (const [status, method, route, sent, token] of asked) {
      const answer = await stack.ask<{ status: number; detail: string }>(method, route, sent, token);
      expect({ method, route, status: answer.status, problem: answer.body }).toMatchObject({ method, route, status, problem: { status } });
      expect(answer.body.detail.length).toBeGreaterThan(10);
    }
    for (const kind of kinds) {
      for (const wrong of ['wk_wrong', undefined, 'k'.repeat(2_000)]) {
        const refused = await closed(await connect({ tcpPort: ports.rsocketTcp, wsPort: ports.rsocketWs }, kind, { key: wrong }));
        expect(refused).toMatchObject({ code: ErrorCodes.REJECTED_SETUP, message: expect.stringMatching(/key/) as string });
      }
    }
  });

  it('refuses a body it cannot read, as a whole and clearly', async () => {
    const tooMany = JSON.stringify(Array.from({ length: 10_000 }, (_, i) => event(`many-${i}`)));
    const bodies: [number, RegExp, string | Buffer, Record<string, string>?][] = [
      [400, /not JSON/, '{"events":['],
      [400, /not JSON/, ''],
      [400, /not JSON/, Buffer.from([0x7b, 0xff, 0xfe, 0x80])],
      [400, /not JSON/, garbage(5_000)],
      [400, /list of events/, '"events"'],
      [400, /"shop"/, '{"events":[],"shop":1}'],
      [400, /"__proto__"/, '{"events":[],"__proto__":{"events":[1]}}'],
      [400, /sentAt/, '{"events":[],"sentAt":"yesterday"}'],
      [413, /1000 events.*10000/, tooMany],
      [413, /1048576 bytes/, `[${'0,'.repeat(1 << 20)}0]`],
      [413, /1048576 bytes/, gzipSync(Buffer.alloc(64 << 20, '[')), { 'content-encoding': 'gzip' }],
      [400, /not gzip/, garbage(500), { 'content-encoding': 'gzip' }],
      [415, /Content-Encoding/, '[]', { 'content-encoding': 'zip' }],
      [415, /Content-Type/, '[]', { 'content-type': 'application/xml' }],
    ];
    for (const [status, detail, body, headers] of bodies)
      expect(await collect(body, headers)).toMatchObject({ status, body: { status, detail: expect.stringMatching(detail) as string } });
    for (const kind of kinds) {
      const refused = async (data: string | Buffer): Promise<string> =>
        requestResponse(sockets[kind]!, { ...payloadOf(''), data: Buffer.from(data) }).then(
          (answer) => JSON.stringify(answer),
          (error: Error) => error.message,
        );
      expect(await refused('{"events":[')).toMatch(/not JSON/);
      expect(await refused(garbage(5_000))).toMatch(/not JSON/);
      expect(await refused(tooMany)).toMatch(/1000 events.*10000/);
      const elsewhere = requestResponse(sockets[kind]!, payloadOf([event('nowhere')], 'nowhere'));
      await expect(elsewhere).rejects.toThrow('nowhere');
      // The same connection goes on.
      const id = `after-garbage-${kind}`;
      expect(await requestResponse(sockets[kind]!, payloadOf([event(id)], 'collect'))).toEqual({ accepted: 1, rejected: [] });
      good.add(id);
      // Nobody waits for an answer, so what could not be read is kept.
      await fireAndForget(sockets[kind]!, { ...payloadOf(''), data: garbage(500) });
    }
    await eventually(async () => (await rejects('malformed-request')).length === kinds.length);
  });

  it('rejects events one by one, on every transport, and takes the good ones beside them', async () => {
    const many = (n: number): object => Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, i]));
    const raw = (fields: string): string => `{"id":"bad","name":"page_view","time":1000000000000,"visitorId":"v"${fields}}`;
    const bad: [string, string][] = [
      ['invalid-field', raw(',"properties":{"__proto__":{"admin":true}}')],
      ['unknown-field', raw(',"__proto__":{"admin":true}')],
      ['unknown-field', raw(',"constructor":1')],
      ['unknown-field', raw(',"items":[{"itemId":"i","__proto__":{}}]')],
      ['not-an-object', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
      ['invalid-field', raw(`,"properties":{"deep":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)],
      ['unknown-field', JSON.stringify(event('bad', { colour: 1 }))],
      ['too-long', JSON.stringify(event('x'.repeat(65)))],
      ['too-long', JSON.stringify(event('bad', { url: `/${'x'.repeat(2_048)}` }))],
      ['invalid-field', JSON.stringify(event(''))],
      ['missing-field', '{"id":"bad","name":"page_view","time":1000000000000}'],
      ['too-many', JSON.stringify(event('bad', { items: Array.from({ length: 201 }, () => ({ itemId: 'i' })) }))],
      ['too-many', JSON.stringify(event('bad', { properties: many(51) }))],
      ['invalid-time', JSON.stringify(event('bad', { time: '2026-02-30T00:00:00Z' }))],
      ['invalid-time', JSON.stringify(event('bad', { time: '2026-02-20T00:00:00' }))],
      ['invalid-time', raw('').replace('1000000000000', '1e400')],
      ['invalid-field', raw(',"value":1e400')],
      ['invalid-field', raw(',"value":"1"')],
      ['invalid-field', raw(',"currency":"XYZW"')],
    ];
    const reasons = bad.map(([reason], i) => ({ index: 2 * i, reason }));
    const batch = (transport: string): string => {
      const rows = bad.flatMap(([, json], i) => {
        good.add(`${transport}-${i}`);
        return [json, JSON.stringify(event(`${transport}-${i}`))];
      });
      return `[${rows.join(',')}]`;
    };
    const expected = { accepted: bad.length, rejected: reasons };
    expect(await collect(batch('http'))).toMatchObject({ status: 202, body: expected });
    for (const kind of kinds) expect(await requestResponse(sockets[kind]!, payloadOf(batch(kind), 'collect'))).toMatchObject(expected);
    // Without an answer the bad ones are kept all the same.
    await fireAndForget(sockets.tcp!, payloadOf(batch('forgotten')));
    for (const reason of new Set(bad.map(([each]) => each))) {
      const kept = bad.filter(([each]) => each === reason).length * 4;
      await eventually(async () => (await rejects(reason)).length === kept);
    }
    // Nothing of all this has become a property of everything.
    expect((await stack.ask('POST', '/v1/merchants', JSON.parse('{"__proto__":{"name":"a"},"constructor":1}'))).status).toBe(400);
    expect((await stack.ask('GET', '/v1/merchants/shop/timeseries?__proto__[bots]=only&metrics[]=x')).status).toBe(400);
  });

  it('counts what is named like a part of the language, or in strange characters', async () => {
    // The last one is half an emoji on its way in, and what UTF-8 makes of that in the log and in the read models.
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '\u0000', '💶', '\u202e', '$where', 'a.b', 'x|y', '\ufffd'];
    const sent = names.map((name) => (name === '\ufffd' ? '\ud83d' : name));
    const events = sent.flatMap((name, i) => [
      event(`odd-${i}`, {
        url: `/${name}`,
        visitorId: name,
        userId: name,
        properties: name === '__proto__' ? {} : { [name]: name, [`${name}2`]: 1 },
      }),
      event(`odd-sale-${i}`, { name: 'purchase', visitorId: name, value: 1, currency: 'USD', items: [{ itemId: name, price: 1 }] }),
      event(name, { name, visitorId: name }),
    ]);
    // The other half names the same product: what is one text once stored is one text while it is counted.
    events.push(event('other-half', { name: 'purchase', visitorId: '\udcb6', value: 1, currency: 'USD', items: [{ itemId: '\udcb6' }] }));
    expect(await stack.ask('POST', '/v1/collect', events, otherKey)).toEqual({
      status: 202,
      body: { accepted: events.length, rejected: [] },
    });
    await stack.counted('other');
    const range = { from: day, to: day };
    const { totals } = await stack.timeseries('other', { metrics: 'events,visitors,orders', interval: 'day', ...range });
    expect(totals).toEqual({ events: events.length, visitors: names.length, orders: names.length + 1 });
    const values = async (dimension: string, metrics: string): Promise<[string, unknown][]> =>
      (await stack.breakdown('other', { dimension, metrics, limit: '100', ...range })).rows
        .map((row): [string, unknown] => [row.value!, row[metrics]])
        .sort();
    expect(await values('product', 'orders')).toEqual(names.map((name) => [name, name === '\ufffd' ? 2 : 1]).sort());
    expect((await values('page', 'pageviews')).filter(([page]) => page !== '/')).toEqual(names.map((name) => [`/${name}`, 1]).sort());
  });

  it('refuses requests that are none', async () => {
    const first = async (bytes: string | Buffer): Promise<string> => (await saidTo(ports.http, bytes)).split('\r\n', 1)[0]!;
    expect(await first('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await first(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    const smuggled = `POST /v1/collect HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
    expect(await first(smuggled)).toMatch(/^HTTP\/1\.1 400 /);
    const chunk = `POST /v1/collect HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`;
    expect(await first(chunk)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await first(withLength(setupFrame()))).toMatch(/^HTTP\/1\.1 400 /);
    expect(await saidTo(ports.rsocketWs, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 426 [^]*RSocket/);
    for (const [status, method, route] of [
      [400, 'GET', '/v1/merchants/%ff/timeseries'],
      [404, 'GET', '/v1/merchants/..%2f..%2fadmin/timeseries'],
      [404, 'GET', '/nothing/here'],
      [405, 'DELETE', '/v1/collect'],
    ] as const)
      expect({ route, ...(await stack.ask(method, route)) }).toMatchObject({ route, status, body: { status } });
    const broken = await fetch(`${stack.url}/v1/merchants`, {
      method: 'POST',
      body: '{"name":',
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
    });
    expect([broken.status, broken.headers.get('content-type')]).toEqual([400, expect.stringMatching(/^application\/problem\+json/)]);
    const large = await stack.ask('POST', '/v1/merchants', { name: 'x'.repeat(1 << 20) });
    expect(large).toMatchObject({ status: 413, body: { status: 413 } });
  });

  it.each(portNames)('outlives garbage, other protocols and frames beyond the limit on %s', async (name) => {
    const hostile = [
      Buffer.from('POST /v1/collect HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n'),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      withLength(setupFrame()),
      withLength(Buffer.alloc(2 << 20, 1)),
      Buffer.alloc(2 << 20, 0xff),
      Buffer.alloc(0),
      ...Array.from({ length: 24 }, () => garbage(1 + random(4_000))),
    ];
    await Promise.all(hostile.map((bytes) => throwAt(ports[name], bytes)));
  });

  it.each(kinds)('ends an RSocket connection over %s with a frame of 2 MB, and any garbage after SETUP', async (kind) => {
    const open = (): Promise<RawPeer> => (kind === 'tcp' ? rawTcp(ports.rsocketTcp) : rawWs(ports.rsocketWs));
    const framed = (bytes: Buffer): Buffer => (kind === 'tcp' ? withLength(bytes) : bytes);
    for (const bytes of [Buffer.alloc(2 << 20, 1), ...Array.from({ length: 20 }, () => garbage(1 + random(300)))]) {
      const peer = await open();
      peer.send(framed(setupFrame({ data: Buffer.from(JSON.stringify({ writeKey: key })) })));
      peer.send(framed(bytes));
      if (bytes.length > 1 << 20) await peer.closed;
      else setTimeout(() => peer.abort(), 100);
    }
  });

  it('outlives calls to its log and its read models that are well framed and make no sense', async () => {
    const log = http2.connect(`http://127.0.0.1:${ports.eventstoredb}`).on('error', () => undefined);
    const methods = ['Read', 'Append', 'Delete', 'Tombstone', 'BatchAppend', 'Nothing'];
    await Promise.all(Array.from({ length: 60 }, (_, i) => callStreams(log, methods[i % methods.length]!, garbage(1 + random(200)))));
    log.close();

    let deep: object = {};
    for (let i = 0; i < 3_000; i++) deep = { a: deep };
    const find = serialize({ find: 'x', filter: { a: 1 }, $db: 'recount' });
    const messages = [
      opMsg(0, serialize({ find: 'x', filter: deep, $db: 'recount' })),
      opMsg(0, serialize({ aggregate: 'x', pipeline: [{ $match: deep }], cursor: {}, $db: 'recount' })),
      opMsg(0, serialize({ nothing: 1, $db: 'recount' })),
      opMsg(0, serialize({ find: 'x', filter: { $where: 'while(true){}' }, $db: 'recount' })),
      opMsg(0, serialize({ find: 'x', filter: { a: { $regex: '(a+)+$' } }, $db: 'recount' })),
      opMsg(
        0,
        serialize({
          update: 'x',
          updates: [{ q: { ['__proto__']: 1 }, u: { $set: { 'constructor.prototype.x': 1 } }, upsert: true }],
          $db: 'y',
        }),
      ),
      opMsg(0xffff, find),
      ...Array.from({ length: 40 }, () => {
        const bytes = Buffer.from(find);
        for (let n = 0; n < 3; n++) bytes[random(bytes.length)] = random(256);
        return opMsg(0, bytes);
      }),
    ];
    await Promise.all(messages.map((bytes) => throwAt(ports.mongodb, bytes)));
    const announced = opMsg(0, Buffer.alloc(0));
    announced.writeInt32LE(48_000_000, 0);
    await throwAt(ports.mongodb, announced);
  });

  it('kept every process, and counts exactly what it acknowledged', async () => {
    await load.end();
    expect([load.refusals, load.unanswered.size]).toEqual([0, 0]);
    await stack.counted('shop');
    const counted = load.acknowledged.size + good.size;
    const totals = async (): Promise<object> =>
      (await stack.timeseries('shop', { metrics: 'pageviews,events', from: day, to: day, interval: 'day' })).totals;
    // What was sent without waiting for an answer comes within moments.
    await eventually(async () => JSON.stringify(await totals()) === JSON.stringify({ pageviews: counted, events: counted }), 5_000).catch(
      () => undefined,
    );
    expect(await totals()).toEqual({ pageviews: counted, events: counted });
    expect(load.acknowledged.size).toBeGreaterThan(100);
    expect(stack.process.pids()).toEqual(pids);
    expect([...pids.values()].every(isAlive)).toBe(true);
    // What one process says about a defect of its own is one of these; refusals of others' mistakes are not.
    const defects = stack.process.stderr.filter((line) => /"level":(50|60)|unhandled|uncaught|TypeError|RangeError/i.test(line));
    expect(defects).toEqual([]);
  });
});
