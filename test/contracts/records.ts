import type { RecordStore } from '../../src/stores/read-store';
import { fresh } from './fresh';

/** What every adapter must do with records. */
export function recordsContract(store: () => RecordStore): void {
  describe('records', () => {
    it('come back with the version they have', async () => {
      const kind = fresh('kind');
      expect(await store().get(kind, 'a')).toBeUndefined();
      await store().put(kind, 'a', { name: 'one', nested: { list: [1] } });
      expect(await store().get(kind, 'a')).toEqual({ id: 'a', rev: 1, value: { name: 'one', nested: { list: [1] } } });
      await store().put(kind, 'a', { name: 'two' });
      expect(await store().get(kind, 'a')).toEqual({ id: 'a', rev: 2, value: { name: 'two' } });
      await store().delete(kind, 'a');
      await store().delete(kind, 'a');
      expect(await store().get(kind, 'a')).toBeUndefined();
    });

    it('are written conditionally on the version the writer has seen', async () => {
      const kind = fresh('kind');
      expect(await store().putIf(kind, 'a', { n: 1 }, 0)).toBe(true);
      expect(await store().putIf(kind, 'a', { n: 2 }, 0)).toBe(false);
      expect(await store().putIf(kind, 'a', { n: 2 }, 1)).toBe(true);
      expect(await store().putIf(kind, 'a', { n: 3 }, 1)).toBe(false);
      expect(await store().putIf(kind, 'b', { n: 3 }, 1)).toBe(false);
      expect(await store().get(kind, 'a')).toEqual({ id: 'a', rev: 2, value: { n: 2 } });
      await store().put(kind, 'a', { n: 4 });
      expect(await store().putIf(kind, 'a', { n: 5 }, 2)).toBe(false);
    });

    it('let exactly one of many concurrent writers through', async () => {
      const kind = fresh('kind');
      for (const rev of [0, 1]) {
        const won = await Promise.all(Array.from({ length: 8 }, (_, i) => store().putIf(kind, 'lease', { owner: i }, rev)));
        expect(won.filter(Boolean)).toHaveLength(1);
      }
    });

    it('projected from a stream never go back', async () => {
      const kind = fresh('kind');
      expect(await store().putNewer(kind, 'm', { name: 'third' }, 3)).toBe(true);
      expect(await store().putNewer(kind, 'm', { name: 'second' }, 2)).toBe(false);
      expect(await store().putNewer(kind, 'm', { name: 'third again' }, 3)).toBe(false);
      expect(await store().putNewer(kind, 'm', { name: 'fourth' }, 4)).toBe(true);
      expect((await store().get(kind, 'm'))!.value).toEqual({ name: 'fourth' });
      const orders = [5, 6, 7, 8, 9, 10, 11, 12];
      await Promise.all(orders.map((order) => store().putNewer(kind, 'raced', { order }, order)));
      expect((await store().get(kind, 'raced'))!.value).toEqual({ order: 12 });
    });

    it('are listed in order of id, by prefix, page by page', async () => {
      const kind = fresh('kind');
      for (const id of ['b1', 'a2', 'a1', 'a3', 'c']) await store().put(kind, id, { id });
      const ids = async (...args: [string?, { limit?: number; after?: string }?]): Promise<string[]> =>
        (await store().list(kind, ...args)).map(({ id }) => id);
      expect(await ids()).toEqual(['a1', 'a2', 'a3', 'b1', 'c']);
      expect(await ids('a')).toEqual(['a1', 'a2', 'a3']);
      expect(await ids('a', { limit: 2 })).toEqual(['a1', 'a2']);
      expect(await ids('a', { limit: 2, after: 'a2' })).toEqual(['a3']);
      expect(await ids('', { after: 'b1' })).toEqual(['c']);
      expect((await store().list(kind, 'c'))[0]).toEqual({ id: 'c', rev: 1, value: { id: 'c' } });
    });
  });
}
