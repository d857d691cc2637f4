import { ErrorCodes, type RSocketError } from 'rsocket-core';
import type { AcceptedEvent } from '../../src/domain/columns';
import { hashSecret } from '../../src/configuring/secrets';
import { listenersPerMerchantMax } from '../../src/reporting/live/live-numbers';
import type { Realtime } from '../../src/reporting/realtime/realtime';
import { collectionOf, recordKinds, type KeyRecord } from '../../src/stores/records';
import { closed, connect, payloadOf, requestResponse, type Kind, type Socket } from '../collecting/rsocket-clients';
import { generationId, Installation, readToken } from './installation';

const installation = new Installation();
const forever = 0x7fffffff;
const writeKey = 'wk_of_the_shop';
let events = 0;
const view = (visitorId: string): AcceptedEvent => ({
  merchantId: 'shop',
  id: `e${events++}`,
  time: installation.now,
  receivedAt: installation.now,
  name: 'page_view',
  visitorId,
  url: '/',
});

beforeAll(async () => {
  await installation.register('shop');
  const key: KeyRecord = { kind: 'write', merchantId: 'shop', sourceId: 's', allowedOrigins: [] };
  await installation.store.records.put(recordKinds.keys, hashSecret(writeKey), key);
  await installation.serve();
  await installation.count([view('a'), view('b')]);
  await installation.start();
});
afterAll(() => installation.stop());

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
async function open(kind: Kind = 'tcp', key = readToken('shop'), at = installation): Promise<Socket> {
  const [, tcpPort, wsPort] = /rsocket-tcp=(\d+) rsocket-ws=(\d+)/.exec(at.ports.describe())!.map(Number);
  const socket = await connect({ tcpPort: tcpPort!, wsPort: wsPort! }, kind, { key });
  sockets.push(socket);
  return socket;
}

interface Listening {
  next(): Promise<Realtime>;
  request(frames: number): void;
  cancel(): void;
  /** Resolves when the server completes the stream, rejects with what it says instead. */
  readonly over: Promise<void>;
  readonly waiting: readonly Realtime[];
}
function listen(socket: Socket, question: unknown = { metrics: ['pageviews'] }, credit = forever): Listening {
  const frames: Realtime[] = [];
  const takers: ((frame: Realtime) => void)[] = [];
  let end: { complete(): void; fail(error: Error): void };
  const over = new Promise<void>((complete, fail) => (end = { complete, fail }));
  over.catch(() => undefined);
  const stream = socket.requestStream(payloadOf(question, 'report.live'), credit, {
    onNext: ({ data }) => {
      const frame = JSON.parse(data!.toString()) as Realtime;
      const taker = takers.shift();
      if (taker === undefined) frames.push(frame);
      else taker(frame);
    },
    onComplete: () => end.complete(),
    onError: (error) => end.fail(error),
    onExtension: () => undefined,
  });
  return {
    next: () => {
      const frame = frames.shift();
      return frame === undefined
        ? Promise.race([new Promise<Realtime>((take) => takers.push(take)), over as never])
        : Promise.resolve(frame);
    },
    request: (n) => stream.request(n),
    cancel: () => stream.cancel(),
    over,
    waiting: frames,
  };
}

/** Places are free when the server has learnt that others are gone. */
async function listenOncePossible(socket: Socket): Promise<{ stream: Listening; first: Realtime }> {
  for (let tries = 0; ; tries++) {
    const stream = listen(socket);
    try {
      return { stream, first: await stream.next() };
    } catch (error) {
      if (tries === 100) throw error;
      await later(50);
    }
  }
}

let checkpoint = 100;
/** As when the worker has flushed what has come in this minute. */
async function becomes(pageviews: number): Promise<void> {
  const collection = collectionOf('traffic', generationId);
  const documents = await installation.store.documents.scan(collection, '', '~');
  const minutes = documents.find(({ _id }) => _id.includes('shop|traffic|minute|'))!;
  const [value] = (minutes as unknown as { values: { v: string; h: object }[] }).values;
  const values = [{ ...value!, h: { ...value!.h, pageviews } }];
  await installation.store.documents.flush(collection, [{ ...minutes, values }], { r0: minutes.rev, r1: minutes.rev + 1 });
  await installation.heartbeat('shop', { checkpoint: checkpoint++, checkpointTime: installation.now });
}
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('live reports over RSocket', () => {
  it.each(['tcp', 'ws'] as const)('come at once over %s, then when the numbers change and not before', async (kind) => {
    const stream = listen(await open(kind));
    const first = await stream.next();
    expect(first).toMatchObject({ merchantId: 'shop', metrics: ['pageviews'], activeVisitors: 2, meta: { projection: 'traffic' } });
    await later(1_500);
    expect(stream.waiting).toEqual([]);
    const views = (first.totals['pageviews'] as number) + 5;
    await becomes(views);
    expect(await stream.next()).toMatchObject({ totals: { pageviews: views } });
  });

  it('come as often as they are asked for, and then the newest', async () => {
    const stream = listen(await open(), undefined, 1);
    const { totals } = await stream.next();
    const views = totals['pageviews'] as number;
    for (const more of [1, 2]) {
      await becomes(views + more);
      await later(1_700);
    }
    expect(stream.waiting).toEqual([]);
    stream.request(1);
    expect(await stream.next()).toMatchObject({ totals: { pageviews: views + 2 } });
  });

  it('need no question at all', async () => {
    expect((await listen(await open(), '').next()).metrics).toEqual(['pageviews', 'visitors']);
  });

  it.each([
    ['a metric that does not exist', { metrics: ['hits'] }, ErrorCodes.INVALID, /metrics: 'hits' is unknown; allowed are pageviews/],
    ['a goal that does not exist', { metrics: ['goal:signup'] }, ErrorCodes.INVALID, /there is no goal 'signup'/],
    ['metrics that are no list', { metrics: 'pageviews' }, ErrorCodes.INVALID, /metrics must be a list of names/],
    ['bots it does not know', { bots: 'maybe' }, ErrorCodes.INVALID, /bots must be one of exclude, include, only/],
    ['a field it does not know', { from: 'today' }, ErrorCodes.INVALID, /unknown field "from"/],
    ['what is not JSON', '{', ErrorCodes.INVALID, /the data is not JSON/],
    ['what is no object', '[]', ErrorCodes.INVALID, /the data must be an object/],
  ])('refuse %s', async (_name, question, code, message) => {
    const refusal = await listen(await open(), question).over.catch((error: RSocketError) => error);
    expect(refusal).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('are for read tokens, and a stream', async () => {
    const refusal = await listen(await open('tcp', writeKey)).over.catch((error: RSocketError) => error);
    expect(refusal).toMatchObject({ code: ErrorCodes.REJECTED, message: expect.stringMatching(/needs a read token/) });
    const asked = requestResponse(await open(), payloadOf({}, 'report.live'));
    await expect(asked).rejects.toMatchObject({
      code: ErrorCodes.INVALID,
      message: expect.stringMatching(/ask for it with request\/stream/),
    });
  });

  it('go to as many as the server promises, over all transports together, and to new ones when others have gone', async () => {
    const socket = await open();
    const streams = [await listenOncePossible(socket)];
    while (streams.length < listenersPerMerchantMax) streams.push(await listenOncePossible(socket));
    const other = await open('ws');
    await expect(listen(other).over).rejects.toMatchObject({
      code: ErrorCodes.REJECTED,
      message: expect.stringMatching(/as many are listening/),
    });
    streams[0]!.stream.cancel();
    await listenOncePossible(other);
    await expect(listen(other).over).rejects.toMatchObject({ code: ErrorCodes.REJECTED });
    // Connections that are simply gone leave their places too.
    socket.close();
    for (let i = 1; i < listenersPerMerchantMax; i++) await listenOncePossible(other);
  });

  it('end when their token is revoked', async () => {
    const token = 'a-token-that-is-revoked';
    const record: KeyRecord = { kind: 'read', merchantId: 'shop', tokenId: 'gone', role: 'viewer' };
    await installation.store.records.put(recordKinds.keys, hashSecret(token), record);
    const socket = await open('tcp', token);
    const ended = closed(socket);
    const { totals } = (await listenOncePossible(socket)).first;
    await installation.store.records.put(recordKinds.keys, hashSecret(token), { kind: 'revoked', merchantId: 'shop' });
    let views = totals['pageviews'] as number;
    let isOver = false;
    void ended.then(() => (isOver = true));
    for (let tries = 0; !isOver && tries < 12; tries++) {
      await becomes(++views);
      await later(1_000);
    }
    expect((await ended).message).toMatch(/revoked/);
  });

  it('complete when the process stops', async () => {
    const short = new Installation();
    await short.register('shop');
    await short.serve();
    await short.start();
    const stream = listen(await open('tcp', readToken('shop'), short));
    await stream.next();
    await Promise.all([stream.over, short.stop()]);
  });
});
