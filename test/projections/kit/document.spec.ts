import fc from 'fast-check';
import { noDocuments, type BucketDocuments } from '../../../projections/kit/bucket-documents';
import { CellContents, CellRefs } from '../../../projections/kit/cell-contents';
import { bucketOf, documentPrefix, shardOfId, shardPrefix, valuesPerBucket, valuesPerDocument } from '../../../projections/kit/document';
import { documentsLoaded, mergeDelta } from '../../../projections/kit/merging';
import { PairIndex } from '../../../projections/kit/pair-index';
import type { BucketDelta } from '../../../projections/kit/projection';
import { parsed } from '../folding';

const prefix = documentPrefix('m1', 'traffic.page', 'day', '2026-11-22');

const layout = { counters: ['pageviews'], distincts: [], members: [], money: [], restated: false };
function delta(counts: readonly (readonly [string, number])[]): BucketDelta {
  const totals = new Map<string, number>();
  for (const [value, n] of counts) totals.set(value, (totals.get(value) ?? 0) + n);
  const contents = new CellContents(layout, Float64Array.from(totals.values()), [], [], undefined, new PairIndex());
  const cells = [...totals.keys()].map((value, cell) => [value, { h: new CellRefs(contents, [cell]) }] as const);
  return { projection: 'traffic', prefix, cells: () => cells };
}

const pages = (n: number, from = 0): [string, number][] => Array.from({ length: n }, (_, i) => [`/page-${from + i}`, 1]);

/** Documents by their place, gaps included. */
type Store = readonly (Uint8Array | undefined)[];
function apply(store: Store, written: readonly Uint8Array[]): Store {
  const after = [...store];
  for (const document of written) after[Number(parsed(document)._id.slice(-3))] = document;
  return after;
}
/** As loaders follow the chain of full documents: what lies beyond a gap they do not see. */
function seen(store: Store): BucketDocuments {
  const gap = store.findIndex(
    (document, i) => document === undefined || (i > 0 && parsed(store[i - 1]!).values.length < valuesPerDocument),
  );
  return documentsLoaded(delta([]), (gap === -1 ? store : store.slice(0, gap)) as Uint8Array[]);
}

describe('documents', () => {
  it('name their bucket in the _id', () => {
    expect(bucketOf(`${prefix}|000`)).toBe('2026-11-22');
    expect(bucketOf(`${documentPrefix('m1', 'traffic', 'minute', '2026-11-22T05:33')}|000`)).toBe('2026-11-22T05:33');
  });

  it('lie beside those of other shards of the bucket, before those of the next one', () => {
    const minute = documentPrefix('m1', 'traffic', 'minute', '2026-11-22T05');
    const shard = shardPrefix(prefix, 7);
    expect([`${shard}|000`, `${shardPrefix(minute, 31)}:33|000`].map(bucketOf)).toEqual(['2026-11-22', '2026-11-22T05:33']);
    expect([`${prefix}|012`, `${shard}|012`, `${shardPrefix(minute, 31)}:33|000`].map(shardOfId)).toEqual([0, 7, 31]);
    expect(shardPrefix(prefix, 0)).toBe(prefix);
    const next = documentPrefix('m1', 'traffic.page', 'day', '2026-11-23');
    expect([`${shard}|000`, `${shard}|199`].every((id) => id > prefix && id < next)).toBe(true);
  });

  it('hold 200 values each, in order of first appearance', () => {
    const docs = mergeDelta(delta(pages(450)), noDocuments(), { r0: -1, r1: 0 }).written.map(parsed);
    expect(docs.map((doc) => [doc._id.slice(-3), doc.values.length, doc.values[0]!.v])).toEqual([
      ['000', valuesPerDocument, '/page-0'],
      ['001', valuesPerDocument, '/page-200'],
      ['002', 50, '/page-400'],
    ]);
  });

  it('know a value again whatever letters it has', () => {
    const odd = ['', '\uFEFF/page', '/page', '/päge', '/ページ', '/😀', '\0', '/pa\0ge', 'x'.repeat(2_000)];
    const counts = (store: BucketDocuments): unknown => parsed(store.chunks[0]!).values;
    let stored = noDocuments();
    for (let round = 1; round <= 3; round++) {
      const { written } = mergeDelta(delta(odd.map((value) => [value, 1])), stored, { r0: round - 1, r1: round });
      stored = documentsLoaded(delta([]), written);
      expect(counts(stored)).toEqual(odd.map((v) => ({ v, h: { pageviews: round } })));
    }
  });

  it('sum what comes after the 10,000th value under other, and keep counting the known ones exactly', () => {
    const first = mergeDelta(delta(pages(valuesPerBucket - 5)), noDocuments(), { r0: -1, r1: 0 }).documents;
    const second = mergeDelta(delta(pages(12, valuesPerBucket - 7)), first, { r0: 0, r1: 1 }).documents;
    const third = mergeDelta(delta(pages(3, valuesPerBucket + 2)), second, { r0: 1, r1: 2 }).documents;
    const docs = third.chunks.map(parsed);
    expect(docs.reduce((total, doc) => total + doc.values.length, 0)).toBe(valuesPerBucket);
    expect(docs[0]!.other).toEqual({ h: { pageviews: 8 } });
    expect(docs.at(-1)!.values.at(-6)).toEqual({ v: `/page-${valuesPerBucket - 6}`, h: { pageviews: 2 } });
  });

  it('come out the same when a flush was cut off after any of its writes and is done again', () => {
    const change = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 700 }).map((n) => `/page-${n}`),
        fc.integer({ min: 1, max: 3 }),
      ),
      { maxLength: 500 },
    );
    fc.assert(
      fc.property(change, change, fc.infiniteStream(fc.boolean()), (first, second, written) => {
        const before = mergeDelta(delta(first), noDocuments(), { r0: -1, r1: 5 }).documents;
        const whole = mergeDelta(delta(second), before, { r0: 5, r1: 9 });
        const cutOff = apply(
          before.chunks,
          whole.written.filter(() => written.next().value!),
        );
        const again = mergeDelta(delta(second), seen(cutOff), { r0: 5, r1: 9 }).written;
        // A document the loader did not see is refused by the store's guard; it was already written.
        const guarded = again.filter((document) => {
          const { _id } = parsed(document);
          const stored = cutOff[Number(_id.slice(-3))];
          return stored === undefined || parsed(stored).rev <= 5;
        });
        expect(apply(cutOff, guarded)).toEqual(whole.documents.chunks);
        expect(apply(cutOff, again)).toEqual(whole.documents.chunks);
      }),
      { numRuns: 200 },
    );
  });

  it('come out the same after a flush that was given up, whose new values took places that were never stored', () => {
    const change = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 25 }).map((n) => `/page-${n}`),
        fc.constant(1),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(change, change, change, (first, givenUp, second) => {
        const { documents } = mergeDelta(delta(first), noDocuments(), { r0: -1, r1: 0 });
        const read = documentsLoaded(delta([]), documents.chunks);
        mergeDelta(delta(givenUp), documents, { r0: 0, r1: 1 });
        const kept = mergeDelta(delta(second), documents, { r0: 0, r1: 2 }).written;
        expect(kept.map(parsed)).toEqual(mergeDelta(delta(second), read, { r0: 0, r1: 2 }).written.map(parsed));
      }),
      { numRuns: 500 },
    );
  });
});
