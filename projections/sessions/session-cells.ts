import type { FamilyCells, HistoryFamily } from '../kit/history';
import type { Sale, SessionFacts } from './session-facts';
import type { SessionChange } from './visits';

export interface SessionMeasures {
  readonly counters: { readonly [name: string]: (session: SessionFacts) => number };
  /** Sessions that put their visitor into a set. */
  readonly members: { readonly [name: string]: (session: SessionFacts) => boolean };
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
  private readonly before: number[];
  private readonly after: number[];
  /** The numbers that differ. */
  private readonly differing: number[] = [];
  private areSalesEqual = false;
  private readonly counters: readonly ((session: SessionFacts) => number)[];
  private readonly members: readonly ((session: SessionFacts) => boolean)[];
  private readonly money: readonly ((sale: Sale) => number)[];

  constructor(measures: SessionMeasures) {
    this.counters = Object.values(measures.counters);
    this.members = Object.values(measures.members);
    this.money = Object.values(measures.money);
    this.before = new Array<number>(this.counters.length + this.members.length).fill(0);
    this.after = [...this.before];
  }

  compare(was: SessionFacts | undefined, is: SessionFacts | undefined): void {
    this.read(was, this.before);
    this.read(is, this.after);
    this.differing.length = 0;
    for (let i = 0; i < this.before.length; i++) if (this.before[i] !== this.after[i]) this.differing.push(i);
    this.areSalesEqual = haveSameSales(was?.sales, is?.sales);
    this.areEqual = this.areSalesEqual && this.differing.length === 0;
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
      for (const i of this.differing) this.add(cells, family, left!, i, this.after[i]! - this.before[i]!);
      if (this.areSalesEqual) return;
    } else {
      for (let i = 0; i < this.before.length; i++) {
        if (left !== undefined && this.before[i] !== 0) this.add(cells, family, left, i, -this.before[i]!);
        if (entered !== undefined && this.after[i] !== 0) this.add(cells, family, entered, i, this.after[i]!);
      }
    }
    if (left !== undefined && was!.sales !== undefined) this.pay(cells, family, left, was!.sales, -1);
    if (entered !== undefined && is!.sales !== undefined) this.pay(cells, family, entered, is!.sales, 1);
  }

  private read(session: SessionFacts | undefined, into: number[]): void {
    const { counters, members } = this;
    if (session === undefined) {
      into.fill(0);
      return;
    }
    for (let i = 0; i < counters.length; i++) into[i] = counters[i]!(session);
    for (let i = 0; i < members.length; i++) into[counters.length + i] = members[i]!(session) ? 1 : 0;
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
  return a.length === b.length && a.every((sold, i) => isSameSale(sold, b[i]!));
}

const isSameSale = (a: Sale, b: Sale): boolean =>
  a.currency === b.currency && a.revenue === b.revenue && a.tax === b.tax && a.shipping === b.shipping && a.refunds === b.refunds;
