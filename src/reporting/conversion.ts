import type { DatedAmounts } from './dated-amounts';
import type { Rates } from './rates';

/** What an answer with amounts says of a merchant's table of rates. */
export interface Conversion {
  /** The merchant's currency. */
  into: string;
  /** Currencies with amounts in this answer that are contained in those of the merchant's. */
  converted: string[];
  /** Currencies with amounts that are given apart, since the table has no rate for them, or none for days before that one. */
  missing?: { currency: string; before?: string }[];
}

/** Of all that was read for an answer; undefined for merchants without a table, or where no amounts were asked for. */
export function conversionOf(rates: Rates | undefined, read: readonly (DatedAmounts | undefined)[]): Conversion | undefined {
  if (rates === undefined) return undefined;
  const among = (currencies: (amounts: DatedAmounts) => Iterable<string>): string[] =>
    [...new Set(read.flatMap((amounts) => (amounts === undefined ? [] : [...currencies(amounts)])))].sort();
  const missing = among(({ kept }) => kept).map((currency) => {
    const before = rates.firstDay(currency);
    return before === undefined ? { currency } : { currency, before };
  });
  const converted = among(({ convertedFrom }) => convertedFrom);
  return missing.length === 0 ? { into: rates.into, converted } : { into: rates.into, converted, missing };
}
