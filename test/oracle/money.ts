import type { AcceptedEvent } from '../../src/domain/columns';

/** ISO 4217: currencies whose minor unit is not a hundredth. XXX is "no currency", kept in ten-thousandths. */
const places: Record<string, number> = {};
for (const code of 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ')) places[code] = 0;
for (const code of 'BHD IQD JOD KWD LYD OMR TND'.split(' ')) places[code] = 3;
for (const code of 'CLF UYW XXX'.split(' ')) places[code] = 4;
export const placesOf = (currency: string): number => places[currency] ?? 2;

/** Whole minor units by currency. */
export type Money = Record<string, number>;
/** How many, by currency. */
export type CountsByCurrency = Record<string, number>;
export interface Amount {
  readonly currency: string;
  readonly minorUnits: number;
}

/** A number as its decimal text says it, as units of 10^-scale: 19.99 is 1999 of 10^-2. */
interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

function decimal(value: number): Decimal {
  const [digits, exponent = '0'] = String(value).split('e');
  const [whole, fraction = ''] = digits!.split('.');
  const scale = fraction.length - Number(exponent);
  const units = BigInt(whole! + fraction);
  return scale < 0 ? { units: units * 10n ** BigInt(-scale), scale: 0 } : { units: value < 0 && units > 0n ? -units : units, scale };
}

const plus = (a: Decimal, b: Decimal): Decimal => {
  const scale = Math.max(a.scale, b.scale);
  return { units: a.units * 10n ** BigInt(scale - a.scale) + b.units * 10n ** BigInt(scale - b.scale), scale };
};

/** "rounded half away from zero" */
function rounded({ units, scale }: Decimal, digits: number): number {
  if (scale <= digits) return Number(units * 10n ** BigInt(digits - scale));
  const divisor = 10n ** BigInt(scale - digits);
  const size = units < 0n ? -units : units;
  const result = Number((size * 2n + divisor) / (divisor * 2n));
  return units < 0n ? -result : result;
}

/** "what was sent without one" stands under XXX. */
const currencyOf = (event: AcceptedEvent): string => event.currency || 'XXX';

/** The sum of price × quantity, exactly, in the event's currency; undefined where nothing has a price. */
export function amountOf(event: AcceptedEvent, prices: readonly { price: number | undefined; quantity: number }[]): Amount | undefined {
  const priced = prices.flatMap(({ price, quantity }) => (price === undefined ? [] : [{ price: decimal(price), quantity }]));
  if (priced.length === 0) return undefined;
  const sum = priced
    .map(({ price, quantity }) => ({ units: price.units * BigInt(quantity), scale: price.scale }))
    .reduce((a, b) => plus(a, b), { units: 0n, scale: 0 });
  const currency = currencyOf(event);
  return { currency, minorUnits: rounded(sum, placesOf(currency)) };
}

export function countByCurrency(events: readonly AcceptedEvent[]): CountsByCurrency {
  const counts: CountsByCurrency = {};
  for (const event of events) counts[currencyOf(event)] = (counts[currencyOf(event)] ?? 0) + 1;
  return counts;
}

/** Never added across currencies. */
export function totalOf(amounts: readonly (Amount | undefined)[]): Money {
  const total: Money = {};
  for (const amount of amounts) {
    if (amount !== undefined) total[amount.currency] = (total[amount.currency] ?? 0) + amount.minorUnits;
  }
  return total;
}
