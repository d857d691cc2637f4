import { END, type EventStoreDBClient, eventTypeFilter, START, streamNameFilter } from '@eventstore/db-client';
import { block, eventually, numbered, numbersOf, Stage, take } from './stage';

describe('subscribing', () => {
  const stage = new Stage();
  let client: EventStoreDBClient;
  let writer: EventStoreDBClient;
  beforeAll(async () => {
    const server = await stage.server({ segmentBytesMax: 256 << 10 });
    client = stage.client(server);
    writer = stage.client(server);
  });
  afterAll(() => stage.clear());
  const once = (emitter: { once(event: string, listener: () => void): unknown }, event: string) =>
    new Promise<void>((resolve) => void emitter.once(event, resolve));

  it('gives what is there, says that it has caught up, then gives what is appended, without gap or repetition', async () => {
    await writer.appendToStream(
      'followed',
      Array.from({ length: 100 }, (_, n) => numbered(n)),
    );
    const subscription = client.subscribeToStream('followed', { fromRevision: START });
    const caughtUp = once(subscription, 'caughtUp');
    const received = numbersOf(
      (async function* () {
        for (const event of await take(subscription, 300)) yield event;
      })(),
    );
    const appending = (async () => {
      for (let n = 100; n < 300; n++) await writer.appendToStream('followed', numbered(n));
    })();
    await Promise.all([caughtUp, appending]);
    expect(await received).toEqual(Array.from({ length: 300 }, (_, n) => n));
  });

  it('begins behind the given revision, at the end when asked, and with a stream that does not exist yet', async () => {
    const after = client.subscribeToStream('followed', { fromRevision: 298n });
    expect((await take(after, 1))[0]!.event!.revision).toBe(299n);
    const unborn = client.subscribeToStream('unborn', { fromRevision: START });
    const fromEnd = client.subscribeToStream('followed', { fromRevision: END });
    await Promise.all([once(unborn, 'caughtUp'), once(fromEnd, 'caughtUp')]);
    const [first, next] = [take(unborn, 1), take(fromEnd, 1)];
    await writer.appendToStream('unborn', numbered(1));
    await writer.appendToStream('followed', numbered(300));
    expect((await first)[0]!.event!.revision).toBe(0n);
    expect((await next)[0]!.event!.revision).toBe(300n);
  });

  it('gives all streams from a position on', async () => {
    const all = await take(client.readAll(), 50);
    const subscription = client.subscribeToAll({ fromPosition: all[9]!.event!.position! });
    const ids = (await take(subscription, 40)).map(({ event }) => event!.id);
    expect(ids).toEqual(all.slice(10).map(({ event }) => event!.id));
  });

  it('filters all streams by name or type, by prefix or expression', async () => {
    for (let n = 0; n < 30; n++) await writer.appendToStream(`kind-${n % 3}`, numbered(n, n % 2 ? 'odd' : 'even'));
    const filters = {
      'stream prefix': [streamNameFilter({ prefixes: ['kind-1', 'kind-2'] }), 20],
      'stream expression': [streamNameFilter({ regex: '^kind-[01]$' }), 20],
      'type prefix': [eventTypeFilter({ prefixes: ['odd'] }), 15],
      'type expression': [eventTypeFilter({ regex: '^(odd|even)$' }), 30],
    } as const;
    for (const [filter, count] of Object.values(filters)) {
      const subscription = client.subscribeToAll({ fromPosition: START, filter });
      const events: string[] = [];
      subscription.on('data', ({ event }) => void events.push(event!.type));
      await once(subscription, 'caughtUp');
      expect(events).toHaveLength(count);
      await subscription.unsubscribe();
    }
  });

  it('tells how far a filter has looked, so that it can be resumed from there', async () => {
    const checkpoints: bigint[] = [];
    const filter = streamNameFilter({
      prefixes: ['rare'],
      maxSearchWindow: 10,
      checkpointInterval: 2,
      checkpointReached: (_subscription, position) => void checkpoints.push(position.commit),
    });
    const subscription = client.subscribeToAll({ fromPosition: START, filter });
    subscription.on('data', () => undefined);
    await once(subscription, 'caughtUp');
    const head = (await take(client.readAll({ direction: 'backwards', fromPosition: END, maxCount: 1 }), 1))[0]!.event!.position!.commit;
    await eventually(() => checkpoints.at(-1) === head);
    expect(checkpoints.length).toBeGreaterThan(10);
    expect(checkpoints).toEqual([...checkpoints].sort((a, b) => (a < b ? -1 : 1)));
    const before = checkpoints.length;
    for (let n = 0; n < 40; n++) await writer.appendToStream('common', numbered(n));
    await eventually(() => checkpoints.length === before + 2);
    await subscription.unsubscribe();
  });

  it('waits for a slow subscriber without keeping blocks for it, and loses none of them', async () => {
    const slow = client.subscribeToStream('blocks', { fromRevision: START });
    await once(slow, 'caughtUp');
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 40 }, () => writer.appendToStream('blocks', block(131_072))));
    let next = 0n;
    for await (const { event } of slow) {
      expect(event!.revision).toBe(next);
      if (++next === 400n) break;
    }
  });
});
