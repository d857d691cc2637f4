import fc from 'fast-check';
import {
  bucketOf,
  documentPrefix,
  shardOfId,
  shardPrefix,
  mergeDelta,
  valuesPerBucket,
  valuesPerDocument,
  type CellDelta,
  type StoredDoc,
} from '../../../projections/kit/document';
import type { MeasuresDelta } from '../../../projections/kit/measures';
import type { BucketDelta } from '../../../projections/kit/projection';

const prefix = documentPrefix('m1', 'traffic.page', 'day', '2026-11-22');

function delta(counts: readonly (readonly [string, number])[]): BucketDelta {
  const totals = new Map<string, number>();
  for (const [value, n] of counts) totals.set(value, (totals.get(value) ?? 0) + n);
  const cellOf = (n: number): CellDelta => {
    const foldInto: MeasuresDelta['foldInto'] = (stored) => ({ pageviews: ((stored?.['pageviews'] as number | undefined) ?? 0) + n });
    return { h: { foldInto, foldCapped: (stored) => ({ kept: foldInto(stored), beyond: undefined }) } };
  };
  return { projection: 'traffic', prefix, cells: new Map([...totals].map(([value, n]) => [value, cellOf(n)])) };
}

const pages = (n: number, from = 0): [string, number][] => Array.from({ length: n }, (_, i) => [`/page-${from + i}`, 1]);

function apply(stored: readonly StoredDoc[], changes: readonly StoredDoc[]): StoredDoc[] {
  const byId = new Map(stored.map((doc) => [doc._id, doc]));
  for (const doc of changes) byId.set(doc._id, doc);
  return [...byId.values()].sort((a, b) => (a._id < b._id ? -1 : 1));
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
    const docs = mergeDelta(delta(pages(450)), [], { r0: -1, r1: 0 });
    expect(docs.map((doc) => [doc._id.slice(-3), doc.values.length, doc.values[0]!.v])).toEqual([
      ['000', valuesPerDocument, '/page-0'],
      ['001', valuesPerDocument, '/page-200'],
      ['002', 50, '/page-400'],
    ]);
  });

  it('sum what comes after the 10,000th value under other, and keep counting the known ones exactly', () => {
    let docs = apply([], mergeDelta(delta(pages(valuesPerBucket - 5)), [], { r0: -1, r1: 0 }));
    docs = apply(docs, mergeDelta(delta(pages(12, valuesPerBucket - 7)), docs, { r0: 0, r1: 1 }));
    expect(docs.reduce((total, doc) => total + doc.values.length, 0)).toBe(valuesPerBucket);
    expect(docs[0]!.other).toEqual({ h: { pageviews: 5 } });
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
        const before = apply([], mergeDelta(delta(first), [], { r0: -1, r1: 5 }));
        const whole = mergeDelta(delta(second), before, { r0: 5, r1: 9 });
        const cutOff = apply(
          before,
          whole.filter(() => written.next().value!),
        );
        // The loader follows the chain of full documents and does not see what lies beyond a gap.
        const gap = cutOff.findIndex(
          (doc, i) => Number(doc._id.slice(-3)) !== i || (i > 0 && cutOff[i - 1]!.values.length < valuesPerDocument),
        );
        const seen = gap === -1 ? cutOff : cutOff.slice(0, gap);
        const again = mergeDelta(delta(second), seen, { r0: 5, r1: 9 });
        // A document the loader did not see is refused by the store's guard; it was already written.
        const guarded = again.filter((doc) => (cutOff.find(({ _id }) => _id === doc._id)?.rev ?? -1) <= 5);
        expect(apply(cutOff, guarded)).toEqual(apply(before, whole));
        expect(apply(cutOff, again)).toEqual(apply(before, whole));
      }),
      { numRuns: 200 },
    );
  });
});
