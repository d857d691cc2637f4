import fc from 'fast-check';
import { documentPrefix, minuteSetMax } from '../../../projections/kit/document';
import { idOf, revOf } from '../../../projections/kit/document-bytes';
import { createFolder } from '../../../projections/kit/folder';
import { documentsLoaded, idsToLoad, mergeDelta } from '../../../projections/kit/merging';
import type { BucketDelta } from '../../../projections/kit/projection';
import { traffic } from '../../../projections/traffic/traffic';
import { decodeBlock, encodeBlock } from '../../../src/stores/block';
import { bytesOf, parsed, tallyOf, type Documents } from '../folding';

/** [minute of the hour, visitor] */
type Visit = readonly [number, number];
const start = Date.parse('2026-11-22T05:00:00Z');
const prefix = documentPrefix('m1', 'traffic', 'minute', '2026-11-22T05');

let ids = 0;
function deltaOf(visits: readonly Visit[]): BucketDelta {
  const rows = visits.map(([minute, visitor]) => {
    const time = start + minute * 60_000;
    return { merchantId: 'm1', id: `${ids++}`, name: 'page_view', visitorId: `v${visitor}`, time, receivedAt: time };
  });
  const folder = createFolder([traffic]);
  folder.fold(decodeBlock(encodeBlock(rows)), new Uint8Array(rows.length), () => ({ timezone: 'UTC' }), 0);
  return folder.take().deltas.find((delta) => delta.prefix === prefix)!;
}

type Stored = ReadonlyMap<string, Uint8Array>;
function merged(store: Stored, delta: BucketDelta, range: { r0: number; r1: number }): readonly Uint8Array[] {
  const loaded: Uint8Array[] = [];
  for (let round = 0, wanted; (wanted = idsToLoad(delta, loaded, round)).length > 0; round++)
    for (const id of wanted) if (store.has(id)) loaded.push(store.get(id)!);
  return mergeDelta(delta, documentsLoaded(delta, loaded), range).written;
}
const written = (store: Stored, documents: readonly Uint8Array[]): Stored =>
  new Map([...store, ...documents.map((document) => [idOf(document), document] as const)]);
const revIn = (store: Stored, document: Uint8Array): number => {
  const stored = store.get(idOf(document));
  return stored === undefined ? -1 : revOf(stored);
};
const read = (store: Stored): Documents => new Map([...store].map(([id, document]) => [id, parsed(document)]));

const visits = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 60 })), { minLength: 1, maxLength: 150 });

describe('the minutes of an hour', () => {
  it('share a document, and a crowded one keeps the visitors beyond its first in one of its own', () => {
    const delta = deltaOf([...Array.from({ length: minuteSetMax + 5 }, (_, i): Visit => [7, i]), [8, 1]]);
    const store = written(new Map(), merged(new Map(), delta, { r0: -1, r1: 0 }));
    expect([...store.keys()].sort()).toEqual([`${prefix}:07|000`, `${prefix}|000`]);
    const visitors = (minute: string): unknown => tallyOf(read(store), `${prefix}:${minute}`, '', 'exclude').distinct('visitors');
    expect(visitors('07')).toEqual({ count: minuteSetMax + 5, exact: true });
    expect(visitors('08')).toEqual({ count: 1, exact: true });
  });

  it('count every visitor once, in the same bytes however flushes fell and were cut off', () => {
    fc.assert(
      fc.property(fc.array(visits, { minLength: 1, maxLength: 4 }), fc.infiniteStream(fc.boolean()), (groups, isWritten) => {
        let store: Stored = new Map();
        groups.forEach((group, i) => {
          const range = { r0: i - 1, r1: i };
          const delta = deltaOf(group);
          const whole = merged(store, delta, range);
          expect(merged(written(store, whole), deltaOf(group), range)).toEqual([]);
          // The flush is cut off after some of its writes, and the same range is folded again.
          store = written(
            store,
            whole.filter(() => isWritten.next().value!),
          );
          const again = deltaOf(group);
          const rest = merged(store, again, range).filter((document) => revIn(store, document) < i);
          store = written(store, rest);
        });
        const atOnce = deltaOf(groups.flat());
        expect(bytesOf(read(store))).toEqual(bytesOf(read(written(new Map(), merged(new Map(), atOnce, { r0: -1, r1: 0 })))));
        for (const minute of [0, 1, 2, 3]) {
          const expected = new Set(groups.flat().flatMap(([at, visitor]) => (at === minute ? [visitor] : []))).size;
          const found = tallyOf(read(store), `${prefix}:0${minute}`, '', 'exclude');
          expect(found.distinct('visitors').count).toBe(expected);
        }
      }),
      { numRuns: 150 },
    );
  });
});
