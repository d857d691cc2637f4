import { randomUUID } from 'node:crypto';
import { deserialize, serialize } from 'bson';
import type { BytesPage, ReadStore, StoredDocument } from '../../src/stores/read-store';

export interface ReadStoreUnderTest {
  store: ReadStore;
  stop(): Promise<void>;
}

/** What every adapter of the ReadStore port must do. */
export function readStoreContract(name: string, start: () => Promise<ReadStoreUnderTest>): void {
  describe(`${name} as a read store`, () => {
    let tested: ReadStoreUnderTest;
    let store: ReadStore;
    const fresh = (prefix = 'contract'): string => `${prefix}_${randomUUID().slice(0, 8)}`;

    beforeAll(async () => {
      tested = await start();
      store = tested.store;
    });
    afterAll(async () => {
      await store.close();
      await tested.stop();
    });

    describe('documents', () => {
      const flush = (collection: string, documents: Omit<StoredDocument, 'rev'>[], r0: number, r1: number) =>
        store.documents.flush(
          collection,
          documents.map((document) => ({ ...document, rev: r1 }) as StoredDocument),
          { r0, r1 },
        );
      const sorted = (documents: StoredDocument[]): StoredDocument[] => documents.sort((a, b) => (a._id < b._id ? -1 : 1));

      it('gives back every kind of value as the type it was written', async () => {
        const collection = fresh();
        const document = {
          _id: 'a|traffic|hour|2026-11-22T10',
          text: 'Zoë 価格 👩‍🚀',
          int: 7,
          negative: -3,
          large: 2 ** 40,
          fraction: 19.99,
          money: 12n,
          muchMoney: 2n ** 62n,
          flag: true,
          nothing: null,
          list: [1, 'two', { three: 3n }],
          nested: { deep: { deeper: [0.5] }, 'with space': 1, '/p?q=1': 2 },
          at: new Date('2026-11-22T10:00:00.000Z'),
        };
        await flush(collection, [{ ...document, absent: undefined }], -1, 5);
        expect(await store.documents.load(collection, [document._id])).toEqual([{ ...document, rev: 5 }]);
      });

      it('gives back bytes as bytes', async () => {
        const collection = fresh();
        const sketch = Uint8Array.from({ length: 4096 }, (_, i) => i % 256);
        await flush(collection, [{ _id: 'a', sketch, nested: { sketch: sketch.subarray(10, 20) } }], -1, 0);
        const [found] = await store.documents.load(collection, ['a']);
        expect(found!['sketch']).toBeInstanceOf(Uint8Array);
        expect(Buffer.compare(found!['sketch'] as Uint8Array, sketch)).toBe(0);
        expect([...(found!['nested'] as { sketch: Uint8Array }).sketch]).toEqual([...sketch.subarray(10, 20)]);
      });

      it('replaces the whole document, not field by field', async () => {
        const collection = fresh();
        await flush(collection, [{ _id: 'a', old: 1 }], -1, 0);
        await flush(collection, [{ _id: 'a', new: 2 }], 0, 1);
        expect(await store.documents.load(collection, ['a'])).toEqual([{ _id: 'a', new: 2, rev: 1 }]);
      });

      it('writes what is new or folded to r0 or before, and counts it', async () => {
        const collection = fresh();
        expect(await flush(collection, [{ _id: 'a', n: 1 }], -1, 3)).toEqual({ ok: true, written: 1, alreadyApplied: 0 });
        expect(
          await flush(
            collection,
            [
              { _id: 'a', n: 2 },
              { _id: 'b', n: 1 },
            ],
            3,
            7,
          ),
        ).toEqual({ ok: true, written: 2, alreadyApplied: 0 });
        expect(sorted(await store.documents.load(collection, ['a', 'b']))).toEqual([
          { _id: 'a', n: 2, rev: 7 },
          { _id: 'b', n: 1, rev: 7 },
        ]);
      });

      it('changes nothing when the same flush is made again, wholly or in part', async () => {
        const collection = fresh();
        await flush(collection, [{ _id: 'a', n: 1 }], -1, 3);
        await flush(collection, [{ _id: 'a', n: 2 }], 3, 7);
        const again = await flush(
          collection,
          [
            { _id: 'a', n: 999 },
            { _id: 'b', n: 1 },
          ],
          3,
          7,
        );
        expect(again).toEqual({ ok: true, written: 1, alreadyApplied: 1 });
        expect((await store.documents.load(collection, ['a']))[0]!['n']).toBe(2);
      });

      it('does not let a writer that was left behind undo what came after it', async () => {
        const collection = fresh();
        await flush(collection, [{ _id: 'a', n: 3 }], -1, 9);
        expect(await flush(collection, [{ _id: 'a', n: 1 }], -1, 4)).toEqual({ ok: true, written: 0, alreadyApplied: 1 });
        expect((await store.documents.load(collection, ['a']))[0]).toEqual({ _id: 'a', n: 3, rev: 9 });
      });

      it('names a document found strictly between r0 and r1', async () => {
        const collection = fresh();
        await flush(collection, [{ _id: 'odd', n: 1 }], -1, 5);
        expect(
          await flush(
            collection,
            [
              { _id: 'even', n: 1 },
              { _id: 'odd', n: 2 },
            ],
            3,
            7,
          ),
        ).toEqual({ ok: false, conflict: 'odd' });
        expect((await store.documents.load(collection, ['odd']))[0]).toEqual({ _id: 'odd', n: 1, rev: 5 });
      });

      it('takes and gives documents as their bytes, under the same guard', async () => {
        const collection = fresh();
        const bytesOf = (_id: string, rev: number): Uint8Array =>
          serialize({ _id, rev, ofBytes: new Uint8Array([1, 2]), minor: 2n ** 40n });
        const ids = ['a', 'é価格', 'never'];
        await flush(collection, [{ _id: 'é価格', n: 1 }], -1, 5);
        const written = [bytesOf('a', 7), bytesOf('é価格', 7)];
        expect(await store.documents.flushBytes(collection, written, { r0: 5, r1: 7 })).toEqual({
          ok: true,
          written: 2,
          alreadyApplied: 0,
        });
        const found = await store.documents.loadBytes(collection, ids);
        expect([...found.keys()].sort()).toEqual(['a', 'é価格']);
        for (const [id, bytes] of found) {
          expect(Buffer.from(bytes)).toEqual(Buffer.from(bytesOf(id, 7)));
          expect(bytes.buffer.byteLength).toBe(bytes.length);
        }
        expect(await store.documents.flushBytes(collection, written, { r0: 5, r1: 7 })).toEqual({
          ok: true,
          written: 0,
          alreadyApplied: 2,
        });
        expect(await store.documents.flushBytes(collection, [bytesOf('a', 8)], { r0: 6, r1: 8 })).toEqual({ ok: false, conflict: 'a' });
        expect(await store.documents.load(collection, ['a'])).toMatchObject([{ _id: 'a', rev: 7, minor: 2n ** 40n }]);
      });

      it('flushes and loads more than one command or one answer carries', async () => {
        const collection = fresh();
        const many = Array.from({ length: 2_600 }, (_, i) => ({ _id: `d${String(i).padStart(5, '0')}`, n: i, pad: 'x'.repeat(50) }));
        expect(await flush(collection, many, -1, 0)).toEqual({ ok: true, written: 2_600, alreadyApplied: 0 });
        const loaded = await store.documents.load(
          collection,
          many.map(({ _id }) => _id),
        );
        expect(loaded).toHaveLength(2_600);
        expect(sorted(loaded).map(({ n }) => n)).toEqual(many.map(({ n }) => n));
        const large = Array.from({ length: 12 }, (_, i) => ({ _id: `large${i}`, bytes: new Uint8Array(1_500_000).fill(i) }));
        expect(await flush(collection, large, -1, 0)).toMatchObject({ ok: true, written: 12 });
        expect(await store.documents.scan(collection, 'large', 'largf')).toHaveLength(12);
        expect(await idsInBytes(collection, 'large', 'largf', 1_000)).toEqual(large.map(({ _id }) => _id).sort());
      });

      /** Page by page, as a reader of bytes goes on. */
      async function idsInBytes(collection: string, from: string, to: string, limit: number): Promise<string[]> {
        const ids: string[] = [];
        for (let next: string | undefined = from; next !== undefined;) {
          const page: BytesPage = await store.documents.scanBytes(collection, next, to, limit);
          expect(page.documents.length).toBeLessThanOrEqual(limit);
          ids.push(...page.documents.map((bytes) => (deserialize(bytes) as StoredDocument)._id));
          next = page.more === undefined ? undefined : `${page.more}\u0000`;
        }
        return ids;
      }

      it('scans the same as bytes, page by page, whatever a reply can carry', async () => {
        const collection = fresh();
        const documents = Array.from({ length: 7 }, (_, i) => ({ _id: `a|${i}`, n: i, sketch: new Uint8Array(9).fill(i), sum: 2n ** 40n }));
        await flush(collection, [...documents, { _id: 'b' }], -1, 3);
        for (const limit of [1, 3, 7, 8]) expect(await idsInBytes(collection, 'a|', 'b', limit)).toEqual(documents.map(({ _id }) => _id));
        expect(await idsInBytes(collection, 'a|2', 'a|4', 10)).toEqual(['a|2', 'a|3']);
        expect(await idsInBytes(fresh(), 'a', 'b', 10)).toEqual([]);
        const { documents: found } = await store.documents.scanBytes(collection, 'a|6', 'b', 1);
        const { sketch, ...rest } = deserialize(found[0]!, { useBigInt64: true, promoteBuffers: true });
        expect(rest).toEqual({ _id: 'a|6', rev: 3, n: 6, sum: 2n ** 40n });
        expect([...(sketch as Uint8Array)]).toEqual(Array.from({ length: 9 }, () => 6));
      });

      it('loads only what exists, from collections that may not exist', async () => {
        const collection = fresh();
        expect(await store.documents.load(collection, ['a'])).toEqual([]);
        expect(await store.documents.load(collection, [])).toEqual([]);
        expect(await store.documents.scan(collection, 'a', 'b')).toEqual([]);
        expect(await flush(collection, [], -1, 0)).toEqual({ ok: true, written: 0, alreadyApplied: 0 });
      });

      it('scans a range of ids in order, first inclusive, last exclusive, up to a limit', async () => {
        const collection = fresh();
        const ids = ['a|1', 'a|2', 'a|3', 'a|é', 'b|1', 'a|\u{ffee}', 'a|\u{1f600}'];
        await flush(
          collection,
          ids.map((_id) => ({ _id })),
          -1,
          0,
        );
        const scan = async (from: string, to: string, limit?: number): Promise<string[]> =>
          (await store.documents.scan(collection, from, to, limit === undefined ? {} : { limit })).map(({ _id }) => _id);
        expect(await scan('a|1', 'a|3')).toEqual(['a|1', 'a|2']);
        expect(await scan('a|', 'b|')).toEqual(['a|1', 'a|2', 'a|3', 'a|é', 'a|\u{ffee}', 'a|\u{1f600}']);
        expect(await scan('a|2', 'c', 2)).toEqual(['a|2', 'a|3']);
        expect(await scan('c', 'd')).toEqual([]);
      });

      it('removes documents, drops collections and lists those there are', async () => {
        const prefix = fresh('p');
        await flush(`${prefix}_one`, [{ _id: 'a' }, { _id: 'b' }], -1, 0);
        await flush(`${prefix}_two`, [{ _id: 'a' }], -1, 0);
        await store.documents.remove(`${prefix}_one`, ['a', 'not there']);
        expect((await store.documents.load(`${prefix}_one`, ['a', 'b'])).map(({ _id }) => _id)).toEqual(['b']);
        expect(await store.documents.collections(prefix)).toEqual([`${prefix}_one`, `${prefix}_two`]);
        await store.documents.drop(`${prefix}_one`);
        await store.documents.drop(`${prefix}_one`);
        expect(await store.documents.collections(prefix)).toEqual([`${prefix}_two`]);
        expect(await store.documents.load(`${prefix}_one`, ['b'])).toEqual([]);
      });
    });

    describe('control documents', () => {
      const checkpoint = (revision: number) => ({ revision, logTime: 1_760_000_000_000, resume: { window: [1, 2] }, events: 10 });
      const intent = { r0: 4, r1: 9, fingerprint: 'abc' };

      it('begin before the first record when a partition is first taken', async () => {
        const id = `${fresh('g')}|00`;
        expect(await store.control.get(id)).toBeUndefined();
        const taken = await store.control.takeOver(id, 'worker-1');
        expect(taken).toEqual({
          _id: id,
          epoch: 1,
          owner: 'worker-1',
          checkpoint: { revision: -1, logTime: 0, resume: {}, events: 0 },
          intent: null,
        });
        expect(await store.control.get(id)).toEqual(taken);
      });

      it('hand the intent and checkpoint of the one before to the next owner', async () => {
        const id = `${fresh('g')}|00`;
        await store.control.takeOver(id, 'worker-1');
        expect(await store.control.saveCheckpoint(id, 1, checkpoint(4))).toBe(true);
        expect(await store.control.saveIntent(id, 1, intent)).toBe(true);
        expect(await store.control.takeOver(id, 'worker-2')).toEqual({
          _id: id,
          epoch: 2,
          owner: 'worker-2',
          checkpoint: checkpoint(4),
          intent,
        });
      });

      it('clear the intent with the checkpoint', async () => {
        const id = `${fresh('g')}|00`;
        await store.control.takeOver(id, 'worker-1');
        await store.control.saveIntent(id, 1, intent);
        await store.control.saveCheckpoint(id, 1, checkpoint(9));
        expect(await store.control.get(id)).toMatchObject({ checkpoint: checkpoint(9), intent: null });
      });

      it('accept nothing from an owner that was replaced, nor for what was never taken', async () => {
        const id = `${fresh('g')}|00`;
        await store.control.takeOver(id, 'worker-1');
        await store.control.takeOver(id, 'worker-2');
        expect(await store.control.saveIntent(id, 1, intent)).toBe(false);
        expect(await store.control.saveCheckpoint(id, 1, checkpoint(9))).toBe(false);
        expect(await store.control.get(id)).toMatchObject({ epoch: 2, checkpoint: { revision: -1 }, intent: null });
        expect(await store.control.saveIntent(fresh('g'), 1, intent)).toBe(false);
      });

      it('give each of many owners that take over at once an epoch of its own', async () => {
        const id = `${fresh('g')}|00`;
        const taken = await Promise.all(Array.from({ length: 8 }, (_, i) => store.control.takeOver(id, `worker-${i}`)));
        expect(taken.map(({ epoch }) => epoch).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      });

      it('are listed and removed by prefix', async () => {
        const generation = fresh('g');
        for (const partition of ['01', '00', '10']) await store.control.takeOver(`${generation}|${partition}`, 'w');
        await store.control.takeOver(`${generation}x|00`, 'w');
        const ids = async (prefix: string): Promise<string[]> => (await store.control.list(prefix)).map(({ _id }) => _id);
        expect(await ids(`${generation}|`)).toEqual([`${generation}|00`, `${generation}|01`, `${generation}|10`]);
        await store.control.remove(`${generation}|`);
        expect(await ids(generation)).toEqual([`${generation}x|00`]);
      });
    });

    describe('records', () => {
      it('come back with the version they have', async () => {
        const kind = fresh('kind');
        expect(await store.records.get(kind, 'a')).toBeUndefined();
        await store.records.put(kind, 'a', { name: 'one', nested: { list: [1] } });
        expect(await store.records.get(kind, 'a')).toEqual({ id: 'a', rev: 1, value: { name: 'one', nested: { list: [1] } } });
        await store.records.put(kind, 'a', { name: 'two' });
        expect(await store.records.get(kind, 'a')).toEqual({ id: 'a', rev: 2, value: { name: 'two' } });
        await store.records.delete(kind, 'a');
        await store.records.delete(kind, 'a');
        expect(await store.records.get(kind, 'a')).toBeUndefined();
      });

      it('are written conditionally on the version the writer has seen', async () => {
        const kind = fresh('kind');
        expect(await store.records.putIf(kind, 'a', { n: 1 }, 0)).toBe(true);
        expect(await store.records.putIf(kind, 'a', { n: 2 }, 0)).toBe(false);
        expect(await store.records.putIf(kind, 'a', { n: 2 }, 1)).toBe(true);
        expect(await store.records.putIf(kind, 'a', { n: 3 }, 1)).toBe(false);
        expect(await store.records.putIf(kind, 'b', { n: 3 }, 1)).toBe(false);
        expect(await store.records.get(kind, 'a')).toEqual({ id: 'a', rev: 2, value: { n: 2 } });
        await store.records.put(kind, 'a', { n: 4 });
        expect(await store.records.putIf(kind, 'a', { n: 5 }, 2)).toBe(false);
      });

      it('let exactly one of many concurrent writers through', async () => {
        const kind = fresh('kind');
        for (const rev of [0, 1]) {
          const won = await Promise.all(Array.from({ length: 8 }, (_, i) => store.records.putIf(kind, 'lease', { owner: i }, rev)));
          expect(won.filter(Boolean)).toHaveLength(1);
        }
      });

      it('projected from a stream never go back', async () => {
        const kind = fresh('kind');
        expect(await store.records.putNewer(kind, 'm', { name: 'third' }, 3)).toBe(true);
        expect(await store.records.putNewer(kind, 'm', { name: 'second' }, 2)).toBe(false);
        expect(await store.records.putNewer(kind, 'm', { name: 'third again' }, 3)).toBe(false);
        expect(await store.records.putNewer(kind, 'm', { name: 'fourth' }, 4)).toBe(true);
        expect((await store.records.get(kind, 'm'))!.value).toEqual({ name: 'fourth' });
        const orders = [5, 6, 7, 8, 9, 10, 11, 12];
        await Promise.all(orders.map((order) => store.records.putNewer(kind, 'raced', { order }, order)));
        expect((await store.records.get(kind, 'raced'))!.value).toEqual({ order: 12 });
      });

      it('are listed in order of id, by prefix, page by page', async () => {
        const kind = fresh('kind');
        for (const id of ['b1', 'a2', 'a1', 'a3', 'c']) await store.records.put(kind, id, { id });
        const ids = async (...args: [string?, { limit?: number; after?: string }?]): Promise<string[]> =>
          (await store.records.list(kind, ...args)).map(({ id }) => id);
        expect(await ids()).toEqual(['a1', 'a2', 'a3', 'b1', 'c']);
        expect(await ids('a')).toEqual(['a1', 'a2', 'a3']);
        expect(await ids('a', { limit: 2 })).toEqual(['a1', 'a2']);
        expect(await ids('a', { limit: 2, after: 'a2' })).toEqual(['a3']);
        expect(await ids('', { after: 'b1' })).toEqual(['c']);
        expect((await store.records.list(kind, 'c'))[0]).toEqual({ id: 'c', rev: 1, value: { id: 'c' } });
      });
    });

    it('answers a ping', async () => {
      await expect(store.ping(2_000)).resolves.toBeUndefined();
    });
  });
}
