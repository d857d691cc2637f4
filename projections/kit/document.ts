import { hash32 } from '../../src/domain/partition';
import type { MeasuresDelta, StoredMeasure, StoredMeasures } from './measures';
import type { BucketDelta, Granularity } from './projection';

/** A document of a read model: the cells of one merchant, family, granularity and bucket, or a chunk of them. */
export interface StoredDoc {
  [field: string]: unknown;
  _id: string;
  /** Log revision (of the merchant's partition) it is folded to. */
  rev: number;
  /** In order of first appearance in the log. */
  values: StoredValue[];
  /** Values beyond `valuesPerBucket` together; only in chunk 000. */
  other?: OtherValues;
}
export interface StoredValue {
  /** Dimension value; '' for totals. */
  v: string;
  /** What humans caused, and what bots caused. */
  h?: StoredMeasures;
  b?: StoredMeasures;
}
export type OtherValues = Omit<StoredValue, 'v'>;

/** Changes to one dimension value. */
export interface CellDelta {
  h?: MeasuresDelta;
  b?: MeasuresDelta;
}

export const valuesPerDocument = 200;
/** Exact up to here; what comes later in the log is summed under `other`. */
export const valuesPerBucket = 10_000;

/**
 * `${2-hex hash}${merchantId}|${family}|${granularity}|${bucket}`: one merchant's buckets lie side by side in `_id` order,
 * merchants are spread over shards by the hash.
 */
export function documentPrefix(merchantId: string, family: string, granularity: Granularity, bucket: string): string {
  return `${(hash32(merchantId) & 0xff).toString(16).padStart(2, '0')}${merchantId}|${family}|${granularity}|${bucket}`;
}

export function documentId(prefix: string, chunk: number): string {
  return `${prefix}|${String(chunk).padStart(3, '0')}`;
}

/** Bounds for a scan (from <= _id < to) over all chunks of the buckets from `fromBucket` up to but not including `toBucket`. */
export function bucketRange(
  merchantId: string,
  family: string,
  granularity: Granularity,
  fromBucket: string,
  toBucket: string,
): { from: string; to: string } {
  return {
    from: documentPrefix(merchantId, family, granularity, fromBucket),
    to: documentPrefix(merchantId, family, granularity, toBucket),
  };
}

export const minuteBucket = (utcMs: number): string => new Date(utcMs).toISOString().slice(0, 16);
export const hourBucket = (utcMs: number): string => new Date(utcMs).toISOString().slice(0, 13);

/** The bucket and the chunk an `_id` names; the rest is known to whoever asked for it. */
export function bucketOf(id: string): string {
  return id.slice(id.lastIndexOf('|', id.length - 5) + 1, -4);
}

/**
 * The documents a delta changes, folded to r1. `stored` are all chunks of the prefix, in order. A document that an earlier
 * attempt of the same range already wrote (rev >= r1) is left out; since a value's place depends only on the order of first
 * appearance, and values never move, the others come out as they would have the first time.
 */
export function mergeDelta(delta: BucketDelta, stored: readonly StoredDoc[], range: { r0: number; r1: number }): StoredDoc[] {
  const chunks = [...stored];
  const changed = new Set<number>();
  const places = chunks.map(placesOf);
  let total = 0;
  for (const chunk of chunks) total += chunk.values.length;

  const touch = (chunk: number): StoredDoc | undefined => {
    const doc = chunks[chunk];
    if (doc === undefined) {
      changed.add(chunk);
      places[chunk] = new Map();
      return (chunks[chunk] = { _id: documentId(delta.prefix, chunk), rev: range.r1, values: [] });
    }
    if (changed.has(chunk)) return doc;
    if (doc.rev >= range.r1) return undefined;
    changed.add(chunk);
    return (chunks[chunk] = { ...doc, rev: range.r1, values: doc.values.slice() });
  };

  for (const [value, cell] of delta.cells as ReadonlyMap<string, CellDelta>) {
    const known = findPlace(chunks, places, value);
    if (known !== undefined) {
      const doc = touch(known.chunk);
      if (doc !== undefined) doc.values[known.at] = foldValue(value, doc.values[known.at], cell);
      continue;
    }
    if (total >= valuesPerBucket) {
      const doc = touch(0);
      if (doc !== undefined) doc.other = foldOther(doc.other, cell);
      continue;
    }
    total++;
    let chunk = 0;
    while (chunk < chunks.length && chunks[chunk]!.values.length >= valuesPerDocument) chunk++;
    const doc = touch(chunk);
    if (doc === undefined) throw new Error(`${chunks[chunk]!._id} is folded to ${chunks[chunk]!.rev} but lacks a value of that range`);
    places[chunk]!.set(value, doc.values.length);
    doc.values.push(foldValue(value, undefined, cell));
  }
  const written = [...changed].sort((a, b) => a - b).map((chunk) => chunks[chunk]!);
  for (const doc of written) indexes.set(doc, places[chunkOf(doc._id)]!);
  return written;
}

/** Rough size in memory and in the store, for cache bounds. */
export function documentBytes(doc: StoredDoc): number {
  let bytes = 64 + doc._id.length;
  for (const value of doc.values) bytes += 16 + value.v.length + measuresBytes(value.h) + measuresBytes(value.b);
  if (doc.other) bytes += measuresBytes(doc.other.h) + measuresBytes(doc.other.b);
  return bytes;
}

/** Where each value of a document stands; kept beside documents that stay in a cache, and carried over to their successors. */
const indexes = new WeakMap<StoredDoc, Map<string, number>>();

function placesOf(doc: StoredDoc): Map<string, number> {
  let places = indexes.get(doc);
  if (places === undefined) {
    places = new Map();
    for (let i = 0; i < doc.values.length; i++) places.set(doc.values[i]!.v, i);
    indexes.set(doc, places);
  }
  return places;
}

function findPlace(
  chunks: readonly StoredDoc[],
  places: readonly Map<string, number>[],
  value: string,
): { chunk: number; at: number } | undefined {
  for (let chunk = 0; chunk < places.length; chunk++) {
    const at = places[chunk]!.get(value);
    // An index is shared with the document's successors and may know values that this one does not have yet.
    if (at !== undefined && at < chunks[chunk]!.values.length && chunks[chunk]!.values[at]!.v === value) return { chunk, at };
  }
  return undefined;
}

const chunkOf = (id: string): number => Number(id.slice(-3));

/** `h` before `b` whichever came first: equal content is equal bytes. */
function foldValue(v: string, stored: OtherValues | undefined, cell: CellDelta): StoredValue {
  const { h, b } = foldOther(stored, cell);
  if (b === undefined) return h === undefined ? { v } : { v, h };
  return h === undefined ? { v, b } : { v, h, b };
}

function foldOther(stored: OtherValues | undefined, cell: CellDelta): OtherValues {
  const h = cell.h === undefined ? stored?.h : cell.h.foldInto(stored?.h);
  const b = cell.b === undefined ? stored?.b : cell.b.foldInto(stored?.b);
  if (b === undefined) return h === undefined ? {} : { h };
  return h === undefined ? { b } : { h, b };
}

function measuresBytes(measures: StoredMeasures | undefined): number {
  let bytes = 0;
  for (const name in measures) bytes += name.length + 8 + measureBytes(measures[name]!);
  return bytes;
}

function measureBytes(measure: StoredMeasure): number {
  if (measure instanceof Uint8Array) return measure.length + 16;
  return typeof measure === 'object' ? Object.keys(measure).length * 16 : 8;
}
