import { QueueGauge } from '../../src/collecting/queue-gauge';
import { Sealer } from '../../src/collecting/sealer';
import { type RunningCollector, someEvents, startCollector, writeKey } from './collector';
import { unavailable, until } from './memory-stores';
import { connect, fireAndForget, type Kind, payloadOf, requestResponse } from './rsocket-clients';

/** Small enough that a test can fill it. */
const bounds = { highWaterBytes: 400_000, lowWaterBytes: 200_000, queueBytesMax: 2_000_000 };

describe('while the log is slower than its senders', () => {
  let collector: RunningCollector;
  let gauge: QueueGauge;
  beforeEach(async () => {
    collector = await startCollector();
    gauge = collector.app.get(Sealer).gauge;
    Object.assign(gauge, { bounds });
    collector.log.before = unavailable;
  });
  afterEach(() => {
    collector.log.before = () => undefined;
    return collector.stop();
  });
  /** Incompressible, as far as text can be. */
  const noisyEvents = (count: number) =>
    someEvents(count).map((event) => ({ ...event, title: Array.from({ length: 40 }, () => Math.random().toString(36).slice(2)).join('') }));

  it.each<Kind>(['tcp', 'ws'])('what waits in memory stays bounded, and arrives in the end, over %s', async (kind) => {
    const sockets = await Promise.all([1, 2, 3].map(() => connect(collector, kind, { key: writeKey })));
    await Promise.all(sockets.map((socket) => requestResponse(socket, payloadOf('{'))).map((answer) => answer.catch(() => undefined)));
    let mostBytes = 0;
    const watch = setInterval(() => (mostBytes = Math.max(mostBytes, gauge.queuedBytes)), 1);
    const sent = noisyEvents(12_000);
    for (let i = 0; i < sent.length; i += 40) void fireAndForget(sockets[(i / 40) % 3]!, payloadOf(sent.slice(i, i + 40)));
    await until(() => gauge.isHigh);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(mostBytes).toBeLessThan(bounds.queueBytesMax);
    expect(await collector.readiness.ask()).toMatchObject({
      collecting: { ok: false, detail: expect.stringContaining('wait for the log') },
    });
    collector.log.before = () => undefined;
    await until(() => new Set(collector.log.events.map(({ id }) => id)).size === sent.length);
    clearInterval(watch);
    expect(mostBytes).toBeLessThan(bounds.queueBytesMax);
    await until(() => gauge.queuedBytes === 0);
    for (const socket of sockets) socket.close();
  });

  it.each<Kind>(['tcp', 'ws'])('a client may connect over %s, and is answered when the log has caught up', async (kind) => {
    gauge.add(bounds.highWaterBytes);
    const socket = await connect(collector, kind, { key: writeKey });
    let isAnswered = false;
    const answer = requestResponse(socket, payloadOf(someEvents(1))).then((collected) => {
      isAnswered = true;
      return collected;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isAnswered).toBe(false);
    collector.log.before = () => undefined;
    gauge.remove(bounds.highWaterBytes);
    expect(await answer).toMatchObject({ accepted: 1 });
    socket.close();
  });

  it('HTTP answers 503 with Retry-After, and 202 again afterwards', async () => {
    const post = (events: unknown) =>
      fetch(`${collector.httpUrl}/v1/collect`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${writeKey}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(events),
      });
    gauge.add(bounds.highWaterBytes);
    const refused = await post(someEvents(1));
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    await refused.text();
    gauge.remove(bounds.highWaterBytes);
    collector.log.before = () => undefined;
    expect((await post(someEvents(1))).status).toBe(202);
  });

  it('refuses what does not fit instead of growing', async () => {
    const socket = await connect(collector, 'tcp', { key: writeKey });
    await requestResponse(socket, payloadOf('{')).catch(() => undefined);
    const filled = bounds.highWaterBytes - 1;
    gauge.add(filled);
    Object.assign(gauge, { bounds: { ...bounds, queueBytesMax: filled + 10 } });
    await expect(requestResponse(socket, payloadOf(someEvents(5)))).rejects.toThrow('send the same events again');
    gauge.remove(filled);
    socket.close();
  });
});
