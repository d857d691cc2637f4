import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../../src/embedded/mongodb';
import { StoreUnavailable } from '../../src/stores/event-store';
import { MongoReadStore } from '../../src/stores/mongodb';
import type { StoredDocument } from '../../src/stores/read-store';
import { UnreliableLink } from './unreliable-link';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('the read store over a bad connection', () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof start>>;
  let link: UnreliableLink;
  let store: MongoReadStore;
  let collections = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recount-link-'));
    server = await start({ folder, port: 0 });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    link = await UnreliableLink.to(server.port);
    store = new MongoReadStore(`mongodb://127.0.0.1:${link.port}/faults`);
  });
  afterEach(async () => {
    await store.close();
    await link.close();
  });

  const documents = (count: number, n: number): StoredDocument[] =>
    Array.from({ length: count }, (_, i) => ({ _id: `d${String(i).padStart(4, '0')}`, rev: 0, n, pad: 'x'.repeat(300) }));

  it('accounts for every document of a flush though connections break while it runs', async () => {
    const collection = `broken_${++collections}`;
    const rounds = 4;
    for (let round = 0; round < rounds; round++) {
      setTimeout(() => link.cut(), Math.random() * 60);
      const range = { r0: round - 1, r1: round };
      // After an unknown outcome a projector does the same: the flush again.
      const outcome = await again(() => store.documents.flush(collection, documents(1_500, round), range));
      expect(outcome.ok && outcome.written + outcome.alreadyApplied).toBe(1_500);
    }
    await pause(100);
    const stored = await again(() => store.documents.scan(collection, 'd', 'e'));
    expect(stored).toHaveLength(1_500);
    expect(new Set(stored.map(({ n, rev }) => `${String(n)}@${rev}`))).toEqual(new Set([`${rounds - 1}@${rounds - 1}`]));
  });

  it('says within its time that a silent store is unavailable, and works again afterwards', async () => {
    const collection = `silent_${++collections}`;
    await store.documents.flush(collection, documents(1, 1), { r0: -1, r1: 0 });
    link.freeze();
    const begun = Date.now();
    await expect(store.ping(500)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(Date.now() - begun).toBeLessThan(1_500);
    const outcomes = await Promise.allSettled([
      store.documents.load(collection, ['d0000']),
      store.control.takeOver('silent', 'worker'),
      store.records.put('silent', 'a', {}),
    ]);
    expect(Date.now() - begun).toBeLessThan(12_500);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
    link.thaw();
    expect(await again(() => store.documents.load(collection, ['d0000']))).toHaveLength(1);
  });

  it('connects when the store comes up after the first attempt failed', async () => {
    link.takeDown();
    await expect(store.records.get('late', 'a')).rejects.toBeInstanceOf(StoreUnavailable);
    link.bringUp();
    expect(await store.records.get('late', 'a')).toBeUndefined();
  });

  it('fences off the owner that was replaced, through broken connections', async () => {
    const first = await store.control.takeOver('fenced|00', 'worker-1');
    link.cut();
    const second = await again(() => store.control.takeOver('fenced|00', 'worker-2'));
    expect(second.epoch).toBeGreaterThan(first.epoch);
    link.cut();
    expect(await again(() => store.control.saveIntent('fenced|00', first.epoch, { r0: 0, r1: 1, fingerprint: 'f' }))).toBe(false);
    expect(await again(() => store.control.saveIntent('fenced|00', second.epoch, { r0: 0, r1: 1, fingerprint: 'f' }))).toBe(true);
  });

  async function again<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        expect(error).toBeInstanceOf(StoreUnavailable);
      }
    }
  }
});
