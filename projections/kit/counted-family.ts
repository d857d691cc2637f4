import type { Layout } from './cell-contents';
import { Cells } from './cells';
import { labelsAsValues, type Entries, type LabelledRows } from './entries';
import { Names, type Gathering } from './gathering';
import type { Lens } from './lens';
import type { CurrencyMeasure } from './payments';
import type { BucketDelta, Condition, ItemMeasure, Measure } from './projection';
import type { Base } from './places';

/** Counts events: the totals of a projection, or one of its dimensions. */
export class CountedFamily {
  readonly values = new Names();
  private readonly cells: Cells;
  /** In the layout's order: counters, then distincts, then money. */
  private readonly measures: readonly Measure[];
  private cellOf: Uint32Array;

  constructor(
    private readonly family: { readonly projection: string; readonly name: string; readonly base: Base },
    measures: { readonly [name: string]: Measure },
    like?: CountedFamily,
  ) {
    const layout = layoutOf(Object.entries(measures));
    this.cells = new Cells(layout, like?.cells);
    this.cellOf = like?.cellOf ?? new Uint32Array(0);
    this.measures = [...layout.counters, ...layout.distincts, ...layout.money].map((name) => measures[name]!);
  }

  get bytes(): number {
    return this.cells.bytes;
  }

  fold(lens: Lens, entries: Entries | LabelledRows): void {
    const { rows, values } = 'labels' in entries ? labelsAsValues(entries, this.values) : entries;
    const sides = this.family.base === 'quarter' ? lens.quarterSides : lens.minuteSides;
    if (this.cellOf.length < rows.length) this.cellOf = new Uint32Array(Math.max(4_096, rows.length * 2));
    const { cells, cellOf } = this;
    if (values === undefined) for (let i = 0; i < rows.length; i++) cellOf[i] = cells.cell(sides[rows[i]!]!, 0);
    else for (let i = 0; i < rows.length; i++) cellOf[i] = cells.cell(sides[rows[i]!]!, values[i]!);
    let counter = 0;
    let distinct = 0;
    let money = 0;
    for (const measure of this.measures) {
      switch (measure.kind) {
        case 'count':
          cells.countAll(cellOf, rows, counter++, measure.when && lens.rowsWhere(measure.when));
          break;
        case 'sum':
          this.sum(rows, counter++, lens, measure);
          break;
        case 'distinct':
          this.see(rows, distinct++, lens, measure.when);
          break;
        case 'countByCurrency':
        case 'money':
          this.pay(rows, money++, lens, measure);
          break;
      }
    }
  }

  take(gathering: Gathering): BucketDelta[] {
    return this.cells.take({ ...this.family, values: this.values.list.length === 0 ? undefined : this.values.list }, gathering);
  }

  private see(rows: Uint32Array, distinct: number, lens: Lens, when: Condition | undefined): void {
    const seen = this.cells.seen(distinct);
    // Of minutes, the order of first appearance matters: see minuteSetMax in document.ts.
    if (when !== undefined || this.family.base === 'minute') seen.see(this.cellOf, rows, lens.visitors, when && lens.rowsWhere(when));
    else seen.seePresent(this.cellOf, rows, lens.visitors, lens.presences, lens.presencesMax);
  }

  private sum(rows: Uint32Array, counter: number, lens: Lens, { of, when }: Measure & { kind: 'sum' }): void {
    const mask = when && lens.rowsWhere(when);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (mask === undefined || mask[row] === 1) this.cells.count(this.cellOf[i]!, counter, of(lens.columns, row));
    }
  }

  private pay(rows: Uint32Array, money: number, lens: Lens, measure: CurrencyMeasure): void {
    const payments = lens.payments(measure);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const number = payments.number(row);
      if (!Number.isNaN(number)) this.cells.pay(this.cellOf[i]!, money, payments.currency(row), number);
    }
  }
}

export function layoutOf(measures: readonly (readonly [string, Measure | ItemMeasure])[]): Layout {
  const names = (...kinds: string[]): string[] => measures.filter(([, measure]) => kinds.includes(measure.kind)).map(([name]) => name);
  // Counts before sums: families walk their measures in this order.
  return {
    counters: [...names('count'), ...names('sum')],
    distincts: names('distinct'),
    members: [],
    money: names('money', 'countByCurrency'),
    restated: false,
  };
}
