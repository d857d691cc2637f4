import { Placement } from './placement';

/** All documents of one prefix, as BSON, with what is worth knowing of them while they stay in a cache. */
export interface BucketDocuments {
  /** In order; each but the last holds `valuesPerDocument` values. Of an hour's minutes there is one. */
  readonly chunks: readonly Uint8Array[];
  /** Values in all chunks; not counted where they are minutes. */
  readonly values: number;
  readonly placement: Placement;
  /** By minute, the document of those who came after the first `minuteSetMax`. */
  readonly beyond: ReadonlyMap<string, Uint8Array>;
}

/** The log positions (r0, r1] that are folded in. */
export interface Range {
  readonly r0: number;
  readonly r1: number;
}

export interface Merged {
  /** The documents that changed, folded to r1. */
  readonly written: readonly Uint8Array[];
  /** All documents of the prefix once those are stored. */
  readonly documents: BucketDocuments;
}

export const nothingBeyond: ReadonlyMap<string, Uint8Array> = new Map();

/** Of a prefix of which nothing is stored. */
export const noDocuments = (): BucketDocuments => ({ chunks: [], values: 0, placement: new Placement(), beyond: nothingBeyond });

/** Rough size in memory, for cache bounds. */
export function documentsBytes({ chunks, values, beyond }: BucketDocuments): number {
  let bytes = 200 + 80 * values;
  for (const chunk of chunks) bytes += 120 + chunk.length;
  for (const document of beyond.values()) bytes += 200 + document.length;
  return bytes;
}
