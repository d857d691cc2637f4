import { acquisition } from '../../../projections/acquisition/acquisition';
import { conversions } from '../../../projections/conversions/conversions';
import type { FamilyCells, HistoryFamily, HistoryEvent, HistoryProjection, VisitorOf } from '../../../projections/kit/history';
import { toMinorUnits } from '../../../projections/kit/money';
import { visits } from '../../../projections/sessions/history';
import { sessions } from '../../../projections/sessions/sessions';
import type { SessionChange, Visits } from '../../../projections/sessions/visits';
import type { AcceptedEvent } from '../../../src/domain/columns';
import type { Definitions } from '../../../src/domain/definitions';
import { decodeBlock, encodeBlock } from '../../../src/stores/block';
import { reread } from '../histories';
import { amountOf, isOrder, orderOf, type OracleSession } from './session-oracle';

/** What is counted in a cell: `sessions.country | hour | value` → measure → number. Zeros are left out. */
export type Counted = { [cell: string]: { [measure: string]: number } };

const hourMs = 3_600_000;
const cellOf = (family: string, utcMs: number, value: string): string => `${family} | ${Math.floor(utcMs / hourMs)} | ${value}`;

/** All that count sessions. */
const projections = [sessions, acquisition, conversions];

/** Tells the changes of visitors' sessions to these projections, block by block, as the kit does. */
export class SessionCounter {
  private readonly states = new Map<string, Visits>();
  private readonly before: AcceptedEvent[] = [];
  private readonly told = projections.map((projection) => ({ projection, cells: new PlainCells(projection) }));
  private readonly visitor: VisitorOf;

  constructor(timezone: string, definitions?: Definitions) {
    this.visitor = { merchantId: 'm', bot: 0, settings: { timezone, ...(definitions && { definitions }) } };
  }

  /** A block of one merchant's events. */
  fold(rows: readonly AcceptedEvent[]): void {
    const columns = decodeBlock(encodeBlock(rows));
    rows.forEach((row, i) => {
      const order = row.name === 'refund' ? orderOf(row, this.before) : undefined;
      const revenue = order && amountOf(order);
      const currency = order?.currency ?? 'XXX';
      const event: HistoryEvent = {
        ...this.visitor,
        columns,
        row: i,
        time: row.time,
        position: this.before.length,
        isOrder: isOrder(row, this.before),
        refundOfOrder: revenue === undefined ? undefined : { minorUnits: toMinorUnits(revenue, currency), currency },
      };
      if (!this.states.has(row.visitorId)) this.states.set(row.visitorId, visits.create());
      visits.add(this.states.get(row.visitorId)!, event);
      this.before.push(row);
    });
    for (const visitorId of new Set(rows.map((row) => row.visitorId))) {
      visits.settle(this.states.get(visitorId)!, this.visitor, (change: SessionChange) => {
        for (const { projection, cells } of this.told) projection.tell(change, this.visitor, cells);
      });
    }
  }

  /** As when every visitor leaves memory and returns. */
  reread(): void {
    for (const [visitorId, state] of this.states) this.states.set(visitorId, reread(visits, state));
  }

  /** What is kept of a visitor: sessions, and the events of them that are told apart. */
  kept(visitorId: string): { sessions: number; events: number } {
    const { runs, named } = this.states.get(visitorId)!;
    const list = [...runs, ...named];
    return { sessions: list.length, events: list.reduce((sum, { count }) => sum + count, 0) };
  }

  get counted(): Counted {
    const counted: Counted = {};
    for (const { cells } of this.told) {
      for (const [cell, numbers] of cells.numbers) {
        const kept = Object.entries(numbers).filter(([, number]) => number !== 0);
        if (kept.length > 0) counted[cell] = Object.fromEntries(kept);
      }
    }
    return counted;
  }

  /** Cells that were ever touched. */
  get touched(): string[] {
    return this.told.flatMap(({ cells }) => [...cells.numbers.keys()]).sort();
  }
}

/** What these projections are to count of these sessions. */
export function countedOf(list: readonly OracleSession[]): Counted {
  const counted: Counted = {};
  for (const projection of projections) {
    for (const { dimension, counters, members, money } of projection.families.flatMap(oneByOne)) {
      const family = dimension === '' ? projection.name : `${projection.name}.${dimension}`;
      for (const session of list) {
        const value = session.values[dimension]!;
        for (const told of projection === conversions ? ofGoals(session, value) : [{ ...session, value }]) {
          const cell = cellOf(family, session.start, told.value);
          const add = (name: string, by: number): void => {
            if (by === 0) return;
            counted[cell] ??= {};
            counted[cell][name] = (counted[cell][name] ?? 0) + by;
          };
          for (const name of counters) add(name, told.numbers[name]!);
          for (const name of members) add(`in ${name}`, told.members[name] ? 1 : 0);
          for (const [key, amount] of Object.entries(told.money)) if (money.includes(key.split(' ')[0]!)) add(key, amount);
        }
      }
    }
  }
  for (const [cell, numbers] of Object.entries(counted)) {
    for (const [name, number] of Object.entries(numbers)) if (number === 0) delete numbers[name];
    if (Object.keys(numbers).length === 0) delete counted[cell];
  }
  return counted;
}

function ofGoals({ goals }: OracleSession, value: string): (Pick<OracleSession, 'numbers' | 'members' | 'money'> & { value: string })[] {
  return Object.entries(goals).map(([goalId, { completions, money }]) => ({
    value: `${goalId}|${value}`,
    numbers: { completions },
    members: { completers: true },
    money,
  }));
}

/** Dimensions told together, each as a family of its own. */
function oneByOne(family: HistoryFamily): (HistoryFamily & { dimension: string })[] {
  const { dimension } = family;
  return (typeof dimension === 'string' ? [dimension] : Object.keys(dimension)).map((name) => ({ ...family, dimension: name }));
}

class PlainCells implements FamilyCells {
  readonly numbers = new Map<string, { [measure: string]: number }>();
  /** What each cell stands for: one of every dimension that is told together. */
  private readonly names: string[][] = [];

  constructor(private readonly projection: HistoryProjection<SessionChange>) {}

  at(family: number, utcMs: number, key: unknown): number {
    const { dimension } = this.projection.families[family]!;
    const { name } = this.projection;
    const names =
      typeof dimension === 'string'
        ? [cellOf(dimension === '' ? name : `${name}.${dimension}`, utcMs, key as string)]
        : Object.entries(dimension).map(([of, valueOf]) => cellOf(`${name}.${of}`, utcMs, valueOf(key)));
    for (const each of names) if (!this.numbers.has(each)) this.numbers.set(each, {});
    return this.names.push(names) - 1;
  }

  onDay(): number {
    throw new Error('sessions are counted by hour');
  }

  count(family: number, cell: number, counter: number, by: number): void {
    this.add(cell, this.projection.families[family]!.counters[counter]!, by);
  }

  countAll(family: number, cell: number, by: Float64Array, sign: 1 | -1): void {
    by.subarray(0, this.projection.families[family]!.counters.length).forEach((number, counter) => {
      if (number !== 0) this.count(family, cell, counter, sign * number);
    });
  }

  member(family: number, cell: number, set: number, by: 1 | -1): void {
    this.add(cell, `in ${this.projection.families[family]!.members[set]!}`, by);
  }

  pay(family: number, cell: number, money: number, currency: string, minorUnits: number): void {
    this.add(cell, `${this.projection.families[family]!.money[money]!} ${currency}`, minorUnits);
  }

  private add(cell: number, measure: string, by: number): void {
    for (const name of this.names[cell]!) {
      const numbers = this.numbers.get(name)!;
      numbers[measure] = (numbers[measure] ?? 0) + by;
    }
  }
}
