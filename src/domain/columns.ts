import type { Item } from '../protocol/event';
import type { Hashes64 } from './hash64';

/**
 * A dictionary-coded column of strings. `codes[i]` indexes `values`; `values[0]` is always '' and means absent.
 * Codes are given in order of first appearance, so equal events give equal columns.
 */
export interface TextColumn {
  readonly values: readonly string[];
  readonly codes: Uint16Array | Uint32Array;
  /** hash64 of each value, without building the strings. */
  hashes(): Hashes64;
}

/** The text fields of an event, in stored order. `country` is ISO 3166 alpha-2, resolved at collection. */
export const textFields = [
  'merchantId',
  'name',
  'visitorId',
  'userId',
  'sessionId',
  'url',
  'title',
  'referrer',
  'userAgent',
  'country',
  'language',
  'screen',
  'currency',
  'transactionId',
  'coupon',
] as const;
export type TextField = (typeof textFields)[number];

/** The numeric fields of an event; NaN means absent. Money is in major units of `currency`, as sent. */
export const numberFields = ['value', 'tax', 'shipping'] as const;
export type NumberField = (typeof numberFields)[number];

/**
 * Many accepted events of one partition, by column. What a block of the log decodes to and what projections fold:
 * no object exists per event.
 */
export interface EventColumns {
  readonly count: number;
  /** Idempotency keys, unique per merchant. Built on first use: deduplication needs only their hashes. */
  readonly ids: readonly string[];
  /** hash64 of each id, by row, without building the strings. */
  idHashes(): Hashes64;
  /** Event time after clock correction, epoch ms. */
  readonly times: Float64Array;
  /** Receipt at the collector, epoch ms. */
  readonly receivedAt: Float64Array;
  readonly text: { readonly [F in TextField]: TextColumn };
  /** A column no event of the block fills is undefined. */
  readonly numbers: { readonly [F in NumberField]: Float64Array | undefined };
  /** Sparse: only rows that have items, by row number. */
  readonly items: ReadonlyMap<number, readonly Item[]>;
  /** Sparse: only rows that have properties, by row number. */
  readonly properties: ReadonlyMap<number, Readonly<Record<string, string | number | boolean>>>;
}

/** One accepted event as a row: the form acceptance produces and `recount log` prints. */
export interface AcceptedEvent {
  merchantId: string;
  id: string;
  /** Epoch ms, corrected. */
  time: number;
  /** Epoch ms. */
  receivedAt: number;
  name: string;
  visitorId: string;
  userId?: string;
  sessionId?: string;
  url?: string;
  title?: string;
  referrer?: string;
  userAgent?: string;
  country?: string;
  language?: string;
  screen?: string;
  value?: number;
  currency?: string;
  items?: Item[];
  transactionId?: string;
  coupon?: string;
  tax?: number;
  shipping?: number;
  properties?: Record<string, string | number | boolean>;
}
