import { noCurrency } from '../../projections/kit/money';
import { plus, type MinorUnits } from './minor-units';
import { converted, type Rate, type Rates } from './rates';

/** Amounts of one answer, each by row, currency and day: some 45 bytes and half a microsecond apiece. */
const amountsMax = 500_000;
/** Days since 1970-01-01 stay below; with the number of a cell above it, a key is a whole number below 2^53. */
const daysMax = 2 ** 20;

/** Converted amounts go to the merchant's currency; those of days without a rate stay in their own. */
export type Receive = (cell: number, currency: string, amount: MinorUnits) => void;

/**
 * What was paid in currencies that have rates, added up by day until all of it is read: a day's amount is converted as a whole and
 * rounded once. The cells of a sheet are its rows by its slots.
 */
export class DatedAmounts {
  /** By currency, then by cell and day. */
  private readonly paid = new Map<string, Map<number, MinorUnits>>();
  private readonly convertedCurrencies = new Set<string>();
  /** Of which at least a day has no rate. */
  private readonly keptCurrencies = new Set<string>();
  private length = 0;

  constructor(
    private readonly rates: Rates,
    private readonly slots: number,
  ) {}

  /** There was more than one answer may hold: what came last is missing. */
  get isOverfull(): boolean {
    return this.length > amountsMax;
  }

  /** @returns false for an amount that is not to be converted */
  take(cell: number, currency: string, day: number, amount: MinorUnits): boolean {
    if (!this.rates.has(currency)) {
      if (amount && currency !== this.rates.into && currency !== noCurrency) this.keptCurrencies.add(currency);
      return false;
    }
    if (!amount) return true;
    let amounts = this.paid.get(currency);
    if (amounts === undefined) this.paid.set(currency, (amounts = new Map<number, MinorUnits>()));
    const key = cell * daysMax + day;
    const before = amounts.get(key);
    if (before === undefined && ++this.length > amountsMax) return true;
    amounts.set(key, before === undefined ? amount : plus(before, amount));
    return true;
  }

  /** In which currency there is what was paid on a day in that one, once it is converted: in its own where there is no rate. */
  convertedTo(currency: string, day: number): string {
    return this.rates.on(currency, day) === undefined ? currency : this.rates.into;
  }

  /**
   * Gives out all of it.
   * @param inLine Rows follow each other in time: each gets what its part of a day adds to what that day comes to so far, so that
   *   they add up to the day. Otherwise each row's days are its own.
   */
  convert(inLine: boolean, receive: Receive): void {
    for (const [currency, amounts] of this.paid) {
      const running = inLine ? Array.from({ length: this.slots }, () => new RunningDay()) : undefined;
      for (const key of Float64Array.from(amounts.keys()).sort()) {
        const cell = Math.floor(key / daysMax);
        const day = key % daysMax;
        const amount = amounts.get(key)!;
        const rate = this.rates.on(currency, day);
        (rate === undefined ? this.keptCurrencies : this.convertedCurrencies).add(currency);
        if (rate === undefined) receive(cell, currency, amount);
        else receive(cell, this.rates.into, running?.[cell % this.slots]!.added(day, amount, rate) ?? converted(BigInt(amount), rate));
      }
    }
    this.paid.clear();
  }

  get convertedFrom(): ReadonlySet<string> {
    return this.convertedCurrencies;
  }

  get kept(): ReadonlySet<string> {
    return this.keptCurrencies;
  }
}

/** One currency's day, a part after the other. */
class RunningDay {
  private day = NaN;
  private paid = 0n;
  private worth = 0n;

  added(day: number, amount: MinorUnits, rate: Rate): bigint {
    if (day !== this.day) {
      this.day = day;
      this.paid = 0n;
      this.worth = 0n;
    }
    this.paid += BigInt(amount);
    const before = this.worth;
    this.worth = converted(this.paid, rate);
    return this.worth - before;
  }
}
