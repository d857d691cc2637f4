import * as net from 'node:net';
import { rawWs, setupFrame, withLength } from '../collecting/raw-peers';
import { seeded } from '../bench/events';
import { isAlive } from '../running/recount';
import { Stack } from './stack';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends bytes to a port and leaves; what the server does with the connection is its own business. */
function throwAt(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    // A reset is a fair answer to garbage.
    socket.on('error', () => undefined).once('close', () => resolve());
    socket.resume();
    setTimeout(() => socket.destroy(), 150);
  });
}

describe('bad input from every side, while a shop goes on', () => {
  let stack: Stack;
  let key: string;
  let ports: { [name: string]: number };
  let pids: Map<string, number>;
  let over = false;
  let acknowledged = 0;
  let load: Promise<void>;
  const day = new Date().toISOString().slice(0, 10);
  const event = (id: string): object => ({ id, name: 'page_view', time: Date.now(), visitorId: `v${id.length}`, url: '/' });

  beforeAll(async () => {
    stack = await Stack.start();
    key = await stack.merchant('shop');
    await stack.merchant('other');
    pids = stack.process.pids();
    const storePort = (name: string): number => Number(stack.process.log().find(({ child }) => child?.includes(name))!.ports);
    ports = { ...stack.ports, eventstoredb: storePort('eventstoredb'), mongodb: storePort('mongodb') };
    load = (async () => {
      for (let batch = 0; !over; batch++) {
        const events = Array.from({ length: 10 }, (_, i) => event(`${batch}-${i}`));
        expect(await stack.ask('POST', '/v1/collect', { events }, key)).toEqual({ status: 202, body: { accepted: 10, rejected: [] } });
        acknowledged += events.length;
        await pause(10);
      }
    })();
    // Awaited at the end: a failure before that is not an unhandled one.
    load.catch(() => undefined);
  }, 60_000);
  afterAll(async () => {
    over = true;
    await load.catch(() => undefined);
    await stack.end();
  }, 20_000);

  const collect = async (body: string | Buffer): Promise<number> =>
    (
      await fetch(`${stack.url}/v1/collect`, {
        method: 'POST',
        body: new Uint8Array(Buffer.from(body)),
        headers: { authorization: `Bearer ${key}` },
      })
    ).status;

  it('refuses wrong keys, wrong tokens and the data of others', async () => {
    const { body } = await stack.ask<{ token: string }>('POST', '/v1/merchants/other/tokens', { name: 'theirs', role: 'owner' });
    const report = '/v1/merchants/shop/timeseries';
    expect((await stack.ask('POST', '/v1/collect', [event('x')], 'wk_wrong')).status).toBe(401);
    expect((await stack.ask('GET', report, undefined, 'rt_wrong')).status).toBe(401);
    expect((await stack.ask('GET', report, undefined, body.token)).status).toBe(403);
    expect((await stack.ask('GET', report, undefined, key)).status).toBe(403);
    expect((await stack.ask('DELETE', '/v1/merchants/shop', undefined, body.token)).status).toBe(403);
    expect((await stack.ask('GET', '/admin/partitions', undefined, body.token)).status).toBe(403);
  });

  it('refuses a body it cannot read, as a whole and clearly', async () => {
    expect(await collect('{"events":[')).toBe(400);
    expect(await collect(Buffer.from([0x7b, 0xff, 0xfe, 0x80]))).toBe(400);
    expect(await collect('"events"')).toBe(400);
    expect(await collect(JSON.stringify(Array.from({ length: 10_000 }, (_, i) => i)))).toBe(413);
    expect(await collect(`[${'0'.repeat(2 << 20)}]`)).toBe(413);
  });

  it('rejects events one by one, and takes the good ones beside them', async () => {
    const odd = '{"id":"odd","name":"page_view","time":1,"visitorId":"v","properties":{"__proto__":{"admin":true}}}';
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const response = await fetch(`${stack.url}/v1/collect`, {
      method: 'POST',
      body: `[${odd},${deep},${JSON.stringify({ ...event('u'), colour: 1 })},${JSON.stringify(event('good'))}]`,
      headers: { authorization: `Bearer ${key}` },
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({
      accepted: 1,
      rejected: [
        { index: 0, reason: 'invalid-field' },
        { index: 1, reason: 'not-an-object' },
        { index: 2, reason: 'unknown-field' },
      ],
    });
    acknowledged++;
  });

  it('outlives garbage, the wrong protocol and frames beyond the limit on every port', async () => {
    const random = seeded(42);
    const garbage = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)));
    const http = Buffer.from('POST /v1/collect HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n');
    const hugeFrame = withLength(Buffer.alloc(2 << 20, 1));
    const hostile = [
      http,
      withLength(setupFrame()),
      hugeFrame,
      Buffer.alloc(0),
      ...Array.from({ length: 12 }, () => garbage(1 + random(4_000))),
    ];
    for (const port of Object.values(ports)) await Promise.all(hostile.map((bytes) => throwAt(port, bytes)));
    const peer = await rawWs(stack.ports.rsocketWs);
    peer.send(garbage(2 << 20));
    await peer.closed;
  }, 30_000);

  it('kept every process, and counts exactly what it acknowledged', async () => {
    over = true;
    await load;
    await stack.counted('shop');
    const { totals } = await stack.timeseries('shop', { metrics: 'pageviews,events', from: day, to: day, interval: 'day' });
    expect(totals).toEqual({ pageviews: acknowledged, events: acknowledged });
    expect(acknowledged).toBeGreaterThan(100);
    expect(stack.process.pids()).toEqual(pids);
    expect([...pids.values()].every(isAlive)).toBe(true);
  }, 30_000);
});
