import type { FamilyCells, HistoryFamily } from '../kit/history';
import type { Sale, SessionFacts } from './session-facts';
import type { SessionChange } from './visits';

/** Where sessions are counted: one family a dimension, all with the same measures. */
export interface SessionMeasures {
  readonly counters: { readonly [name: string]: (session: SessionFacts) => number };
  /** Sessions that put their visitor into a set. */
  readonly members: { readonly [name: string]: (session: SessionFacts) => boolean };
  readonly money: { readonly [name: string]: (sale: Sale) => number };
}
/** By name of the dimension, '' for totals. */
export interface SessionDimensions {
  readonly [name: string]: (session: SessionFacts) => string;
}

export function familiesOf(dimensions: SessionDimensions, measures: SessionMeasures): HistoryFamily[] {
  return Object.keys(dimensions).map((dimension) => ({
    dimension,
    base: dimension === '' ? 'minute' : 'quarter',
    counters: Object.keys(measures.counters),
    members: Object.keys(measures.members),
    money: Object.keys(measures.money),
  }));
}

/** Turns what became of a session into cells: nothing but differences where it stays in its cell. */
export function sessionTeller(
  dimensions: SessionDimensions,
  measures: SessionMeasures,
): (change: SessionChange, visitor: unknown, cells: FamilyCells) => void {
  const values = Object.values(dimensions);
  const counters = Object.values(measures.counters);
  const members = Object.values(measures.members);
  const money = Object.values(measures.money);
  // One of each for all calls.
  const before = new Float64Array(counters.length + members.length);
  const after = new Float64Array(counters.length + members.length);

  const read = (session: SessionFacts | undefined, numbers: Float64Array): void => {
    if (session === undefined) {
      numbers.fill(0);
      return;
    }
    for (let i = 0; i < counters.length; i++) numbers[i] = counters[i]!(session);
    for (let i = 0; i < members.length; i++) numbers[counters.length + i] = members[i]!(session) ? 1 : 0;
  };

  const add = (cells: FamilyCells, family: number, cell: number, from: Float64Array | undefined, to: Float64Array | undefined): void => {
    for (let i = 0; i < counters.length; i++) {
      const by = (to?.[i] ?? 0) - (from?.[i] ?? 0);
      if (by !== 0) cells.count(family, cell, i, by);
    }
    for (let i = 0; i < members.length; i++) {
      const by = (to?.[counters.length + i] ?? 0) - (from?.[counters.length + i] ?? 0);
      if (by !== 0) cells.member(family, cell, i, by > 0 ? 1 : -1);
    }
  };

  const pay = (cells: FamilyCells, family: number, cell: number, sales: readonly Sale[] | undefined, sign: 1 | -1): void => {
    if (sales === undefined) return;
    for (const sold of sales) {
      for (let i = 0; i < money.length; i++) {
        const minorUnits = money[i]!(sold);
        if (minorUnits !== 0) cells.pay(family, cell, i, sold.currency, sign * minorUnits);
      }
    }
  };

  return ({ was, is }, _visitor, cells) => {
    read(was, before);
    read(is, after);
    const isCountedAlike = isEqual(before, after);
    const isSoldAlike = isSame(was?.sales, is?.sales);
    for (let family = 0; family < values.length; family++) {
      const valueBefore = was && values[family]!(was);
      const valueAfter = is && values[family]!(is);
      const stays = was !== undefined && is !== undefined && was.start === is.start && valueBefore === valueAfter;
      if (stays && isCountedAlike && isSoldAlike) continue;
      const left = was && cells.at(family, was.start, valueBefore!);
      const entered = is && (stays ? left! : cells.at(family, is.start, valueAfter!));
      if (left === entered) {
        add(cells, family, left!, before, after);
        if (isSoldAlike) continue;
      } else {
        if (left !== undefined) add(cells, family, left, before, undefined);
        if (entered !== undefined) add(cells, family, entered, undefined, after);
      }
      if (left !== undefined) pay(cells, family, left, was!.sales, -1);
      if (entered !== undefined) pay(cells, family, entered, is!.sales, 1);
    }
  };
}

function isEqual(a: Float64Array, b: Float64Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function isSame(a: readonly Sale[] | undefined, b: readonly Sale[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((sold, i) => isSameSale(sold, b[i]!));
}

const isSameSale = (a: Sale, b: Sale): boolean =>
  a.currency === b.currency && a.revenue === b.revenue && a.tax === b.tax && a.shipping === b.shipping && a.refunds === b.refunds;
