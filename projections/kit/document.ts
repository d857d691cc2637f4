import { hash32 } from '../../src/domain/partition';
import type { MeasuresDelta, StoredMeasures } from './measures';
import type { Granularity } from './projection';

/** A document of a read model: the cells of one merchant, family, granularity and bucket, or a chunk of them. */
export interface StoredDoc {
  [field: string]: unknown;
  _id: string;
  /** Log revision (of the merchant's partition) it is folded to. */
  rev: number;
  /** Of a recent minute: which one, `2026-11-22T10:05`. See merge-recent.ts. */
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

/**
 * The family of one label's minutes. Hours and days of totals have the labels as their values; the values of a document of minutes are
 * the minutes, so that each label has its own.
 */
export const familyOfLabel = (family: string, label: string): string => `${family}:${label}`;

export function documentId(prefix: string, chunk: number): string {
  return `${prefix}|${String(chunk).padStart(3, '0')}`;
}

/** Of a minute's visitors beyond the first: `…|2026-11-22T05:33|000` beside `…|2026-11-22T05|000`. */
export const beyondId = (prefix: string, minute: string): string => documentId(`${prefix}:${minute}`, 0);

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
