import { grown } from '../../projections/kit/grown';
import type { Measure } from '../../projections/metrics';
import { DatedAmounts } from './dated-amounts';
import { plus, type MinorUnits } from './minor-units';
import type { Rates } from './rates';
import { StoredSet, type ReadMeasure } from './stored-bytes';
import { VisitorSets } from './visitor-sets';

/** By currency: minor units, or a count. */
export type Amounts = ReadonlyMap<string, MinorUnits>;

const noAmounts: Amounts = new Map();
/**
 * Stands for all currencies, in counts that do not tell them apart: documents have such ones from before they were kept by currency,
 * and serve until history is counted again.
 */
export const anyCurrency = '';

/**
 * What an answer adds up: rows by the measures of its plan. Counters lie in one array; sets and amounts are made where there are any.
 */
export class Sheet {
  private counters: Float64Array;
  private readonly sets = new VisitorSets();
  private readonly amounts: (Map<string, MinorUnits> | undefined)[] = [];
  /** Of merchants with a table of rates. */
  readonly dated: DatedAmounts | undefined;
  /** That of what is added, days since 1970-01-01. */
  private day = 0;
  private readonly width: number;
  private length: number;

  constructor(
    private readonly slots: readonly Measure['kind'][],
    rows: number,
    rates?: Rates,
  ) {
    this.width = slots.length;
    this.length = rows;
    this.dated = rates && new DatedAmounts(rates, slots.length);
    this.counters = new Float64Array(Math.max(rows, 64) * this.width);
  }

  get rows(): number {
    return this.length;
  }

  /** @returns the number of a new row */
  addRow(): number {
    if ((this.length + 1) * this.width > this.counters.length) this.counters = grown(this.counters);
    return this.length++;
  }

  /** What is added from here on happened on that day. */
  turnTo(day: number): void {
    this.day = day;
  }

  /** @param total a row that gets it as well: of amounts that are to be converted, once they are */
  add(row: number, slot: number, measure: ReadMeasure, total: number | undefined): void {
    if (measure instanceof StoredSet) {
      this.sets.add(row * this.width + slot, measure, total === undefined ? undefined : total * this.width + slot);
      return;
    }
    const kind = this.slots[slot];
    if (typeof measure === 'number' || typeof measure === 'bigint') {
      this.count(row, slot, measure, total);
      if (kind === 'countByCurrency') this.payBoth(row, slot, anyCurrency, measure, total);
      return;
    }
    for (const currency in measure) {
      const amount = measure[currency]!;
      if (kind === 'money') {
        if (!this.dated?.take(row * this.width + slot, currency, this.day, amount)) this.payBoth(row, slot, currency, amount, total);
        continue;
      }
      this.count(row, slot, amount, total);
      // Each belongs to the amount of its event, and goes where that goes.
      if (kind === 'countByCurrency') this.payBoth(row, slot, this.dated?.convertedTo(currency, this.day) ?? currency, amount, total);
    }
  }

  /**
   * Once all is added: amounts that have a rate become amounts in the merchant's currency.
   * @param total Rows follow each other in time and add up to that one. Undefined: each row is its own.
   */
  convert(total: number | undefined): void {
    this.dated?.convert(total !== undefined, (at, currency, amount) => {
      this.pay(at, currency, amount);
      if (total !== undefined) this.pay(total * this.width + (at % this.width), currency, amount);
    });
  }

  /** Whole numbers whose sums stay below 2^53. */
  private count(row: number, slot: number, by: MinorUnits, total: number | undefined): void {
    this.counters[row * this.width + slot]! += Number(by);
    if (total !== undefined) this.counters[total * this.width + slot]! += Number(by);
  }

  private payBoth(row: number, slot: number, currency: string, amount: MinorUnits, total: number | undefined): void {
    this.pay(row * this.width + slot, currency, amount);
    if (total !== undefined) this.pay(total * this.width + slot, currency, amount);
  }

  private pay(at: number, currency: string, amount: MinorUnits): void {
    const amounts = (this.amounts[at] ??= new Map<string, MinorUnits>());
    amounts.set(currency, plus(amounts.get(currency) ?? 0, amount));
  }

  counter(row: number, slot: number): number {
    return this.counters[row * this.width + slot]!;
  }

  /** `exact: false` means HyperLogLog: see relativeError in sketch.ts. */
  distinct(row: number, slot: number): { count: number; exact: boolean } {
    return this.sets.count(row * this.width + slot);
  }

  /** Of what is counted by currency, how many of each; those of anyCurrency belong to every one. */
  money(row: number, slot: number): Amounts {
    return this.amounts[row * this.width + slot] ?? noAmounts;
  }
}
