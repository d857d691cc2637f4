import type { Measure } from '../../projections/metrics';
import { StoredSet, type ReadMeasure } from './stored-bytes';
import { VisitorSets } from './visitor-sets';

/** Minor units by currency. */
export type Amounts = ReadonlyMap<string, number | bigint>;

const noAmounts: Amounts = new Map();

/**
 * What an answer adds up: rows by the measures of its plan. Counters lie in one array; sets and amounts are made where there are any.
 */
export class Sheet {
  private counters: Float64Array;
  private readonly sets = new VisitorSets();
  private readonly amounts: (Map<string, number | bigint> | undefined)[] = [];
  private readonly width: number;
  private length: number;

  constructor(slots: readonly Measure['kind'][], rows: number) {
    this.width = slots.length;
    this.length = rows;
    this.counters = new Float64Array(Math.max(rows, 64) * this.width);
  }

  get rows(): number {
    return this.length;
  }

  /** @returns the number of a new row */
  addRow(): number {
    if ((this.length + 1) * this.width > this.counters.length) {
      const larger = new Float64Array(this.counters.length * 2);
      larger.set(this.counters);
      this.counters = larger;
    }
    return this.length++;
  }

  /** @param total a row that gets it as well */
  add(row: number, slot: number, measure: ReadMeasure, total: number | undefined): void {
    if (measure instanceof StoredSet) {
      this.sets.add(row * this.width + slot, measure, total === undefined ? undefined : total * this.width + slot);
      return;
    }
    this.sum(row, slot, measure);
    if (total !== undefined) this.sum(total, slot, measure);
  }

  private sum(row: number, slot: number, measure: Exclude<ReadMeasure, StoredSet>): void {
    const at = row * this.width + slot;
    // Whole numbers whose sums stay below 2^53.
    if (typeof measure === 'number' || typeof measure === 'bigint') {
      this.counters[at]! += Number(measure);
      return;
    }
    const amounts = (this.amounts[at] ??= new Map<string, number | bigint>());
    for (const currency in measure) amounts.set(currency, plus(amounts.get(currency) ?? 0, measure[currency]!));
  }

  counter(row: number, slot: number): number {
    return this.counters[row * this.width + slot]!;
  }

  /** `exact: false` means HyperLogLog: see relativeError in distinct.ts. */
  distinct(row: number, slot: number): { count: number; exact: boolean } {
    return this.sets.count(row * this.width + slot);
  }

  money(row: number, slot: number): Amounts {
    return this.amounts[row * this.width + slot] ?? noAmounts;
  }
}

function plus(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const plain = a + b;
    if (Number.isSafeInteger(plain)) return plain;
  }
  return BigInt(a) + BigInt(b);
}
