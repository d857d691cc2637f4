import type { EventColumns, NumberField, TextField } from '../../src/domain/columns';
import type { Definitions, Match } from '../../src/domain/definitions';
import type { Item } from '../../src/protocol/event';
import type { HistoryProjection } from './history';
import type { ColdRecord } from './memory';
import type { MerchantSettings } from './settings';

export type { MerchantSettings } from './settings';

/** Minute and hour buckets are UTC; days are the merchant's. The minutes of an hour share a document. */
export type Granularity = 'minute' | 'hour' | 'day';

/**
 * What is counted. A declared projection says which measures, on which condition, by which dimensions; the kit compiles that
 * to loops over a block's columns. One that needs a visitor's history tells what a History emits (see history.ts).
 */
// Changes are the histories' own affair.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type ProjectionDefinition = DeclaredProjection | HistoryProjection<any>;

export interface DeclaredProjection {
  readonly kind: 'declared';
  /** Collection, route and family name: [a-z-]+. */
  readonly name: string;
  /** Raise it with every change of meaning: a deployed change of version recounts history by itself. */
  readonly version: number;
  readonly measures: { readonly [name: string]: Measure };
  /** Whether any of them asks which purchases are orders: then the first purchase of every transaction is remembered. */
  readonly orders?: true;
  /** Whether the measures are also kept without any dimension: by minute, hour and day. */
  readonly totals: boolean;
  /** By hour and day. */
  readonly dimensions: { readonly [name: string]: Dimension };
  /** Dimensions are kept by minute instead, each minute until the same one of an hour that is later: see merge-recent.ts. */
  readonly recent?: true;
  /** Families that count the items of an event, not the event. */
  readonly itemDimensions: { readonly [name: string]: ItemDimension };
  /**
   * What a merchant defined, as labels: an event counts once under each label whose match it meets, and not at all where it meets
   * none. Totals are then kept by label (minutes in documents of each: see familyOfLabel), dimensions by `label|value`. Default: every
   * event counts once, without a label.
   */
  readonly labels?: (definitions: Definitions) => readonly Label[];
}
export interface Label {
  readonly label: string;
  readonly match: Match;
}

/** Decided once per dictionary entry of a block, not once per event. */
export interface Condition {
  readonly field: TextField;
  holds(value: string): boolean;
  /** Of these events, those that are orders. */
  readonly ordersOnly?: true;
}

export type Dimension = TextDimension | PropertiesDimension;
/** An event's properties, each as `NAME=value`: an event counts once under each. */
export interface PropertiesDimension {
  readonly field: 'properties';
}

export type Measure =
  | { readonly kind: 'count'; readonly when?: Condition }
  /** Events by their currency. */
  | { readonly kind: 'countByCurrency'; readonly when?: Condition }
  /** A whole number per event; negative ones are not allowed. */
  | { readonly kind: 'sum'; readonly of: RowNumber; readonly when?: Condition }
  | { readonly kind: 'distinct'; readonly of: 'visitorId'; readonly when?: Condition }
  /** An amount per event in major units, NaN for none; kept in minor units of the event's currency. */
  | {
      readonly kind: 'money';
      readonly of: RowNumber;
      readonly when?: Condition;
      /** Without an amount of its own, a refund is of the whole order. */
      readonly orOrder?: true;
    };

/** Reads one number of one event. */
export type RowNumber = (event: RowView, row: number) => number;
export interface RowView {
  readonly numbers: { readonly [F in NumberField]: Float64Array | undefined };
  readonly items: ReadonlyMap<number, readonly Item[]>;
}

export interface TextDimension {
  readonly field: TextField;
  /** Decided once per dictionary entry: the value to count under, or undefined to leave the event out. Default: the text itself. */
  value?(text: string): string | undefined;
}

/** Counted once per item of the events that meet `when`. */
export interface ItemDimension {
  readonly when: Condition;
  value(item: Item): string | undefined;
  readonly measures: { readonly [name: string]: ItemMeasure };
}
export type ItemMeasure =
  /** Events in which the value occurs, however many items carry it. */
  | { readonly kind: 'count'; readonly when: Condition }
  | { readonly kind: 'countByCurrency'; readonly when: Condition }
  | { readonly kind: 'sum'; readonly of: (item: Item) => number; readonly when: Condition }
  | { readonly kind: 'money'; readonly of: (item: Item) => number; readonly when: Condition };

export const count = (when?: Condition): Measure => ({ kind: 'count', ...(when && { when }) });
export const countByCurrency = (when?: Condition): Measure => ({ kind: 'countByCurrency', ...(when && { when }) });
export const sum = (of: RowNumber, when?: Condition): Measure => ({ kind: 'sum', of, ...(when && { when }) });
export const distinctVisitors = (when?: Condition): Measure => ({ kind: 'distinct', of: 'visitorId', ...(when && { when }) });
export const money = (of: RowNumber, when?: Condition): Measure => ({ kind: 'money', of, ...(when && { when }) });

/** Events with one of these names. */
export function named(...names: string[]): Condition {
  const set = new Set(names);
  return { field: 'name', holds: (name) => set.has(name) };
}

/** Purchases, the first in the log of each transaction: for projections with `orders`. */
export const orders: Condition = { ...named('purchase'), ordersOnly: true };
/** What refunds amount to: for projections with `orders`. */
export const refunds = (of: RowNumber): Measure => ({ kind: 'money', of, when: named('refund'), orOrder: true });

/**
 * Folds the events of one partition for one generation: all its projections in one pass. Holds what was folded since the last
 * `take` as mergeable deltas, and the histories that later events may restate: recent ones in memory, all others in the store.
 * Pure: no clock, no randomness; the same blocks in the same order give the same deltas, wherever `take` falls between them.
 */
export interface Folder {
  /** Whose histories it keeps, in the order their bytes are in: '' for none. */
  readonly keeps: string;
  /** Whether it may ask for cold records, now and after a restart: to be handed back to `restore`. */
  readonly hasCold: boolean;
  /** Keys of cold records the block needs: each must be admitted before it is folded. A take in between may add to them. */
  absent(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings): readonly string[];
  /** @param bytes of the cold record, as of the last complete flush; undefined when there was none */
  admit(key: string, bytes: Uint8Array | undefined): void;
  /**
   * @param skip one byte a row; 1 leaves the row out (a duplicate)
   * @param settingsOf must know every merchant in the block
   * @param firstPosition of the block's first row; the others follow it. Grows along the log, by more than the rows of each block
   */
  fold(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings, firstPosition: number): void;
  /** Takes what was folded since the last take. */
  take(): Folded;
  /** What the last take gave is in the store, the cold records included. */
  flushed(): void;
  /** Rough size in bytes of what `take` would give: beyond a bound the caller stops pulling the log. */
  readonly pendingBytes: number;
  /** All of the history in memory, for `restore`. Right after a take only. */
  snapshot(): Uint8Array;
  /** A snapshot, then the `state` of each take after it, oldest first. Call once, on a fresh folder. */
  restore(parts: readonly Uint8Array[], hasCold: boolean): void;
}

export interface Folded {
  readonly deltas: readonly BucketDelta[];
  /** What changed in the history since the last take; undefined when nothing did. Opaque bytes for `restore`. */
  readonly state: Uint8Array | undefined;
  /** Records that left memory. */
  readonly cold: readonly ColdRecord[];
}

/** Changes to the documents of one merchant, family, granularity and bucket: what `mergeDelta` folds into what is stored. */
export interface BucketDelta {
  readonly projection: string;
  /** Documents are `${prefix}|000`, `${prefix}|001` …, each holding at most `valuesPerDocument` dimension values. */
  readonly prefix: string;
  /** By dimension value ('' for totals), in order of first appearance: a CellDelta each. Put together anew whenever it is called. */
  cells(): readonly (readonly [value: string, cell: unknown])[];
  /** The values are the minutes of an hour: their sets are capped, see `minuteSetMax` in document.ts. */
  readonly minutes?: boolean;
  /** `2026-11-22T10:05`: the document is of the minute 05 of whichever hour comes last, and this is what changes if that is this one. */
  readonly ofMinute?: string | undefined;
}
