import { dayOf, localDay } from './buckets';
import { placesOf, type CountsByCurrency, type Money } from './money';

/** What a merchant said a currency is worth in theirs. */
export interface Line {
  readonly currency: string;
  readonly from: string;
  readonly rate: string;
}
export interface Table {
  readonly into: string;
  readonly lines: readonly Line[];
}
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** "from a day on until the next rate of that currency" */
function rateOn(table: Table, currency: string, day: string): string | undefined {
  const begun = table.lines.filter((line) => line.currency === currency && line.from <= day);
  return begun.sort((a, b) => a.from.localeCompare(b.from)).at(-1)?.rate;
}

/** "times that day's rate, rounded once to whole minor units, halves to the even one" */
function worth(minorUnits: number, currency: string, rate: string, into: string): number {
  const [whole, fraction = ''] = rate.split('.');
  const exact = BigInt(minorUnits) * BigInt(whole! + fraction) * 10n ** BigInt(placesOf(into));
  const unit = 10n ** BigInt(fraction.length + placesOf(currency));
  // The whole number at or below it, and what is left.
  let floor = exact / unit;
  if (floor * unit > exact) floor -= 1n;
  const left = exact - floor * unit;
  const isUp = left * 2n > unit || (left * 2n === unit && floor % 2n !== 0n);
  return Number(isUp ? floor + 1n : floor);
}

/** "averageOrderValue divides what is converted by the orders it is of": in which currency a part's orders count, by their days. */
export function ordersExchanged(table: Table, timezone: string, part: Span, madeIn: (span: Span) => CountsByCurrency): CountsByCurrency {
  const total: CountsByCurrency = {};
  for (let at = part.from; at < part.to;) {
    const day = dayOf(timezone, localDay(timezone, at));
    const end = Math.min(day.to, part.to);
    for (const [currency, orders] of Object.entries(madeIn({ from: at, to: end }))) {
      const counted = rateOn(table, currency, day.name) === undefined ? currency : table.into;
      total[counted] = (total[counted] ?? 0) + orders;
    }
    at = end;
  }
  return total;
}

/**
 * "A part of a day is worth what it adds": what was paid in `part` of the range that was asked for.
 * @param paidIn what was paid in a span, by currency
 */
export function exchanged(table: Table, timezone: string, range: Span, part: Span, paidIn: (span: Span) => Money): Money {
  const total: Money = {};
  const add = (currency: string, minorUnits: number): void => void (total[currency] = (total[currency] ?? 0) + minorUnits);
  for (let at = part.from; at < part.to;) {
    const day = dayOf(timezone, localDay(timezone, at));
    const begin = Math.max(day.from, range.from);
    const end = Math.min(day.to, part.to);
    const [before, after] = [paidIn({ from: begin, to: at }), paidIn({ from: begin, to: end })];
    for (const currency of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [paidBefore, paid] = [before[currency] ?? 0, after[currency] ?? 0];
      const rate = rateOn(table, currency, day.name);
      if (rate === undefined) add(currency, paid - paidBefore);
      else add(table.into, worth(paid, currency, rate, table.into) - worth(paidBefore, currency, rate, table.into));
    }
    at = end;
  }
  return total;
}
