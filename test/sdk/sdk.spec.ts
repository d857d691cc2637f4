import * as net from 'node:net';
import { ErrorCodes, RSocketError } from 'rsocket-core';
import type { RejectedEvent } from '../../src/protocol/event';
import { createRecount, RecountRefused, type DropReason, type RecountClient, type RecountOptions } from '../../src/sdk';
import { ScriptedServer } from './scripted-server';

let server: ScriptedServer;
const clients: RecountClient[] = [];

beforeEach(async () => {
  server = await new ScriptedServer().start();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ withinMs: 0 }).catch(() => undefined)));
  server.stop();
});

function connect(options: Partial<RecountOptions> = {}): RecountClient {
  const client = createRecount({
    url: `tcp://127.0.0.1:${server.port}`,
    writeKey: 'right',
    backoffMs: 5,
    backoffMaxMs: 50,
    batchAfterMs: 10,
    ...options,
  });
  clients.push(client);
  return client;
}

const event = (n: number) => ({ id: `e${n}`, name: 'page_view', visitorId: `v${n % 7}`, time: 1_700_000_000_000 + n });
const ids = (): string[] => server.events.map(({ id }) => id);

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('it did not happen within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe('sending events', () => {
  it('gives an event that has neither an id and the time', async () => {
    const before = Date.now();
    const client = connect();
    client.track({ name: 'page_view', visitorId: 'v1' });
    client.track({ name: 'page_view', visitorId: 'v1', time: new Date('2026-03-01T10:00:00Z') });
    await client.flush();
    const [first, second] = server.events;
    expect(first!.id).toMatch(/^[0-9a-f]{32}$/);
    expect(second!.id).not.toBe(first!.id);
    expect(first!.time).toBeGreaterThanOrEqual(before);
    expect(second!.time).toBe('2026-03-01T10:00:00.000Z');
    expect(server.batches[0]!.sentAt).toBeGreaterThanOrEqual(before);
  });

  it('takes the event as it was when it was tracked', async () => {
    const client = connect();
    const mutable = { ...event(1), properties: { colour: 'red' } };
    client.track(mutable);
    mutable.properties.colour = 'blue';
    await client.flush();
    expect(server.events[0]!.properties).toEqual({ colour: 'red' });
  });

  it('sends full batches in order and the rest after a short wait', async () => {
    const client = connect({ batchEventsMax: 10, inFlightBatchesMax: 1 });
    for (let n = 0; n < 25; n++) client.track(event(n));
    await until(() => server.events.length === 25);
    expect(server.batches.map((batch) => batch.events.length)).toEqual([10, 10, 5]);
    expect(ids()).toEqual(Array.from({ length: 25 }, (_, n) => `e${n}`));
  });

  it('splits batches by their size in bytes', async () => {
    const client = connect({ batchBytesMax: 2_000 });
    for (let n = 0; n < 10; n++) client.track({ ...event(n), title: 'ü'.repeat(300) });
    await client.flush();
    for (const batch of server.batches) expect(Buffer.byteLength(JSON.stringify(batch.events))).toBeLessThanOrEqual(2_100);
    expect(ids()).toHaveLength(10);
  });

  it('sends what is left when it is closed, and takes nothing afterwards', async () => {
    const client = connect({ batchAfterMs: 60_000 });
    for (let n = 0; n < 3; n++) client.track(event(n));
    const stats = await client.close();
    expect(stats).toMatchObject({ sent: 3, dropped: 0, queued: 0, inFlight: 0 });
    expect(client.track(event(4))).toBe(false);
    expect(ids()).toHaveLength(3);
    await until(() => server.openConnections === 0);
  });

  it('fire and forget asks no answer and still has everything on its way when flush resolves', async () => {
    const client = connect({ mode: 'fire-and-forget', batchEventsMax: 100 });
    for (let n = 0; n < 1_000; n++) client.track(event(n));
    await client.flush();
    await until(() => server.events.length === 1_000);
    expect(client.stats()).toMatchObject({ sent: 1_000, dropped: 0 });
  });
});

describe('when the connection is lost', () => {
  it('sends the same events again until they are acknowledged', async () => {
    server.answer = (batch, n) => {
      if (n > 1) return { accepted: batch.events.length, rejected: [] };
      server.cut();
      return 'silence';
    };
    const client = connect();
    for (let n = 0; n < 5; n++) client.track(event(n));
    await client.flush();
    expect(server.batches).toHaveLength(2);
    expect(server.batches[1]!.events).toEqual(server.batches[0]!.events);
    expect(client.stats()).toMatchObject({ sent: 5, connections: 2 });
  });

  it('keeps what is tracked while there is no server and sends it when there is one', async () => {
    const port = server.port;
    server.stop();
    const errors: Error[] = [];
    const client = connect({ url: `tcp://127.0.0.1:${port}`, onError: (error) => errors.push(error) });
    for (let n = 0; n < 20; n++) client.track(event(n));
    await until(() => errors.length >= 2);
    expect(errors[0]!.message).toContain(`cannot connect to tcp://127.0.0.1:${port}`);
    server = await new ScriptedServer().start(port);
    await client.flush();
    expect(ids()).toHaveLength(20);
  });

  it('loses and repeats no acknowledged event over many interruptions', async () => {
    const client = connect({ batchEventsMax: 5, inFlightBatchesMax: 3 });
    let accepted = 0;
    server.answer = (batch) => {
      accepted += batch.events.length;
      return { accepted: batch.events.length, rejected: [] };
    };
    const cutting = setInterval(() => server.cut(), 15);
    for (let n = 0; n < 400; n++) {
      client.track(event(n));
      if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    clearInterval(cutting);
    await client.flush();
    expect(new Set(ids()).size).toBe(400);
    expect(client.stats().sent).toBe(400);
    expect(accepted).toBeGreaterThanOrEqual(400);
    expect(client.stats().connections).toBeGreaterThan(1);
  });

  it('treats a server that does not answer as lost', async () => {
    server.answer = (batch, n) => (n === 1 ? 'silence' : { accepted: batch.events.length, rejected: [] });
    const client = connect({ requestTimeoutMs: 50 });
    client.track(event(1));
    await client.flush();
    expect(ids()).toEqual(['e1', 'e1']);
    expect(client.stats().sent).toBe(1);
  });

  it('gives up a connection attempt that nobody answers', async () => {
    const silent = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const errors: Error[] = [];
    const url = `tcp://127.0.0.1:${(silent.address() as net.AddressInfo).port}`;
    const client = connect({ url, connectTimeoutMs: 30, onError: (error) => errors.push(error) });
    client.track(event(1));
    await until(() => errors.length > 0);
    expect(errors[0]!.message).toContain('did not answer within 30 ms');
    await client.close({ withinMs: 0 });
    silent.close();
  });

  it('opens a fresh connection before stream ids run out', async () => {
    const client = connect({ requestsPerConnectionMax: 4, batchEventsMax: 1, inFlightBatchesMax: 2 });
    for (let n = 0; n < 12; n++) client.track(event(n));
    await client.flush();
    expect([...ids()].sort()).toEqual(Array.from({ length: 12 }, (_, n) => `e${n}`).sort());
    // One request of each connection asks whether it was accepted.
    expect(client.stats().connections).toBe(4);
  });
});

describe('when the server answers with an error', () => {
  it('tries a failed batch again, since the store behind it may be back', async () => {
    server.answer = (batch, n) =>
      n <= 3 ? new RSocketError(ErrorCodes.APPLICATION_ERROR, 'the log does not answer') : { accepted: batch.events.length, rejected: [] };
    const errors: Error[] = [];
    const client = connect({ onError: (error) => errors.push(error) });
    client.track(event(1));
    await client.flush();
    expect(ids()).toEqual(['e1', 'e1', 'e1', 'e1']);
    expect(errors.map(({ message }) => message)).toEqual(Array(3).fill('the log does not answer'));
    expect(client.stats()).toMatchObject({ sent: 1, connections: 1 });
  });

  it('reports events the server refused, with the reason, and does not send them again', async () => {
    const refusal: RejectedEvent = { index: 1, id: 'e1', reason: 'unknown-field', detail: 'unknown field "colour"' };
    server.answer = (batch) => ({ accepted: batch.events.length - 1, rejected: [refusal] });
    const rejected: RejectedEvent[] = [];
    const client = connect({ onReject: (some) => rejected.push(...some) });
    for (let n = 0; n < 3; n++) client.track(event(n));
    await client.flush();
    expect(rejected).toEqual([refusal]);
    expect(client.stats()).toMatchObject({ sent: 2, rejected: 1 });
    expect(server.batches).toHaveLength(1);
  });

  it('reports a batch the server cannot read as refused as a whole', async () => {
    server.answer = () => new RSocketError(ErrorCodes.INVALID, 'not a batch');
    const rejected: RejectedEvent[] = [];
    const client = connect({ onReject: (some) => rejected.push(...some) });
    client.track(event(1));
    client.track(event(2));
    await client.flush();
    expect(rejected.map(({ id, detail }) => [id, detail])).toEqual([
      ['e1', 'not a batch'],
      ['e2', 'not a batch'],
    ]);
  });
});

describe('a wrong write key', () => {
  it('is a clear error and is not tried for ever', async () => {
    const errors: Error[] = [];
    const dropped: [readonly string[], DropReason][] = [];
    const client = connect({
      writeKey: 'wrong',
      onError: (error) => errors.push(error),
      onDrop: (some, reason) => dropped.push([some, reason]),
    });
    client.track(event(1));
    await expect(client.flush()).rejects.toThrow(new RecountRefused('Recount refused the connection: this write key does not exist'));
    expect(errors).toHaveLength(1);
    expect(client.track(event(2))).toBe(false);
    expect(dropped).toEqual([
      [['e1'], 'refused'],
      [['e2'], 'refused'],
    ]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(server.keys).toEqual(['wrong', 'wrong', 'wrong']);
    await expect(client.close()).rejects.toThrow(RecountRefused);
  });

  it('is no wrong key when the next attempt is let in', async () => {
    const client = connect({ writeKey: 'new' });
    client.track(event(1));
    await until(() => server.keys.length === 1);
    server.key = 'new';
    await client.flush();
    expect(client.stats()).toMatchObject({ sent: 1, dropped: 0 });
  });
});

describe('bounds', () => {
  it('drops and reports what does not fit into the queue', async () => {
    const dropped: [readonly string[], DropReason][] = [];
    const client = connect({
      url: 'tcp://127.0.0.1:9',
      queueEventsMax: 3,
      onDrop: (some, reason) => dropped.push([some, reason]),
      onError: () => undefined,
    });
    expect([0, 1, 2, 3, 4].map((n) => client.track(event(n)))).toEqual([true, true, true, false, false]);
    expect(dropped).toEqual([
      [['e3'], 'queue-full'],
      [['e4'], 'queue-full'],
    ]);
    expect((await client.close({ withinMs: 20 })).dropped).toBe(5);
    expect(dropped.at(-1)).toEqual([['e0', 'e1', 'e2'], 'closed']);
  });

  it('bounds the queue in bytes, too', () => {
    const client = connect({ url: 'tcp://127.0.0.1:9', queueBytesMax: 1_000, onError: () => undefined });
    let taken = 0;
    while (client.track({ ...event(taken), title: 'x'.repeat(100) })) taken++;
    expect(taken).toBeGreaterThan(2);
    expect(client.stats().queuedBytes).toBeLessThanOrEqual(1_000);
  });

  it('refuses an event that fits into no batch', () => {
    const dropped: DropReason[] = [];
    const client = connect({ onDrop: (_ids, reason) => dropped.push(reason) });
    expect(client.track({ ...event(1), title: 'x'.repeat(2_000_000) })).toBe(false);
    expect(dropped).toEqual(['too-large']);
  });

  it('lets a producer wait for room instead of dropping', async () => {
    const client = connect({ queueEventsMax: 50, batchEventsMax: 10 });
    for (let n = 0; n < 1_000; n++) {
      await client.room();
      expect(client.track(event(n))).toBe(true);
    }
    await client.flush();
    expect(client.stats()).toMatchObject({ sent: 1_000, dropped: 0 });
  });

  it('never has more batches in flight than allowed', async () => {
    server.answer = () => 'silence';
    const client = connect({ batchEventsMax: 1, inFlightBatchesMax: 3, requestTimeoutMs: 60_000 });
    for (let n = 0; n < 10; n++) client.track(event(n));
    await until(() => server.batches.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.batches).toHaveLength(3);
    await expect(client.flush({ withinMs: 20 })).rejects.toThrow('10 events are not delivered after 20 ms');
  });

  it.each([
    [{ url: 'http://127.0.0.1:1' }, /url is "http:\/\/127.0.0.1:1", allowed: tcp:/],
    [{ url: 'tcp://127.0.0.1' }, /names no port/],
    [{ writeKey: '' }, /writeKey must be a non-empty string/],
    [{ batchEventsMax: 1_001 }, /batchEventsMax is 1001, allowed: a whole number from 1 to 1000/],
    [{ queueEventsMax: 0.5 }, /queueEventsMax is 0.5/],
  ])('refuses the option %j with what is allowed', (option, message) => {
    expect(() => createRecount({ url: 'tcp://127.0.0.1:1', writeKey: 'k', ...option })).toThrow(message);
  });
});
