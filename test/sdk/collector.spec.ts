import type { RejectedEvent } from '../../src/protocol/event';
import { createRecount, RecountRefused, type RecountClient, type RecountOptions, type TrackedEvent } from '../../src/sdk';
import { StoreUnavailable } from '../../src/stores/event-store';
import { readToken, startCollector, writeKey, type RunningCollector } from '../collecting/collector';

let collector: RunningCollector;
const clients: RecountClient[] = [];

beforeEach(async () => {
  collector = await startCollector();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ withinMs: 0 }).catch(() => undefined)));
  await collector.stop();
});

function connect(options: Partial<RecountOptions> = {}): RecountClient {
  const client = createRecount({
    url: `tcp://127.0.0.1:${collector.tcpPort}`,
    writeKey,
    batchAfterMs: 10,
    backoffMs: 10,
    onError: () => undefined,
    ...options,
  });
  clients.push(client);
  return client;
}
const event = (n: number): TrackedEvent => ({ id: `e${n}`, name: 'page_view', visitorId: `v${n % 7}`, time: 1_700_000_000_000 + n });
const idsInTheLog = (): string[] => collector.log.events.map(({ id }) => id).sort();
const expectedIds = (count: number): string[] => Array.from({ length: count }, (_, n) => `e${n}`).sort();

describe('the SDK and the collector', () => {
  it.each([
    ['tcp', () => collector.tcpPort],
    ['ws', () => collector.wsPort],
  ])('bring every event to the log over %s before flush resolves', async (scheme, port) => {
    const client = connect({ url: `${scheme}://127.0.0.1:${port()}`, batchEventsMax: 100 });
    for (let n = 0; n < 2_000; n++) client.track(event(n));
    await client.flush();
    expect(idsInTheLog()).toEqual(expectedIds(2_000));
    expect(collector.log.events[0]).toMatchObject({ merchantId: 'm1', name: 'page_view', time: expect.any(Number) as number });
    expect(client.stats()).toMatchObject({ sent: 2_000, rejected: 0, dropped: 0, connections: 1 });
  });

  it('keep the time of events that happened long ago', async () => {
    const client = connect();
    client.track({ ...event(0), time: '2015-05-17T10:05:03Z' });
    await client.flush();
    expect(collector.log.events[0]!.time).toBe(Date.parse('2015-05-17T10:05:03Z'));
  });

  it('bring everything to the log without acknowledgements, too, when nothing goes wrong', async () => {
    const client = connect({ mode: 'fire-and-forget' });
    for (let n = 0; n < 2_000; n++) client.track(event(n));
    await client.close();
    const end = Date.now() + 60_000;
    while (collector.log.events.length < 2_000 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(idsInTheLog()).toEqual(expectedIds(2_000));
  });

  it('report refused events with their reason and deliver the others', async () => {
    const rejected: RejectedEvent[] = [];
    const client = connect({ onReject: (some) => rejected.push(...some) });
    client.track(event(0));
    client.track({ ...event(1), colour: 'red' } as TrackedEvent);
    client.track({ ...event(2), visitorId: '' });
    await client.flush();
    expect(idsInTheLog()).toEqual(['e0']);
    expect(rejected.map(({ id, reason }) => [id, reason])).toEqual([
      ['e1', 'unknown-field'],
      ['e2', 'invalid-field'],
    ]);
    expect(client.stats()).toMatchObject({ sent: 1, rejected: 2 });
  });

  it.each([
    ['a wrong key', 'wk_wrong', /does not exist or was revoked/],
    ['an empty merchant’s reading token', readToken, /needs a write key/],
  ])('do not come together with %s', async (_name, key, message) => {
    const rejected: RejectedEvent[] = [];
    const client = connect({ writeKey: key, onReject: (some) => rejected.push(...some) });
    client.track(event(0));
    const failure = await client.flush({ withinMs: 5_000 }).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(RecountRefused);
    expect((failure as Error).message).toMatch(message);
    expect(collector.log.events).toEqual([]);
  });

  it('wait for the log when it is away, and lose nothing', async () => {
    let away = true;
    collector.log.before = () => {
      if (away) throw new StoreUnavailable('away');
    };
    const client = connect({ requestTimeoutMs: 2_000 });
    for (let n = 0; n < 50; n++) client.track(event(n));
    await expect(client.flush({ withinMs: 500 })).rejects.toThrow('50 events are not delivered after 500 ms');
    away = false;
    await client.flush();
    expect([...new Set(idsInTheLog())]).toEqual(expectedIds(50));
  });

  it('survive the collector being replaced by another on the same port', async () => {
    const { tcpPort } = collector;
    const client = connect({ batchEventsMax: 10 });
    for (let n = 0; n < 100; n++) client.track(event(n));
    await client.flush();
    const before = collector.log.events;
    await collector.stop();
    for (let n = 100; n < 200; n++) client.track(event(n));
    collector = await startCollector({ rsocketTcpPort: tcpPort });
    await client.flush();
    expect([...before, ...collector.log.events].map(({ id }) => id).sort()).toEqual(expectedIds(200));
    expect(client.stats()).toMatchObject({ sent: 200, connections: 2 });
  });
});
