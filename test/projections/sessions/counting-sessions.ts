import { acquisition } from '../../../projections/acquisition/acquisition';
import { conversions } from '../../../projections/conversions/conversions';
import type { FamilyCells, HistoryFamily, HistoryEvent, HistoryProjection, VisitorOf } from '../../../projections/kit/history';
import { visits } from '../../../projections/sessions/history';
import { sessions } from '../../../projections/sessions/sessions';
import type { SessionChange, Visits } from '../../../projections/sessions/visits';
import type { AcceptedEvent } from '../../../src/domain/columns';
import type { Definitions } from '../../../src/domain/definitions';
import { decodeBlock, encodeBlock } from '../../../src/stores/block';
import { reread } from '../histories';
import { ordersAmong } from '../../oracle/commerce';
import { sessionValue, type SessionDimension } from '../../oracle/dimensions';
import { countsOf, type Counts, type GoalCounts, type Shop } from '../../oracle/oracle';
import { startOf } from '../../oracle/sessions';
import type { Money } from '../../oracle/money';

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
    const { orders, refundOf } = ordersAmong([...this.before, ...rows]);
    rows.forEach((row, i) => {
      const event: HistoryEvent = {
        ...this.visitor,
        columns,
        row: i,
        time: row.time,
        position: this.before.length,
        isOrder: orders.has(row),
        refundOfOrder: refundOf(row),
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
    return withoutZeros(Object.fromEntries(this.told.flatMap(({ cells }) => [...cells.numbers])));
  }

  /** Cells that were ever touched. */
  get touched(): string[] {
    return this.told.flatMap(({ cells }) => [...cells.numbers.keys()]).sort();
  }
}

/** What these projections are to count of a shop's sessions, each in the hour in which it begins. */
export function countedOf(shop: Shop): Counted {
  const counted: Counted = {};
  for (const session of shop.sessions) {
    const all = countsOf(shop, session.events, [session]);
    for (const projection of projections) {
      for (const family of projection.families.flatMap(oneByOne)) {
        const { dimension } = family;
        const name = dimension === '' ? projection.name : `${projection.name}.${dimension}`;
        const value = dimension === '' ? '' : sessionValue(session, dimension as SessionDimension);
        for (const [key, counts] of projection === conversions ? byGoal(all, value) : [[value, all] as const]) {
          const cell = (counted[cellOf(name, startOf(session), key)] ??= {});
          for (const [measure, by] of measuresOf(family, counts)) cell[measure] = (cell[measure] ?? 0) + by;
        }
      }
    }
  }
  return withoutZeros(counted);
}

function measuresOf({ counters, members, money }: HistoryFamily, counts: Counts | GoalCounts): (readonly [string, number])[] {
  const numbers = counts as unknown as { [name: string]: number };
  const amounts: { [name: string]: Money } = { ...(counts as unknown as { [name: string]: Money }) };
  if ('ordersByCurrency' in counts) amounts['orders'] = counts.ordersByCurrency;
  return [
    ...counters.map((name) => [name, numbers[name]!] as const),
    ...members.map((name) => [`in ${name}`, numbers[name]!] as const),
    ...money.flatMap((name) => Object.entries(amounts[name]!).map(([currency, units]) => [`${name} ${currency}`, units] as const)),
  ];
}

const byGoal = ({ goals }: Counts, value: string): (readonly [string, GoalCounts])[] =>
  Object.entries(goals).flatMap(([goalId, counts]) => (counts.completions === 0 ? [] : [[`${goalId}|${value}`, counts] as const]));

function withoutZeros(counted: Counted): Counted {
  const cells = Object.entries(counted).map(
    ([cell, numbers]) => [cell, Object.fromEntries(Object.entries(numbers).filter(([, number]) => number !== 0))] as const,
  );
  return Object.fromEntries(cells.filter(([, numbers]) => Object.keys(numbers).length > 0));
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
