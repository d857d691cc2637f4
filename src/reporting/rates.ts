import { minorUnitDigits } from '../../projections/kit/money';
import type { RateTable } from '../domain/rates';
import { dayMs } from './calendar';

/** Whole minor units of a currency to as many of the merchant's, as a fraction. */
export interface Rate {
  readonly over: bigint;
  readonly under: bigint;
}

/** A merchant's table of rates, made ready for looking days up. */
export class Rates {
  /** The merchant's currency. */
  readonly into: string;
  /** By currency, in order of days. */
  private readonly lines = new Map<string, { readonly from: string; readonly day: number; readonly rate: Rate }[]>();

  /** @param revision another one for another table */
  constructor(
    table: RateTable,
    readonly revision: number,
  ) {
    this.into = table.into;
    for (const { currency, from, rate } of table.rates) {
      let lines = this.lines.get(currency);
      if (lines === undefined) this.lines.set(currency, (lines = []));
      lines.push({ from, day: Date.parse(`${from}T00:00:00Z`) / dayMs, rate: fractionOf(rate, currency, table.into) });
    }
  }

  /** Whether there is a rate of that currency for any day. */
  has(currency: string): boolean {
    return this.lines.has(currency);
  }

  /** The day from which on there is one, `2026-11-22`; undefined where there is none. */
  firstDay(currency: string): string | undefined {
    return this.lines.get(currency)?.[0]!.from;
  }

  /** @param day days since 1970-01-01 */
  on(currency: string, day: number): Rate | undefined {
    const lines = this.lines.get(currency) ?? [];
    let low = 0;
    let high = lines.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lines[middle]!.day <= day) low = middle + 1;
      else high = middle;
    }
    return lines[low - 1]?.rate;
  }
}

function fractionOf(rate: string, currency: string, into: string): Rate {
  const [whole, fraction = ''] = rate.split('.') as [string, string?];
  return {
    over: BigInt(whole + fraction) * 10n ** BigInt(minorUnitDigits(into)),
    under: 10n ** BigInt(fraction.length + minorUnitDigits(currency)),
  };
}

/** Rounded to the nearest, halves to the even one. */
export function converted(minorUnits: bigint, { over, under }: Rate): bigint {
  const exact = minorUnits * over;
  const size = exact < 0n ? -exact : exact;
  let whole = size / under;
  const twiceLeft = (size % under) * 2n;
  if (twiceLeft > under || (twiceLeft === under && whole % 2n === 1n)) whole++;
  return exact < 0n ? -whole : whole;
}
