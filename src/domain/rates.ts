/** What one unit of a currency is worth in the merchant's, from a day on until the next rate of that currency. */
export interface Rate {
  /** ISO 4217. */
  readonly currency: string;
  /** `2026-11-22`, of the merchant's timezone. */
  readonly from: string;
  /** Decimal text without zeros that say nothing: `1.0832`. */
  readonly rate: string;
}

export interface RateTable {
  /** The merchant's currency when the rates were given, which they are in units of: they say nothing of any other. */
  readonly into: string;
  /** By currency, then by day. */
  readonly rates: readonly Rate[];
}

/** How one table became another: a fact holds what changed, since tables are long and change by a line a day. */
export interface RateChanges {
  readonly into: string;
  readonly set: readonly Rate[];
  readonly removed: readonly Pick<Rate, 'currency' | 'from'>[];
}

export const rateRule = 'a decimal text above 0 such as "1.0832", with at most 12 digits before the point and 12 behind it';

/** A rate without zeros that say nothing, or undefined when it is none. */
export function parseRate(text: string): string | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,12}))?$/.exec(text);
  if (match === null) return undefined;
  const whole = match[1]!.replace(/^0+(?=\d)/, '');
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  const rate = fraction === '' ? whole : `${whole}.${fraction}`;
  return rate === '0' ? undefined : rate;
}

export type RatesRefusal =
  /** The merchant's own currency needs none. `place` in the list, from 0. */
  | { readonly reason: 'rate-of-own-currency'; readonly place: number; readonly currency: string }
  | { readonly reason: 'rate-given-twice'; readonly place: number; readonly rate: Rate };

/** What a list of rates in units of `into` changes; undefined where it changes nothing. */
export function decideRates(table: RateTable, into: string, wanted: readonly Rate[]): RateChanges | RatesRefusal | undefined {
  const byKey = new Map<string, Rate>();
  for (const [place, rate] of wanted.entries()) {
    if (rate.currency === into) return { reason: 'rate-of-own-currency', place, currency: into };
    if (byKey.has(keyOf(rate))) return { reason: 'rate-given-twice', place, rate };
    byKey.set(keyOf(rate), rate);
  }
  const known = new Map((table.into === into ? table.rates : []).map((rate) => [keyOf(rate), rate]));
  const set = sorted([...byKey].filter(([key, { rate }]) => known.get(key)?.rate !== rate).map(([, rate]) => rate));
  const gone = [...known].filter(([key]) => !byKey.has(key));
  const isOfAnother = table.into !== into && table.rates.length > 0;
  if (set.length === 0 && gone.length === 0 && !isOfAnother) return undefined;
  return { into, set, removed: gone.map(([, { currency, from }]) => ({ currency, from })) };
}

export function evolveRates(table: RateTable, { into, set, removed }: RateChanges): RateTable {
  const rates = new Map((table.into === into ? table.rates : []).map((rate) => [keyOf(rate), rate]));
  for (const rate of removed) rates.delete(keyOf(rate));
  for (const rate of set) rates.set(keyOf(rate), rate);
  return { into, rates: sorted([...rates.values()]) };
}

const keyOf = ({ currency, from }: Pick<Rate, 'currency' | 'from'>): string => `${currency} ${from}`;

const sorted = (rates: Rate[]): Rate[] => rates.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
