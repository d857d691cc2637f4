import type { TextColumn } from '../../src/domain/columns';
import type { Layout } from './cell-contents';
import { Cells, type Family } from './cells';
import { Names, type Gathering, type Lens } from './gathering';
import { noCurrency, toMinorUnits } from './money';
import type { BucketDelta, Condition, DeclaredProjection, ItemDimension, ItemMeasure, Measure, TextDimension } from './projection';

/** Value number of a dictionary entry that is left out. */
const leftOut = 0xffff_ffff;

/** A declared projection, compiled for one batch: loops over columns, conditions decided once per dictionary entry. */
export class DeclaredFold {
  private readonly totals: CountedFamily;
  private readonly texts: { dimension: TextDimension; family: CountedFamily; values: Names }[];
  private readonly items: ItemFamily[];

  constructor(private readonly definition: DeclaredProjection) {
    const measures = Object.entries(definition.measures);
    this.totals = new CountedFamily({ projection: definition.name, name: definition.name, base: 'minute', values: undefined }, measures);
    this.texts = Object.entries(definition.dimensions).map(([name, dimension]) => {
      const values = new Names();
      const family = { projection: definition.name, name: `${definition.name}.${name}`, base: 'quarter' as const, values };
      return { dimension, values, family: new CountedFamily(family, measures) };
    });
    this.items = Object.entries(definition.itemDimensions).map(([name, dimension]) => new ItemFamily(definition.name, name, dimension));
  }

  get bytes(): number {
    let bytes = this.totals.cells.bytes;
    for (const { family } of this.texts) bytes += family.cells.bytes;
    for (const family of this.items) bytes += family.cells.bytes;
    return bytes;
  }

  fold(lens: Lens): void {
    const rows = rowsThatCount(lens, Object.values(this.definition.measures));
    if (rows.length > 0) {
      this.totals.fold(lens, rows, lens.minuteSides, undefined);
      for (const { dimension, family, values } of this.texts) {
        family.fold(lens, rows, lens.quarterSides, valuesByCode(lens.columns.text[dimension.field], dimension, values));
      }
    }
    for (const family of this.items) family.fold(lens);
  }

  take(gathering: Gathering): BucketDelta[] {
    return [this.totals, ...this.texts.map(({ family }) => family), ...this.items].flatMap(({ cells, family }) =>
      cells.take(family, gathering),
    );
  }
}

class CountedFamily {
  readonly cells: Cells;
  private readonly measures: readonly Measure[];

  constructor(
    readonly family: Family,
    measures: readonly (readonly [string, Measure])[],
  ) {
    const layout = layoutOf(measures);
    this.cells = new Cells(layout);
    // In the layout's order: counters, then distincts, then money.
    const byName = new Map(measures);
    this.measures = [...layout.counters, ...layout.distincts, ...layout.money].map((name) => byName.get(name)!);
  }

  fold(lens: Lens, rows: Uint32Array, sides: Uint32Array, values: { codes: TextColumn['codes']; numbers: Uint32Array } | undefined): void {
    const counted = new Uint32Array(rows.length);
    const cellOf = new Uint32Array(rows.length);
    let n = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const value = values === undefined ? 0 : values.numbers[values.codes[row]!]!;
      if (value === leftOut) continue;
      counted[n] = row;
      cellOf[n++] = this.cells.cell(sides[row]!, value);
    }
    const view = { rows: counted.subarray(0, n), cells: cellOf };
    let counter = 0;
    let distinct = 0;
    let money = 0;
    for (const measure of this.measures) {
      switch (measure.kind) {
        case 'count':
          countRows(this.cells, view, counter++, lens, measure.when);
          break;
        case 'sum':
          sumRows(this.cells, view, counter++, lens, measure);
          break;
        case 'distinct':
          seeVisitors(this.cells, view, distinct++, lens, measure.when);
          break;
        case 'money':
          payRows(this.cells, view, money++, lens, measure);
          break;
      }
    }
  }
}

interface View {
  readonly rows: Uint32Array;
  readonly cells: Uint32Array;
}

function countRows(cells: Cells, view: View, counter: number, lens: Lens, when: Condition | undefined): void {
  if (when === undefined) {
    for (let i = 0; i < view.rows.length; i++) cells.count(view.cells[i]!, counter, 1);
    return;
  }
  const codes = lens.columns.text[when.field].codes;
  const holds = decided(lens, when);
  for (let i = 0; i < view.rows.length; i++) {
    const by = holds[codes[view.rows[i]!]!]!;
    if (by !== 0) cells.count(view.cells[i]!, counter, 1);
  }
}

function sumRows(cells: Cells, view: View, counter: number, lens: Lens, measure: Measure & { kind: 'sum' }): void {
  const holds = measure.when && decided(lens, measure.when);
  const codes = measure.when && lens.columns.text[measure.when.field].codes;
  for (let i = 0; i < view.rows.length; i++) {
    const row = view.rows[i]!;
    if (holds !== undefined && holds[codes![row]!] === 0) continue;
    cells.count(view.cells[i]!, counter, measure.of(lens.columns, row));
  }
}

function seeVisitors(cells: Cells, view: View, distinct: number, lens: Lens, when: Condition | undefined): void {
  const holds = when && decided(lens, when);
  const codes = when && lens.columns.text[when.field].codes;
  for (let i = 0; i < view.rows.length; i++) {
    const row = view.rows[i]!;
    if (holds !== undefined && holds[codes![row]!] === 0) continue;
    cells.see(view.cells[i]!, distinct, lens.visitors[row]!);
  }
}

function payRows(cells: Cells, view: View, money: number, lens: Lens, measure: Measure & { kind: 'money' }): void {
  const holds = measure.when && decided(lens, measure.when);
  const codes = measure.when && lens.columns.text[measure.when.field].codes;
  const currencies = lens.columns.text.currency;
  for (let i = 0; i < view.rows.length; i++) {
    const row = view.rows[i]!;
    if (holds !== undefined && holds[codes![row]!] === 0) continue;
    const amount = measure.of(lens.columns, row);
    if (Number.isNaN(amount)) continue;
    const currency = currencies.values[currencies.codes[row]!]! || noCurrency;
    cells.pay(view.cells[i]!, money, currency, toMinorUnits(amount, currency));
  }
}

/** Counts the items of events: a product, a category. */
class ItemFamily {
  readonly cells: Cells;
  readonly family: Family;
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

  fold(lens: Lens): void {
    if (lens.columns.items.size === 0) return;
    const holds = decided(lens, this.dimension.when);
    const codes = lens.columns.text[this.dimension.when.field].codes;
    const tests = this.measures.map(([, measure]) => ({
      holds: decided(lens, measure.when),
      codes: lens.columns.text[measure.when.field].codes,
    }));
    const currencies = lens.columns.text.currency;
    for (let i = 0; i < lens.rows.length; i++) {
      const row = lens.rows[i]!;
      if (holds[codes[row]!] === 0) continue;
      const items = lens.columns.items.get(row);
      if (items === undefined) continue;
      const currency = currencies.values[currencies.codes[row]!]! || noCurrency;
      const counted = new Set<number>();
      for (const item of items) {
        const value = this.dimension.valueOf(item);
        if (value === undefined) continue;
        const cell = this.cells.cell(lens.quarterSides[row]!, this.values.intern(value));
        for (let m = 0; m < this.measures.length; m++) {
          if (tests[m]!.holds[tests[m]!.codes[row]!] === 0) continue;
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

function layoutOf(measures: readonly (readonly [string, Measure | ItemMeasure])[]): Layout {
  const names = (...kinds: string[]): string[] => measures.filter(([, measure]) => kinds.includes(measure.kind)).map(([name]) => name);
  // Counts before sums: CountedFamily walks its measures in this order.
  return {
    counters: [...names('count'), ...names('sum')],
    distincts: names('distinct'),
    members: [],
    money: names('money'),
    restated: false,
  };
}

/** Rows that at least one measure counts: most projections look at few event names. */
function rowsThatCount(lens: Lens, measures: readonly Measure[]): Uint32Array {
  if (measures.some((measure) => measure.when === undefined)) return lens.rows;
  const tests = measures.map((measure) => ({ holds: decided(lens, measure.when!), codes: lens.columns.text[measure.when!.field].codes }));
  const rows = new Uint32Array(lens.rows.length);
  let n = 0;
  for (let i = 0; i < lens.rows.length; i++) {
    const row = lens.rows[i]!;
    for (let t = 0; t < tests.length; t++) {
      if (tests[t]!.holds[tests[t]!.codes[row]!] === 1) {
        rows[n++] = row;
        break;
      }
    }
  }
  return rows.subarray(0, n);
}

function decided(lens: Lens, condition: Condition): Uint8Array {
  return Uint8Array.from(lens.columns.text[condition.field].values, (value) => (condition.holds(value) ? 1 : 0));
}

/** The dimension's value number of each dictionary entry. Order of first appearance is kept by the cells, not by these numbers. */
function valuesByCode(column: TextColumn, dimension: TextDimension, names: Names): { codes: TextColumn['codes']; numbers: Uint32Array } {
  const numbers = Uint32Array.from(column.values, (text) => {
    const value = dimension.valueOf === undefined ? text || undefined : dimension.valueOf(text);
    return value === undefined ? leftOut : names.intern(value);
  });
  return { codes: column.codes, numbers };
}
