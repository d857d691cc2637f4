import { DistinctUnion } from '../../projections/kit/distinct-union';
import type { StoredMeasure } from '../../projections/kit/measures';
import type { Measure } from '../../projections/metrics';

/** Minor units by currency. */
export type Amounts = ReadonlyMap<string, number | bigint>;

const noAmounts: Amounts = new Map();
const nobody = { count: 0, exact: true };

/**
 * What an answer adds up: rows by the measures of its plan. Counters lie in one array; sets and amounts are made where there are any.
 */
export class Sheet {
  private counters: Float64Array;
  private readonly sets: (DistinctUnion | undefined)[] = [];
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

  add(row: number, slot: number, measure: StoredMeasure): void {
    if (typeof measure === 'number') this.count(row, slot, measure);
    else if (typeof measure === 'bigint') this.count(row, slot, Number(measure));
    else if (measure instanceof Uint8Array) this.see(row, slot, measure);
    else for (const currency in measure) this.pay(row, slot, currency, measure[currency]!);
  }

  /** Whole numbers whose sums stay below 2^53. */
  count(row: number, slot: number, by: number): void {
    this.counters[row * this.width + slot]! += by;
  }

  see(row: number, slot: number, stored: Uint8Array): void {
    const at = row * this.width + slot;
    (this.sets[at] ??= new DistinctUnion()).add(stored);
  }

  pay(row: number, slot: number, currency: string, minorUnits: number | bigint): void {
    const amounts = (this.amounts[row * this.width + slot] ??= new Map<string, number | bigint>());
    amounts.set(currency, sum(amounts.get(currency) ?? 0, minorUnits));
  }

  counter(row: number, slot: number): number {
    return this.counters[row * this.width + slot]!;
  }

  /** `exact: false` means HyperLogLog: see relativeError in distinct.ts. */
  distinct(row: number, slot: number): { count: number; exact: boolean } {
    return this.sets[row * this.width + slot]?.count() ?? nobody;
  }

  isExact(row: number, slot: number): boolean {
    return this.sets[row * this.width + slot]?.exact ?? true;
  }

  money(row: number, slot: number): Amounts {
    return this.amounts[row * this.width + slot] ?? noAmounts;
  }
}

function sum(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const plain = a + b;
    if (Number.isSafeInteger(plain)) return plain;
  }
  return BigInt(a) + BigInt(b);
}
