import type { EventColumns } from '../../src/domain/columns';
import { noCurrency, toMinorUnits } from './money';
import type { Measure } from './projection';

/** What is kept by currency. */
export type CurrencyMeasure = Measure & { readonly kind: 'money' | 'countByCurrency' };

/** By row, for refunds without an amount of their own: what their orders brought in. */
type RefundsOfOrders = ReadonlyMap<number, { readonly minorUnits: number; readonly currency: string }>;

/**
 * What the events of a block add to one measure by currency. Most families of a projection count the same events, so what an event
 * adds is worked out when the first of them asks: writing an amount in minor units costs more than all else that is done with it.
 */
export class Payments {
  /** By row, where it is known: minor units, or 1 for what is counted; NaN for nothing. */
  private readonly numbers: Float64Array;
  private readonly isKnown: Uint8Array;

  /** @param mask by row: 0 leaves the row out */
  constructor(
    private readonly measure: CurrencyMeasure,
    private readonly columns: EventColumns,
    private readonly mask: Uint8Array | undefined,
    private readonly refundsOfOrders: RefundsOfOrders | undefined,
  ) {
    this.numbers = new Float64Array(columns.count);
    this.isKnown = new Uint8Array(columns.count);
  }

  /** Whole minor units, or how many; NaN for nothing. */
  number(row: number): number {
    if (this.mask !== undefined && this.mask[row] === 0) return NaN;
    if (this.isKnown[row] === 0) {
      this.isKnown[row] = 1;
      this.numbers[row] = this.numberOf(row);
    }
    return this.numbers[row]!;
  }

  /** Of a row with a number: a whole order is given back in its own. */
  currency(row: number): string {
    return this.refundsOfOrders?.get(row)?.currency ?? this.currencyOfEvent(row);
  }

  private numberOf(row: number): number {
    const { measure, columns } = this;
    if (measure.kind === 'countByCurrency') return 1;
    const amount = measure.of(columns, row);
    if (!Number.isNaN(amount)) return toMinorUnits(amount, this.currencyOfEvent(row));
    return this.refundsOfOrders?.get(row)?.minorUnits ?? NaN;
  }

  private currencyOfEvent(row: number): string {
    const { values, codes } = this.columns.text.currency;
    return values[codes[row]!]! || noCurrency;
  }
}
