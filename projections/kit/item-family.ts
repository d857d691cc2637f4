import { Cells } from './cells';
import { layoutOf } from './counted-family';
import { Names, type Gathering } from './gathering';
import type { Lens } from './lens';
import { inDecimal, noCurrency, toMinorUnits } from './money';
import type { BucketDelta, ItemDimension, ItemMeasure } from './projection';
import type { Family } from './rolling-up';

/** Counts the items of events: a product, a category. */
export class ItemFamily {
  private readonly cells: Cells;
  private readonly family: Family;
  private readonly values = new Names();
  private readonly measures: readonly (readonly [number, ItemMeasure])[];
  /** Of the event at hand: its cells, so many of them, and by cell and measure the amount of the items, NaN where there is none. */
  private cellCount = 0;
  private readonly cellsOfEvent: number[] = [];
  private readonly amounts: number[] = [];

  constructor(
    projection: string,
    name: string,
    private readonly dimension: ItemDimension,
    like?: ItemFamily,
  ) {
    this.family = { projection, name: `${projection}.${name}`, base: 'quarter', values: this.values.list };
    const measures = Object.entries(dimension.measures);
    const layout = layoutOf(measures);
    this.cells = new Cells(layout, like?.cells);
    this.measures = measures.map(([measure, declared]) => {
      const isByCurrency = declared.kind === 'money' || declared.kind === 'countByCurrency';
      return [(isByCurrency ? layout.money : layout.counters).indexOf(measure), declared] as const;
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
      this.cellCount = 0;
      for (const item of items) {
        const value = this.dimension.value(item);
        if (value === undefined) continue;
        const cell = this.cells.cell(lens.quarterSides[row]!, this.values.intern(value));
        const known = this.placeOf(cell);
        const place = known === -1 ? this.begin(cell) : known;
        for (let m = 0; m < this.measures.length; m++) {
          if (masks[m]![row] === 0) continue;
          const [number, measure] = this.measures[m]!;
          if (measure.kind === 'count') {
            if (known === -1) this.cells.count(cell, number, 1);
          } else if (measure.kind === 'countByCurrency') {
            if (known === -1) this.cells.pay(cell, number, currency, 1);
          } else if (measure.kind === 'sum') {
            this.cells.count(cell, number, measure.of(item));
          } else {
            this.add(place * this.measures.length + m, measure.of(item));
          }
        }
      }
      this.pay(currency);
    }
  }

  private placeOf(cell: number): number {
    for (let place = 0; place < this.cellCount; place++) if (this.cellsOfEvent[place] === cell) return place;
    return -1;
  }

  private begin(cell: number): number {
    const place = this.cellCount++;
    this.cellsOfEvent[place] = cell;
    for (let m = 0; m < this.measures.length; m++) this.amounts[place * this.measures.length + m] = NaN;
    return place;
  }

  private add(at: number, amount: number): void {
    if (Number.isNaN(amount)) return;
    const before = this.amounts[at]!;
    this.amounts[at] = Number.isNaN(before) ? amount : inDecimal(before + amount);
  }

  /** An event's amount is rounded once, however many items it comes from. */
  private pay(currency: string): void {
    for (let at = 0; at < this.cellCount * this.measures.length; at++) {
      const amount = this.amounts[at]!;
      if (Number.isNaN(amount)) continue;
      const cell = this.cellsOfEvent[Math.floor(at / this.measures.length)]!;
      this.cells.pay(cell, this.measures[at % this.measures.length]![0], currency, toMinorUnits(amount, currency));
    }
  }
}
