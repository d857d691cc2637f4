import type { EventColumns } from '../../src/domain/columns';
import type { ByteReader, ByteWriter } from './bytes';
import type { MerchantSettings } from './settings';

/**
 * What is remembered of one visitor (bots apart from humans) and restated when an event arrives late: sessions, active days,
 * steps of funnels. The kit keeps the states as bytes (recent ones in memory, all others in the store) and hands each its visitor's
 * events in the order of the log; a history is pure, and what it emits in total depends on the visitor's events alone.
 */
export interface History<State, Change> {
  /** Names the bytes: another name when their meaning changes. Several projections may share one history object. */
  readonly name: string;
  /** A state to be used for one visitor after the other. */
  create(): State;
  /** Makes it that of a visitor of whom nothing is known. */
  clear(state: State): void;
  /** Takes in one event. Called in the order of the log, any number of times before `settle`. */
  add(state: State, event: HistoryEvent): void;
  /**
   * After the last event of a block that touched the visitor: emits what changed, that is, what is so now and what no longer is.
   * Called at block ends only, so that flush boundaries cannot show. Afterwards everything in the state is counted as it stands.
   */
  settle(state: State, visitor: VisitorOf, emit: (change: Change) => void): void;
  /** Only ever after `settle`. Nothing at all for a state as `clear` makes it. */
  write(state: State, out: ByteWriter): void;
  /** Into a cleared state. */
  read(from: ByteReader, state: State): void;
}

/** One row of a block, without an object per event: the same view is handed out again with another row, so keep nothing of it. */
export interface HistoryEvent extends VisitorOf {
  readonly columns: EventColumns;
  readonly row: number;
  /** Epoch ms. */
  readonly time: number;
  /** Grows along the log of the partition: breaks ties between equal times. A whole number below 2^53. */
  readonly position: number;
  /** A `purchase` that counts: the first in the log with its transactionId, or one without. */
  readonly isOrder: boolean;
  /** A `refund` without an amount of its own: the revenue of its order, in minor units of the order's currency; undefined where it is unknown. */
  readonly refundOfOrder: { readonly minorUnits: number; readonly currency: string } | undefined;
}

export interface VisitorOf {
  readonly merchantId: string;
  readonly settings: MerchantSettings;
  readonly bot: 0 | 1;
}

/** A projection of what visitors' histories emit. */
export interface HistoryProjection<Change> {
  readonly kind: 'history';
  readonly name: string;
  readonly version: number;
  // The state is the history's own affair.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly history: History<any, Change>;
  /** Totals under the projection's name, dimensions under `${name}.${dimension}`. Numbered in this order. */
  readonly families: readonly HistoryFamily[];
  /** Turns a change into cells. `cells` is valid during the call only. */
  tell(change: Change, visitor: VisitorOf, cells: FamilyCells): void;
}

export interface HistoryFamily {
  /**
   * '' for totals, or the name of a dimension, the keys of cells being its values. Several dimensions that count the same of the same
   * things are told together: each then has a value of its own for a key, whatever that is.
   */
  // Keys are the projection's own affair.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly dimension: string | { readonly [name: string]: (key: any) => string };
  /** minute: by minute, hour and day. quarter: by hour and day. day: by the merchant's day alone. */
  readonly base: 'minute' | 'quarter' | 'day';
  /** May be taken back: stored wherever one was, zeros included. */
  readonly counters: readonly string[];
  /** Sets of visitors whose members may be taken back: kept with how often each was put in. */
  readonly members: readonly string[];
  /** Numbers by currency, minor units or counts; may be taken back. */
  readonly money: readonly string[];
}

/** Families, counters, members and money are meant by their number. */
export interface FamilyCells {
  /** The cell of a bucket and a key: the dimension's value, '' in totals. */
  at(family: number, utcMs: number, key: unknown): number;
  /** In families by day: `day` is a local calendar day, days since 1970-01-01. */
  onDay(family: number, day: number, key: unknown): number;
  count(family: number, cell: number, counter: number, by: number): void;
  /** Adds to each counter of a cell the number at its place, or takes it off (sign = -1). */
  countAll(family: number, cell: number, by: Float64Array, sign: 1 | -1): void;
  /** Puts the visitor into a set (by = 1) or takes it out again (-1): a member is who is in more often than out. */
  member(family: number, cell: number, set: number, by: 1 | -1): void;
  pay(family: number, cell: number, money: number, currency: string, minorUnits: number): void;
}
