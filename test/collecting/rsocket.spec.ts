import { ErrorCodes } from 'rsocket-core';
import { readToken, restrictedKey, type RunningCollector, someEvents, startCollector, writeKey } from './collector';
import { unavailable, until } from './memory-stores';
import {
  channel,
  closed,
  connect,
  type ConnectOptions,
  fireAndForget,
  type Kind,
  payloadOf,
  requestResponse,
  type Socket,
} from './rsocket-clients';

describe.each<Kind>(['tcp', 'ws'])('RSocket over %s', (kind) => {
  let collector: RunningCollector;
  const sockets: { socket: Socket; hasEnded: () => boolean }[] = [];
  const open = async (options: ConnectOptions = { key: writeKey }): Promise<Socket> => {
    const socket = await connect(collector, kind, options);
    let isOver = false;
    socket.onClose(() => (isOver = true));
    sockets.push({ socket, hasEnded: () => isOver });
    return socket;
  };
  const count = (ids: readonly { id: string }[]): number => {
    const stored = new Set(collector.log.events.map(({ id }) => id));
    return ids.filter(({ id }) => stored.has(id)).length;
  };
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterEach(() => {
    collector.log.before = () => undefined;
    collector.log.appendMs = 0;
    collector.keys.isAway = false;
    for (const { socket, hasEnded } of sockets.splice(0)) if (!hasEnded()) socket.close();
  });
  afterAll(() => collector.stop());

  it('answers a request when its events are in the log', async () => {
    const events = someEvents(20);
    const answer = await requestResponse(await open(), payloadOf({ events, sentAt: Date.now() }, 'collect'));
    expect(answer).toEqual({ accepted: 20, rejected: [] });
    expect(count(events)).toBe(20);
  });

  it('takes what is sent without a route for collect', async () => {
    expect(await requestResponse(await open(), payloadOf(someEvents(1)))).toEqual({ accepted: 1, rejected: [] });
  });

  it('takes a batch of a whole MiB, and refuses a larger one without ending the connection', async () => {
    const socket = await open();
    const batch = JSON.stringify(someEvents(1));
    const largest = payloadOf(batch.padEnd(1 << 20), 'collect');
    expect(await requestResponse(socket, largest)).toEqual({ accepted: 1, rejected: [] });
    await expect(requestResponse(socket, payloadOf(batch.padEnd((1 << 20) + 1), 'collect'))).rejects.toMatchObject({
      code: ErrorCodes.INVALID,
      message: 'a request may have 1048576 bytes, this one has 1048577',
    });
    expect(await requestResponse(socket, payloadOf(someEvents(1)))).toEqual({ accepted: 1, rejected: [] });
  });

  it('takes events from whoever does not wait', async () => {
    const socket = await open();
    const events = someEvents(300);
    for (let i = 0; i < 300; i += 10) await fireAndForget(socket, payloadOf(events.slice(i, i + 10), 'collect'));
    await until(() => count(events) === 300);
  });

  it('heeds a filter that came after the connection, on its requests and in its channels', async () => {
    const key = `wk_filters_${kind}`;
    const source = { kind: 'write' as const, merchantId: 'm4', sourceId: 's4', allowedOrigins: [] };
    collector.keys.put(key, source);
    const socket = await open({ key });
    const fromOffice = () => payloadOf(someEvents(1, { ip: '203.0.113.7' }), 'collect');
    expect(await requestResponse(socket, fromOffice())).toEqual({ accepted: 1, rejected: [] });

    const filtered = { ...source, addressFilters: [{ filterId: 'office', pattern: '203.0.113.0/24' }] };
    collector.keys.put(key, filtered);
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + 6_000);
    try {
      // The first is answered by what was known, and asks again.
      await requestResponse(socket, fromOffice());
      const { answers, finished } = channel(socket, [fromOffice(), fromOffice()]);
      await finished;
      expect(answers).toMatchObject(Array(2).fill({ accepted: 0, rejected: [{ reason: 'filtered-address' }] }));

      collector.keys.put(key, source);
      collector.log.appendMs = 5;
      const long = channel(socket, Array.from({ length: 100 }, fromOffice));
      await until(() => long.answers.length > 0);
      clock.mockImplementation(() => performance.timeOrigin + performance.now() + 12_000);
      await long.finished;
      expect(long.answers).toHaveLength(100);
      expect(long.answers[0]).toMatchObject({ accepted: 0 });
      expect(long.answers.at(-1)).toEqual({ accepted: 1, rejected: [] });
    } finally {
      clock.mockRestore();
    }
  });

  it('keeps with the rejects what could not be read from whoever does not wait', async () => {
    await fireAndForget(await open(), payloadOf('[{"id":"broken-one", "ip":"203.0.113.7"'));
    await until(() => collector.log.rejects.some(({ original }) => original.includes('broken-one')));
    const kept = collector.log.rejects.find(({ original }) => original.includes('broken-one'))!;
    expect(kept).toMatchObject({ reason: 'malformed-request', merchantId: 'm1', sourceId: 's1' });
    expect(kept.original).not.toContain('203.0.113.7');
  });

  it('takes a key in the data of SETUP', async () => {
    expect(await requestResponse(await open({ key: writeKey, keyInData: true }), payloadOf(someEvents(1)))).toMatchObject({ accepted: 1 });
  });

  it.each<[string, ConnectOptions, string]>([
    ['a wrong key', { key: 'wk_nobody' }, 'does not exist or was revoked'],
    ['a wrong key in data', { key: 'wk_nobody', keyInData: true }, 'does not exist or was revoked'],
    ['no key', {}, 'must carry a write key'],
    ['an empty key', { key: '' }, 'must carry a write key'],
  ])('rejects a SETUP with %s', async (_what, options, message) => {
    const ended = await closed(await open(options));
    expect(ended.code).toBe(ErrorCodes.REJECTED_SETUP);
    expect(ended.message).toContain(message);
  });

  it('does not call a key wrong that it cannot check', async () => {
    collector.keys.isAway = true;
    const ended = await closed(await open({ key: `wk_unseen_${kind}` }));
    expect(ended.code).toBe(ErrorCodes.CONNECTION_ERROR);
    expect(ended.message).toContain('connect again');
  });

  it('lets a read token connect, and not collect', async () => {
    await expect(requestResponse(await open({ key: readToken }), payloadOf(someEvents(1)))).rejects.toMatchObject({
      code: ErrorCodes.REJECTED,
      message: expect.stringContaining('needs a write key'),
    });
  });

  it.each([
    ['an unknown route', payloadOf([], 'collect.v9'), ErrorCodes.INVALID, '"collect.v9"'],
    ['broken JSON', payloadOf('[{'), ErrorCodes.INVALID, 'not JSON'],
    ['too many events', payloadOf(someEvents(1_001)), ErrorCodes.INVALID, '1000 events'],
    ['metadata that cannot be read', { ...payloadOf([]), metadata: Buffer.from([0x05, 0xff]) }, ErrorCodes.INVALID, 'metadata'],
  ])('refuses a request with %s and goes on', async (_what, payload, code, message) => {
    const socket = await open();
    await expect(requestResponse(socket, payload)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(await requestResponse(socket, payloadOf(someEvents(1)))).toMatchObject({ accepted: 1 });
  });

  it('answers a stream it does not have with the name of the route', async () => {
    const socket = await open();
    const error = await new Promise<Error>((resolve) => {
      const ignore = () => undefined;
      socket.requestStream(payloadOf({}, 'nothing.here'), 1, { onNext: ignore, onComplete: ignore, onExtension: ignore, onError: resolve });
    });
    expect(error.message).toContain('"nothing.here"');
  });

  describe('as a channel', () => {
    const batches = (n: number) => Array.from({ length: n }, () => someEvents(5));

    it('answers batch by batch, in order', async () => {
      const sent = batches(30);
      const { answers, finished } = channel(
        await open(),
        sent.map((batch, i) => payloadOf(i === 3 ? [...batch, 7] : batch)),
      );
      await finished;
      expect(answers).toHaveLength(30);
      expect(answers.map(({ rejected }) => rejected.length)).toEqual(sent.map((_, i) => (i === 3 ? 1 : 0)));
      expect(count(sent.flat())).toBe(150);
    });

    it('gives credit only as blocks are appended', async () => {
      collector.log.before = unavailable;
      const sent = batches(40);
      const run = channel(
        await open(),
        sent.map((batch) => payloadOf(batch)),
      );
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(run.sent()).toBeLessThan(12);
      expect(run.answers).toHaveLength(0);
      collector.log.before = () => undefined;
      await run.finished;
      expect(run.answers).toHaveLength(40);
    });

    it('waits for a client that does not ask for answers', async () => {
      const run = channel(
        await open(),
        batches(40).map((batch) => payloadOf(batch)),
        2,
      );
      await until(() => run.answers.length === 2);
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(run.sent()).toBeLessThan(14);
      run.requestAnswers(1_000);
      await run.finished;
      expect(run.answers).toHaveLength(40);
    });

    it('ends with what was wrong', async () => {
      const run = channel(await open(), [payloadOf(someEvents(1)), payloadOf('[{'), payloadOf(someEvents(1))]);
      await expect(run.finished).rejects.toMatchObject({ code: ErrorCodes.INVALID });
    });

    it('takes an unknown route for what it is', async () => {
      await expect(channel(await open(), [payloadOf([], 'nowhere')]).finished).rejects.toThrow('"nowhere"');
    });
  });

  it('answers hundreds of requests under way on one connection', async () => {
    const socket = await open();
    const answers = await Promise.all(Array.from({ length: 200 }, () => requestResponse(socket, payloadOf(someEvents(2)))));
    expect(answers.every(({ accepted }) => accepted === 2)).toBe(true);
  });

  it('bounds the requests under way on one connection', async () => {
    collector.log.before = unavailable;
    const socket = await open();
    const answers = Array.from({ length: 300 }, () => requestResponse(socket, payloadOf(someEvents(1))).catch((error: Error) => error));
    const refused = (await Promise.race([answers[299]!, new Promise((resolve) => setTimeout(resolve, 2_000))])) as Error;
    expect(refused.message).toContain('256 requests are under way');
    collector.log.before = () => undefined;
    const outcomes = await Promise.all(answers);
    expect(outcomes.filter((outcome) => !(outcome instanceof Error))).toHaveLength(256);
  });

  it('ends a connection whose key was revoked', async () => {
    const key = `wk_short_${kind}`;
    collector.keys.put(key, { kind: 'write', merchantId: 'm3', sourceId: 's3', allowedOrigins: [] });
    const socket = await open({ key });
    await requestResponse(socket, payloadOf(someEvents(1)));
    collector.keys.put(key, { kind: 'revoked', merchantId: 'm3' });
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + 6_000);
    try {
      const ended = closed(socket);
      await requestResponse(socket, payloadOf(someEvents(1))).catch(() => undefined);
      await requestResponse(socket, payloadOf(someEvents(1))).catch(() => undefined);
      expect((await ended).message).toContain('revoked');
    } finally {
      clock.mockRestore();
    }
  });

  it('keeps a quiet connection alive that sends keep-alives, and one that only sends events', async () => {
    const socket = await open({ key: writeKey, keepAliveMs: 100, lifetimeMs: 1_000 });
    let hasEnded = false;
    socket.onClose(() => (hasEnded = true));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(hasEnded).toBe(false);
    expect(await requestResponse(socket, payloadOf(someEvents(1)))).toMatchObject({ accepted: 1 });
  });
});

describe('a browser over WebSocket', () => {
  it('is ended once its source takes nothing from its page any more, and another page is let in', async () => {
    const collector = await startCollector();
    const key = 'wk_changing';
    const source = { kind: 'write' as const, merchantId: 'm2', sourceId: 's9', allowedOrigins: ['https://shop.example'] };
    collector.keys.put(key, source);
    const page = await connect(collector, 'ws', { key, origin: 'https://shop.example' });
    const server = await connect(collector, 'tcp', { key });
    await requestResponse(page, payloadOf(someEvents(1)));
    await requestResponse(server, payloadOf(someEvents(1)));
    collector.keys.put(key, { ...source, allowedOrigins: ['https://m.shop.example'] });
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + 6_000);
    try {
      let why: string | undefined;
      void closed(page).then(({ message }) => (why = message));
      // The first is answered by what was known, and asks again.
      await requestResponse(page, payloadOf(someEvents(1)));
      await requestResponse(page, payloadOf(someEvents(1))).catch(() => undefined);
      await until(() => why !== undefined, 20_000);
      expect(why).toBe('this source takes no events from pages of https://shop.example');
      const other = await connect(collector, 'ws', { key, origin: 'https://m.shop.example' });
      expect(await requestResponse(other, payloadOf(someEvents(1)))).toMatchObject({ accepted: 1 });
      expect(await requestResponse(server, payloadOf(someEvents(1)))).toMatchObject({ accepted: 1 });
    } finally {
      clock.mockRestore();
      await collector.stop();
    }
  });

  it('connects from the pages a source names, and its connection tells its country', async () => {
    const collector = await startCollector();
    try {
      const socket = await connect(collector, 'ws', { key: restrictedKey, origin: 'https://shop.example' });
      expect(await requestResponse(socket, payloadOf(someEvents(1)))).toMatchObject({ accepted: 1 });
      socket.close();
      const ended = await closed(await connect(collector, 'ws', { key: restrictedKey, origin: 'https://elsewhere.example' }));
      expect(ended.message).toContain('https://elsewhere.example');
    } finally {
      await collector.stop();
    }
  });
});

describe('a collector that shuts down', () => {
  it.each<Kind>(['tcp', 'ws'])('loses nothing that was written to it over %s', async (kind) => {
    const collector = await startCollector();
    const sockets = await Promise.all(Array.from({ length: 5 }, () => connect(collector, kind, { key: writeKey })));
    const endings = sockets.map(closed);
    await Promise.all(sockets.map((socket) => requestResponse(socket, payloadOf([]))));
    const sent = someEvents(500);
    for (let i = 0; i < 500; i++) void fireAndForget(sockets[i % 5]!, payloadOf([sent[i]])).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await collector.stop();
    for (const ending of endings)
      expect(await ending).toEqual({ code: ErrorCodes.CONNECTION_CLOSE, message: 'this server is shutting down; connect again' });
    expect(new Set(collector.log.events.map(({ id }) => id)).size).toBe(500);
  });

  it('answers who was waiting', async () => {
    const collector = await startCollector();
    collector.log.appendMs = 100;
    const socket = await connect(collector, 'tcp', { key: writeKey });
    const answer = requestResponse(socket, payloadOf(someEvents(3)));
    await until(() => collector.log.attempts.length > 0);
    await collector.stop();
    expect(await answer).toEqual({ accepted: 3, rejected: [] });
  });

  it('says which port is taken and what to do', async () => {
    const running = await startCollector();
    await expect(startCollector({ rsocketTcpPort: running.tcpPort })).rejects.toThrow(`Port ${running.tcpPort} on 127.0.0.1 is taken`);
    await expect(startCollector({ rsocketWsPort: running.wsPort })).rejects.toThrow('RSOCKET_WS_PORT');
    await running.stop();
  });
});
