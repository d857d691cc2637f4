import { Cells, type Family } from './cells';
import { layoutOf } from './counted-family';
import { Names, type Gathering } from './gathering';
import type { Lens } from './lens';
import { noCurrency, toMinorUnits } from './money';
import type { BucketDelta, ItemDimension, ItemMeasure } from './projection';

/** Counts the items of events: a product, a category. */
export class ItemFamily {
  private readonly cells: Cells;
  private readonly family: Family;
  private readonly values = new Names();
  private readonly measures: readonly (readonly [number, ItemMeasure])[];

  constructor(
    projection: string,
    name: string,
    private readonly dimension: ItemDimension,
  ) {
    this.family = { projection, name: `${projection}.${name}`, base: 'quarter', values: this.values };
    const measures = Object.entries(dimension.measures);
    const layout = layoutOf(measures);
    this.cells = new Cells(layout);
    this.measures = measures.map(([measure, declared]) => {
      const list = declared.kind === 'money' ? layout.money : layout.counters;
      return [list.indexOf(measure), declared] as const;
    });
  }

  get bytes(): number {
    return this.cells.bytes;
  }

  take(gathering: Gathering): BucketDelta[] {
    return this.cells.take(this.family, gathering);
  }

  fold(lens: Lens): void {
    if (lens.columns.items.size === 0) return;
    const mask = lens.rowsWhere(this.dimension.when);
    const masks = this.measures.map(([, measure]) => lens.rowsWhere(measure.when));
    const currencies = lens.columns.text.currency;
    for (let i = 0; i < lens.rows.length; i++) {
      const row = lens.rows[i]!;
      if (mask[row] === 0) continue;
      const items = lens.columns.items.get(row);
      if (items === undefined) continue;
      const currency = currencies.values[currencies.codes[row]!]! || noCurrency;
      const counted = new Set<number>();
      for (const item of items) {
        const value = this.dimension.value(item);
        if (value === undefined) continue;
        const cell = this.cells.cell(lens.quarterSides[row]!, this.values.intern(value));
        for (let m = 0; m < this.measures.length; m++) {
          if (masks[m]![row] === 0) continue;
          const [place, measure] = this.measures[m]!;
          if (measure.kind === 'count') {
            if (!counted.has(cell)) this.cells.count(cell, place, 1);
          } else if (measure.kind === 'sum') {
            this.cells.count(cell, place, measure.of(item));
          } else {
            const amount = measure.of(item);
            if (!Number.isNaN(amount)) this.cells.pay(cell, place, currency, toMinorUnits(amount, currency));
          }
        }
        counted.add(cell);
      }
    }
  }
}
