import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start, type StartedServer } from '../../src/embedded/eventstoredb';
import { type CaughtUp, type NewRecord, type RecordedEvent, StoreUnavailable } from '../../src/stores/event-store';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { UnreliableLink } from './unreliable-link';

const record = (data = 1): NewRecord => ({ id: randomUUID(), type: 'thing.v1', data: Uint8Array.of(data), contentType: 'binary' });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('the log over a bad connection', () => {
  let folder: string;
  let server: StartedServer;
  let link: UnreliableLink;
  let store: EventStoreDb;
  const unhandled: unknown[] = [];
  const noteUnhandled = (reason: unknown): void => void unhandled.push(reason);

  beforeAll(() => void process.on('unhandledRejection', noteUnhandled));
  afterAll(() => void process.off('unhandledRejection', noteUnhandled));
  beforeEach(async () => {
    unhandled.length = 0;
    folder = await mkdtemp(join(tmpdir(), 'recount-link-'));
    server = await start({ folder, port: 0 });
    link = await UnreliableLink.to(server.port);
    store = new EventStoreDb(`esdb://127.0.0.1:${link.port}?tls=false`);
  });
  afterEach(async () => {
    await store.close();
    await link.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    await pause(20);
    expect(unhandled).toEqual([]);
  });

  const idsIn = async (stream: string): Promise<string[]> => {
    const direct = new EventStoreDb(server.connectionString);
    const ids: string[] = [];
    for await (const { id } of direct.read(stream)) ids.push(id);
    await direct.close();
    return ids;
  };

  it('appends everything exactly once though connections break all the time', async () => {
    let appending = true;
    const breaking = (async () => {
      while (appending) {
        await pause(40 + Math.random() * 60);
        link.cut();
      }
    })();
    const sent: string[] = [];
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      for (let i = 0; i < 6; i++) {
        const batch = [record(writer), record(i)];
        const result = await store.append(`bad-${writer % 4}`, batch);
        expect(result.ok).toBe(true);
        sent.push(...batch.map(({ id }) => id));
      }
    });
    await Promise.all(writers);
    appending = false;
    await breaking;
    const found = (await Promise.all([0, 1, 2, 3].map((i) => idsIn(`bad-${i}`)))).flat();
    expect(found.sort()).toEqual(sent.sort());
  });

  it('keeps its promise on expected revisions when the answer was lost', async () => {
    await store.append('seen', [record()]);
    let revision = 0n;
    for (let i = 0; i < 12; i++) {
      if (i % 3 === 0) setTimeout(() => link.cut(), Math.random() * 4);
      const result = await store.append('seen', [record()], { expected: revision });
      expect(result).toMatchObject({ ok: true, revision: revision + 1n });
      revision++;
    }
    expect(await idsIn('seen')).toHaveLength(13);
  });

  it('says within its time that a silent store is unavailable, and works again afterwards', async () => {
    await store.append('silent', [record()]);
    link.freeze();
    const given = record();
    const begun = Date.now();
    const outcomes = await Promise.allSettled([
      store.append('silent', [given], { timeoutMs: 600 }),
      ...Array.from({ length: 30 }, () => store.append('silent', [record()], { timeoutMs: 600 })),
      store.ping(600),
    ]);
    expect(Date.now() - begun).toBeLessThan(4_000);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
    link.thaw();
    expect(await store.append('silent', [given], { timeoutMs: 10_000 })).toMatchObject({ ok: true });
    expect((await idsIn('silent')).filter((id) => id === given.id)).toHaveLength(1);
    await store.ping(5_000);
  });

  it('waits out a store that is down, within the time it was given', async () => {
    link.takeDown();
    await expect(store.append('down', [record()], { timeoutMs: 300 })).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.ping(1_000)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.last('down')).rejects.toBeInstanceOf(StoreUnavailable);
    const patient = store.append('down', [record()], { timeoutMs: 20_000 });
    await pause(400);
    link.bringUp();
    const broughtUp = Date.now();
    expect(await patient).toMatchObject({ ok: true, revision: 0n });
    expect(Date.now() - broughtUp).toBeLessThan(3_000);
  });

  it('breaks a subscription whose connection is lost, and resumes it from the last record', async () => {
    for (let i = 0; i < 5; i++) await store.append('followed', [record(i)]);
    const seen: number[] = [];
    let after: bigint | undefined;
    let breaks = 0;
    const giveUp = new AbortController();
    while (seen.length < 10) {
      try {
        for await (const given of store.subscribe('followed', { after, signal: giveUp.signal })) {
          if (given.kind === 'record') {
            seen.push(given.data[0]!);
            after = given.revision;
            if (seen.length === 10) break;
          } else if (breaks < 3) {
            link.cut();
          } else {
            for (let i = 5; i < 10; i++) await store.append('followed', [record(i)]);
          }
        }
      } catch (error) {
        expect(error).toBeInstanceOf(StoreUnavailable);
        breaks++;
        await pause(50);
      }
    }
    expect(breaks).toBe(3);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('appends and subscribes again soon after the store itself was restarted', async () => {
    await store.append('restarted', [record(0)]);
    const { signal } = new AbortController();
    const subscription = (async (): Promise<(RecordedEvent | CaughtUp)[]> => {
      const seen: (RecordedEvent | CaughtUp)[] = [];
      for await (const given of store.subscribe('restarted', { after: undefined, signal })) seen.push(given);
      return seen;
    })();
    await pause(100);
    link.takeDown();
    await server.stop();
    await expect(subscription).rejects.toBeInstanceOf(StoreUnavailable);
    const pending = store.append('restarted', [record(1)], { timeoutMs: 20_000 });
    server = await start({ folder, port: server.port });
    link.bringUp();
    expect(await pending).toMatchObject({ ok: true, revision: 1n });
    const seen: number[] = [];
    for await (const given of store.subscribe('restarted', { after: undefined, signal })) {
      if (given.kind === 'caught-up') break;
      seen.push(given.data[0]!);
    }
    expect(seen).toEqual([0, 1]);
  });

  it('leaves no connection and nothing running when it is closed', async () => {
    await store.append('closing', [record()]);
    const { signal } = new AbortController();
    const following = (async () => {
      for await (const _ of store.subscribe('closing', { after: undefined, signal }));
    })();
    await pause(100);
    const closing = Promise.allSettled([following, store.append('closing', [record()])]);
    await store.close();
    const [followed] = await closing;
    expect(followed).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
    await expect(store.append('closing', [record()])).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.last('closing')).rejects.toBeInstanceOf(StoreUnavailable);
    // The other side notices in its own time.
    for (let waitedMs = 0; link.connections > 0 && waitedMs < 5_000; waitedMs += 20) await pause(20);
    expect(link.connections).toBe(0);
  });
});
