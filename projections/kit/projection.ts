import type { EventColumns } from '../../src/domain/columns';

/** Minute and hour buckets are UTC; days are the merchant's. */
export type Granularity = 'minute' | 'hour' | 'day';

/** What the kit must know of a merchant to place an event in its buckets. */
export interface MerchantSettings {
  /** IANA name. */
  readonly timezone: string;
}

/**
 * Folds the events of one partition for one generation: all its projections in one pass. Holds what was folded since the last
 * `take` as mergeable deltas, and the bounded history (open sessions) that later events may restate.
 * Pure: no clock, no randomness; the same blocks in the same order give the same deltas, wherever `take` falls between them.
 */
export interface Folder {
  /**
   * @param skip one byte a row; 1 leaves the row out (a duplicate)
   * @param settingsOf must know every merchant in the block
   */
  fold(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings): void;
  /** Takes what was folded since the last take. */
  take(): Folded;
  /** Rough size in bytes of what `take` would give: beyond a bound the caller stops pulling the log. */
  readonly pendingBytes: number;
  /** All of the history, for `restore`. */
  snapshot(): Uint8Array;
  /** A snapshot, then the `state` of each take after it, oldest first. Call once, on a fresh folder. */
  restore(parts: readonly Uint8Array[]): void;
}

export interface Folded {
  readonly deltas: readonly BucketDelta[];
  /** What changed in the history since the last take; undefined when nothing did. Opaque bytes for `restore`. */
  readonly state: Uint8Array | undefined;
}

/** Changes to the documents of one merchant, family, granularity and bucket: what `mergeDelta` folds into what is stored. */
export interface BucketDelta {
  readonly projection: string;
  /** Documents are `${prefix}|000`, `${prefix}|001` …, each holding at most `valuesPerDocument` dimension values. */
  readonly prefix: string;
  /** By dimension value ('' for totals), in order of first appearance. */
  readonly cells: ReadonlyMap<string, unknown>;
}
