import { hash32 } from '../../src/domain/partition';
import type { MeasuresDelta, StoredMeasure, StoredMeasures } from './measures';
import type { BucketDelta, Granularity } from './projection';

/** A document of a read model: the cells of one merchant, family, granularity and bucket, or a chunk of them. */
export interface StoredDoc {
  [field: string]: unknown;
  _id: string;
  /** Log revision (of the merchant's partition) it is folded to. */
  rev: number;
  /** Of a recent minute: which one, `2026-11-22T10:05`. See mergeRecent. */
  ofMinute?: string;
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

/**
 * The minutes of an hour are the values of one document, so that a small shop's hour is one write and not sixty. A minute's set of
 * visitors holds at most this many there, the first in the log; the others are in a document of the minute's own.
 */
export const minuteSetMax = 32;
export const valuesPerDocument = 200;
/** Exact up to here; what comes later in the log is summed under `other`. */
export const valuesPerBucket = 10_000;
/** The same of a recent minute, which is one document: with the longest texts and a sketch for each it is just below 16 MiB, the most there may be. */
export const valuesPerRecentMinute = 400;

/**
 * `${2-hex hash}${merchantId}|${family}|${granularity}|${bucket}`: one merchant's buckets lie side by side in `_id` order,
 * merchants are spread over shards by the hash.
 */
export function documentPrefix(merchantId: string, family: string, granularity: Granularity, bucket: string): string {
  return `${(hash32(merchantId) & 0xff).toString(16).padStart(2, '0')}${merchantId}|${family}|${granularity}|${bucket}`;
}

function documentId(prefix: string, chunk: number): string {
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

/**
 * The prefix of what another partition than the merchant's own counts of a bucket, `…|2026-11-22@07`: beside the bucket's other
 * documents in `_id` order, so that whoever scans buckets reads all shards.
 */
export const shardPrefix = (prefix: string, shard: number): string =>
  shard === 0 ? prefix : `${prefix}@${String(shard).padStart(2, '0')}`;

export const merchantOf = (prefix: string): string => prefix.slice(2, prefix.indexOf('|'));

/** The bucket an `_id` names; the rest is known to whoever asked for it. */
export function bucketOf(id: string): string {
  const bucket = id.slice(id.lastIndexOf('|', id.length - 5) + 1, -4);
  const at = bucket.indexOf('@');
  return at < 0 ? bucket : bucket.slice(0, at) + bucket.slice(at + 3);
}

/** The shard an `_id` names. */
export function shardOfId(id: string): number {
  const at = id.lastIndexOf('@');
  // Nothing else in the name of a document can have one: neither ids of merchants nor names of families.
  return at < 0 ? 0 : Number(id.slice(at + 1, at + 3));
}

/**
 * The documents a delta changes, folded to r1. `stored` are all chunks of the prefix, in order. A document that an earlier
 * attempt of the same range already wrote (rev >= r1) is left out; since a value's place depends only on the order of first
 * appearance, and values never move, the others come out as they would have the first time.
 */
export function mergeDelta(delta: BucketDelta, stored: readonly StoredDoc[], range: { r0: number; r1: number }): StoredDoc[] {
  if (delta.ofMinute !== undefined) return mergeRecent(delta, stored[0], range);
  return delta.minutes ? mergeMinutes(delta, stored, range) : mergeValues(delta, stored, range);
}

/** The documents of a delta to load next, when those of the rounds before are `loaded`; none: that is all there can be. */
export function idsToLoad(delta: BucketDelta, loaded: readonly StoredDoc[], round: number): string[] {
  if (round === 0) return [documentId(delta.prefix, 0)];
  if (delta.ofMinute !== undefined) return [];
  if (delta.minutes) return round > 1 ? [] : (loaded[0]?.values ?? []).filter(isFullMinute).map(({ v }) => beyondId(delta.prefix, v));
  // Chunks fill up one after the other.
  return loaded.length === round && loaded[round - 1]!.values.length >= valuesPerDocument ? [documentId(delta.prefix, round)] : [];
}

/** Of a minute's visitors beyond the first: `…|2026-11-22T05:33|000` beside `…|2026-11-22T05|000`. */
const beyondId = (prefix: string, minute: string): string => documentId(`${prefix}:${minute}`, 0);

function isFullMinute({ h, b }: StoredValue): boolean {
  const isFull = (measure: StoredMeasure): boolean => measure instanceof Uint8Array && measure.length > minuteSetMax * 8;
  return Object.values(h ?? {}).some(isFull) || Object.values(b ?? {}).some(isFull);
}

/** Minutes never leave their document, and who is among the first never changes: what is beyond follows from the log alone. */
function mergeMinutes(delta: BucketDelta, stored: readonly StoredDoc[], range: { r0: number; r1: number }): StoredDoc[] {
  const id = documentId(delta.prefix, 0);
  const before = stored.find(({ _id }) => _id === id);
  const minutes = new Map(before?.values.map((value) => [value.v, value]));
  const written: StoredDoc[] = [];
  for (const [minute, cell] of delta.cells as ReadonlyMap<string, CellDelta>) {
    const value: { v: string } & OtherValues = { ...(minutes.get(minute) ?? { v: minute }) };
    const storedBeyond = stored.find(({ _id }) => _id === beyondId(delta.prefix, minute));
    const beyond: { v: string } & OtherValues = { ...(storedBeyond?.values[0] ?? { v: '' }) };
    let isBeyond = false;
    for (const side of ['h', 'b'] as const) {
      const folded = cell[side]?.foldCapped(value[side], beyond[side], minuteSetMax);
      if (folded === undefined) continue;
      value[side] = folded.kept;
      if (folded.beyond === undefined) continue;
      beyond[side] = folded.beyond;
      isBeyond = true;
    }
    minutes.set(minute, ordered(value));
    if (isBeyond && !(storedBeyond !== undefined && storedBeyond.rev >= range.r1)) {
      written.push({ _id: beyondId(delta.prefix, minute), rev: range.r1, values: [ordered(beyond)] });
    }
  }
  if (before !== undefined && before.rev >= range.r1) return written;
  // In order of time: what is equal is equal in bytes, whichever minute came first.
  const values = [...minutes.values()].sort((a, b) => (a.v < b.v ? -1 : 1));
  return [{ _id: id, rev: range.r1, values }, ...written];
}

/** `h` before `b` whichever came first: equal content is equal bytes. */
function ordered({ v, h, b }: { v: string } & OtherValues): StoredValue {
  if (b === undefined) return h === undefined ? { v } : { v, h };
  return h === undefined ? { v, b } : { v, h, b };
}

function mergeValues(delta: BucketDelta, stored: readonly StoredDoc[], range: { r0: number; r1: number }): StoredDoc[] {
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

/**
 * A minute of the hour has one place, which it gives up to the same minute of a later hour. Whatever the order of the log and
 * wherever flushes fall, a place ends as all that the log has of its latest minute: nothing need be deleted, nor counted twice.
 */
function mergeRecent(delta: BucketDelta, stored: StoredDoc | undefined, { r1 }: { r1: number }): StoredDoc[] {
  const ofMinute = delta.ofMinute!;
  if (stored !== undefined && (stored.rev >= r1 || stored.ofMinute! > ofMinute)) return [];
  const before = stored?.ofMinute === ofMinute ? stored : undefined;
  const values = before?.values.slice() ?? [];
  const places = new Map(values.map(({ v }, at) => [v, at]));
  let other = before?.other;
  for (const [value, cell] of delta.cells as ReadonlyMap<string, CellDelta>) {
    const at = places.get(value);
    if (at !== undefined) values[at] = foldValue(value, values[at], cell);
    else if (values.length < valuesPerRecentMinute) values.push(foldValue(value, undefined, cell));
    else other = foldOther(other, cell);
  }
  return [{ _id: documentId(delta.prefix, 0), rev: r1, ofMinute, values, ...(other && { other }) }];
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

function foldValue(v: string, stored: OtherValues | undefined, cell: CellDelta): StoredValue {
  return ordered({ v, ...foldOther(stored, cell) });
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
