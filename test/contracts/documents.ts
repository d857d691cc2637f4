import { deserialize, serialize } from 'bson';
import type { BytesPage, DocumentStore, StoredDocument } from '../../src/stores/read-store';
import { fresh } from './fresh';

/** What every adapter must do with the documents of read models. */
export function documentsContract(store: () => DocumentStore): void {
  describe('documents', () => {
    const flush = (collection: string, documents: Omit<StoredDocument, 'rev'>[], r0: number, r1: number) =>
      store().flush(
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
      expect(await store().load(collection, [document._id])).toEqual([{ ...document, rev: 5 }]);
    });

    it('gives back bytes as bytes', async () => {
      const collection = fresh();
      const sketch = Uint8Array.from({ length: 4096 }, (_, i) => i % 256);
      await flush(collection, [{ _id: 'a', sketch, nested: { sketch: sketch.subarray(10, 20) } }], -1, 0);
      const [found] = await store().load(collection, ['a']);
      expect(found!['sketch']).toBeInstanceOf(Uint8Array);
      expect(Buffer.compare(found!['sketch'] as Uint8Array, sketch)).toBe(0);
      expect([...(found!['nested'] as { sketch: Uint8Array }).sketch]).toEqual([...sketch.subarray(10, 20)]);
    });

    it('replaces the whole document, not field by field', async () => {
      const collection = fresh();
      await flush(collection, [{ _id: 'a', old: 1 }], -1, 0);
      await flush(collection, [{ _id: 'a', new: 2 }], 0, 1);
      expect(await store().load(collection, ['a'])).toEqual([{ _id: 'a', new: 2, rev: 1 }]);
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
      expect(sorted(await store().load(collection, ['a', 'b']))).toEqual([
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
      expect((await store().load(collection, ['a']))[0]!['n']).toBe(2);
    });

    it('does not let a writer that was left behind undo what came after it', async () => {
      const collection = fresh();
      await flush(collection, [{ _id: 'a', n: 3 }], -1, 9);
      expect(await flush(collection, [{ _id: 'a', n: 1 }], -1, 4)).toEqual({ ok: true, written: 0, alreadyApplied: 1 });
      expect((await store().load(collection, ['a']))[0]).toEqual({ _id: 'a', n: 3, rev: 9 });
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
      expect((await store().load(collection, ['odd']))[0]).toEqual({ _id: 'odd', n: 1, rev: 5 });
    });

    it('takes and gives documents as their bytes, under the same guard', async () => {
      const collection = fresh();
      const bytesOf = (_id: string, rev: number): Uint8Array => serialize({ _id, rev, ofBytes: new Uint8Array([1, 2]), minor: 2n ** 40n });
      const ids = ['a', 'é価格', 'never'];
      await flush(collection, [{ _id: 'é価格', n: 1 }], -1, 5);
      const written = [bytesOf('a', 7), bytesOf('é価格', 7)];
      expect(await store().flushBytes(collection, written, { r0: 5, r1: 7 })).toEqual({
        ok: true,
        written: 2,
        alreadyApplied: 0,
      });
      const found = await store().loadBytes(collection, ids);
      expect([...found.keys()].sort()).toEqual(['a', 'é価格']);
      for (const [id, bytes] of found) {
        expect(Buffer.from(bytes)).toEqual(Buffer.from(bytesOf(id, 7)));
        expect(bytes.buffer.byteLength).toBe(bytes.length);
      }
      expect(await store().flushBytes(collection, written, { r0: 5, r1: 7 })).toEqual({
        ok: true,
        written: 0,
        alreadyApplied: 2,
      });
      expect(await store().flushBytes(collection, [bytesOf('a', 8)], { r0: 6, r1: 8 })).toEqual({ ok: false, conflict: 'a' });
      expect(await store().load(collection, ['a'])).toMatchObject([{ _id: 'a', rev: 7, minor: 2n ** 40n }]);
    });

    it('flushes and loads more than one command or one answer carries', async () => {
      const collection = fresh();
      const many = Array.from({ length: 2_600 }, (_, i) => ({ _id: `d${String(i).padStart(5, '0')}`, n: i, pad: 'x'.repeat(50) }));
      expect(await flush(collection, many, -1, 0)).toEqual({ ok: true, written: 2_600, alreadyApplied: 0 });
      const loaded = await store().load(
        collection,
        many.map(({ _id }) => _id),
      );
      expect(loaded).toHaveLength(2_600);
      expect(sorted(loaded).map(({ n }) => n)).toEqual(many.map(({ n }) => n));
      const large = Array.from({ length: 12 }, (_, i) => ({ _id: `large${i}`, bytes: new Uint8Array(1_500_000).fill(i) }));
      expect(await flush(collection, large, -1, 0)).toMatchObject({ ok: true, written: 12 });
      expect(await store().scan(collection, 'large', 'largf')).toHaveLength(12);
      expect(await idsInBytes(collection, 'large', 'largf', 1_000)).toEqual(large.map(({ _id }) => _id).sort());
    });

    /** Page by page, as a reader of bytes goes on. */
    async function idsInBytes(collection: string, from: string, to: string, limit: number): Promise<string[]> {
      const ids: string[] = [];
      for (let next: string | undefined = from; next !== undefined;) {
        const page: BytesPage = await store().scanBytes(collection, next, to, limit);
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
      const { documents: found } = await store().scanBytes(collection, 'a|6', 'b', 1);
      const { sketch, ...rest } = deserialize(found[0]!, { useBigInt64: true, promoteBuffers: true });
      expect(rest).toEqual({ _id: 'a|6', rev: 3, n: 6, sum: 2n ** 40n });
      expect([...(sketch as Uint8Array)]).toEqual(Array.from({ length: 9 }, () => 6));
    });

    it('loads only what exists, from collections that may not exist', async () => {
      const collection = fresh();
      expect(await store().load(collection, ['a'])).toEqual([]);
      expect(await store().load(collection, [])).toEqual([]);
      expect(await store().scan(collection, 'a', 'b')).toEqual([]);
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
        (await store().scan(collection, from, to, limit === undefined ? {} : { limit })).map(({ _id }) => _id);
      expect(await scan('a|1', 'a|3')).toEqual(['a|1', 'a|2']);
      expect(await scan('a|', 'b|')).toEqual(['a|1', 'a|2', 'a|3', 'a|é', 'a|\u{ffee}', 'a|\u{1f600}']);
      expect(await scan('a|2', 'c', 2)).toEqual(['a|2', 'a|3']);
      expect(await scan('c', 'd')).toEqual([]);
    });

    it('removes documents, drops collections and lists those there are', async () => {
      const prefix = fresh('p');
      await flush(`${prefix}_one`, [{ _id: 'a' }, { _id: 'b' }], -1, 0);
      await flush(`${prefix}_two`, [{ _id: 'a' }], -1, 0);
      await store().remove(`${prefix}_one`, ['a', 'not there']);
      expect((await store().load(`${prefix}_one`, ['a', 'b'])).map(({ _id }) => _id)).toEqual(['b']);
      expect(await store().collections(prefix)).toEqual([`${prefix}_one`, `${prefix}_two`]);
      await store().drop(`${prefix}_one`);
      await store().drop(`${prefix}_one`);
      expect(await store().collections(prefix)).toEqual([`${prefix}_two`]);
      expect(await store().load(`${prefix}_one`, ['b'])).toEqual([]);
    });
  });
}
