import type { FamilyCells, HistoryFamily } from '../kit/history';
import type { Sale, SessionFacts } from './session-facts';
import type { SessionChange } from './visits';

export interface SessionMeasures {
  readonly counters: { readonly [name: string]: (session: SessionFacts) => number };
  /** Sessions that put their visitor into a set. */
  readonly members: { readonly [name: string]: (session: SessionFacts) => boolean };
  /** By the currency of the sale: minor units, or orders. */
  readonly money: { readonly [name: string]: (sale: Sale) => number };
}

/** What sessions are counted by: see HistoryFamily. */
export interface SessionFamily extends Pick<HistoryFamily, 'base' | 'dimension'> {
  /** The key of a session's cell. */
  keyOf(session: SessionFacts): unknown;
}

export function familiesOf(families: readonly SessionFamily[], measures: SessionMeasures): HistoryFamily[] {
  return families.map(({ base, dimension }) => ({
    base,
    dimension,
    counters: Object.keys(measures.counters),
    members: Object.keys(measures.members),
    money: Object.keys(measures.money),
  }));
}

/** Turns what became of a session into cells: nothing but differences where it stays in its cell. */
export function sessionTeller(
  families: readonly SessionFamily[],
  measures: SessionMeasures,
): (change: SessionChange, visitor: unknown, cells: FamilyCells) => void {
  const numbers = new SessionNumbers(measures);

  return ({ was, is }, _visitor, cells) => {
    numbers.compare(was, is);
    const isWhereItWas = was !== undefined && is !== undefined && was.start === is.start;
    for (let i = 0; i < families.length; i++) {
      const { keyOf } = families[i]!;
      numbers.tell(cells, i, was, was && keyOf(was), is, is && keyOf(is), isWhereItWas);
    }
  };
}

/** The measures of one session as it was counted and as it is now: counters, then members as 0 or 1. One object for all changes. */
class SessionNumbers {
  /** Nothing to tell of a session that stays in its cell. */
  areEqual = false;
  private readonly before: Float64Array;
  private readonly after: Float64Array;
  /** The numbers that differ, so many of them. */
  private readonly differing: Uint32Array;
  private differingCount = 0;
  private areSalesEqual = false;
  private readonly counters: readonly ((session: SessionFacts) => number)[];
  private readonly members: readonly ((session: SessionFacts) => boolean)[];
  private readonly money: readonly ((sale: Sale) => number)[];

  constructor(measures: SessionMeasures) {
    this.counters = Object.values(measures.counters);
    this.members = Object.values(measures.members);
    this.money = Object.values(measures.money);
    this.before = new Float64Array(this.counters.length + this.members.length);
    this.after = this.before.slice();
    this.differing = new Uint32Array(this.before.length);
  }

  compare(was: SessionFacts | undefined, is: SessionFacts | undefined): void {
    this.read(was, this.before);
    this.read(is, this.after);
    this.differingCount = 0;
    for (let i = 0; i < this.before.length; i++) if (this.before[i] !== this.after[i]) this.differing[this.differingCount++] = i;
    this.areSalesEqual = haveSameSales(was?.sales, is?.sales);
    this.areEqual = this.areSalesEqual && this.differingCount === 0;
  }

  /** Out of the cell of `key`, into that of `keyNow`. */
  tell(
    cells: FamilyCells,
    family: number,
    was: SessionFacts | undefined,
    key: unknown,
    is: SessionFacts | undefined,
    keyNow: unknown,
    isWhereItWas: boolean,
  ): void {
    const stays = isWhereItWas && key === keyNow;
    if (stays && this.areEqual) return;
    const left = was && cells.at(family, was.start, key);
    const entered = stays ? left : is && cells.at(family, is.start, keyNow);
    if (left === entered) {
      for (let d = 0; d < this.differingCount; d++) {
        const i = this.differing[d]!;
        this.add(cells, family, left!, i, this.after[i]! - this.before[i]!);
      }
      if (this.areSalesEqual) return;
    } else {
      if (left !== undefined) this.addAll(cells, family, left, this.before, -1);
      if (entered !== undefined) this.addAll(cells, family, entered, this.after, 1);
    }
    if (left !== undefined && was!.sales !== undefined) this.pay(cells, family, left, was!.sales, -1);
    if (entered !== undefined && is!.sales !== undefined) this.pay(cells, family, entered, is!.sales, 1);
  }

  private read(session: SessionFacts | undefined, into: Float64Array): void {
    const { counters, members } = this;
    if (session === undefined) {
      into.fill(0);
      return;
    }
    for (let i = 0; i < counters.length; i++) into[i] = counters[i]!(session);
    for (let i = 0; i < members.length; i++) into[counters.length + i] = members[i]!(session) ? 1 : 0;
  }

  private addAll(cells: FamilyCells, family: number, cell: number, numbers: Float64Array, sign: 1 | -1): void {
    cells.countAll(family, cell, numbers, sign);
    for (let set = 0, at = this.counters.length; at < numbers.length; set++, at++) {
      if (numbers[at] !== 0) cells.member(family, cell, set, sign);
    }
  }

  private add(cells: FamilyCells, family: number, cell: number, number: number, by: number): void {
    const set = number - this.counters.length;
    if (set < 0) cells.count(family, cell, number, by);
    else cells.member(family, cell, set, by > 0 ? 1 : -1);
  }

  private pay(cells: FamilyCells, family: number, cell: number, sales: readonly Sale[], sign: 1 | -1): void {
    for (const sold of sales) {
      for (let i = 0; i < this.money.length; i++) {
        const minorUnits = this.money[i]!(sold);
        if (minorUnits !== 0) cells.pay(family, cell, i, sold.currency, sign * minorUnits);
      }
    }
  }
}

function haveSameSales(a: readonly Sale[] | undefined, b: readonly Sale[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!isSameSale(a[i]!, b[i]!)) return false;
  return true;
}

const isSameSale = (a: Sale, b: Sale): boolean =>
  a.currency === b.currency &&
  a.orders === b.orders &&
  a.revenue === b.revenue &&
  a.tax === b.tax &&
  a.shipping === b.shipping &&
  a.refunds === b.refunds;
