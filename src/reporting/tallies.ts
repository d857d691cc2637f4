import { Tally, type StoredMeasure, type StoredMeasures } from '../../projections/kit/measures';
import { relativeError } from '../../projections/kit/distinct';
import { minorUnitDigits, noCurrency, rescale, toMajorText } from '../../projections/kit/money';
import type { MetricDefinition, Money } from '../../projections/metrics';
import type { MetricList } from './metric-list';

/** What was counted in one row, by projection; merged from any number of documents. */
export class Tallies {
  private readonly byProjection = new Map<string, Tally>();

  /** Only the measures a request needs are merged: sets of visitors are the dear ones. */
  add(projection: string, measures: StoredMeasures, needed: ReadonlySet<string>): void {
    this.for(projection).add(only(measures, needed));
  }

  readonly of = (projection: string): Tally => this.byProjection.get(projection) ?? nothing;

  private for(projection: string): Tally {
    let tally = this.byProjection.get(projection);
    if (tally === undefined) this.byProjection.set(projection, (tally = new Tally()));
    return tally;
  }
}

const nothing = new Tally();

function only(measures: StoredMeasures, needed: ReadonlySet<string>): StoredMeasures {
  const picked: { [measure: string]: StoredMeasure } = {};
  for (const name of needed) {
    const measure = measures[name];
    if (measure !== undefined) picked[name] = measure;
  }
  return picked;
}

/** An amount as answers give it: decimal text in major units, never a binary fraction. */
export interface Amount {
  amount: string;
  currency: string;
}
export type Figure = number | Amount | Amount[];
/** By metric name; a money metric with amounts in other currencies has them all under `<metric>ByCurrency` beside it. */
export type Figures = Record<string, Figure>;

/** The metrics of one row. Amounts are in the merchant's currency, others beside them: currencies are never added up. */
export function figuresOf(list: MetricList, tallies: Tallies, currency: string): Figures {
  const figures: Figures = {};
  for (const [i, definition] of list.definitions.entries()) {
    const name = list.names[i]!;
    const value = definition.value(tallies.of);
    if (typeof value === 'number') {
      figures[name] = definition.kind === 'count' ? value : Number(value.toFixed(6));
      continue;
    }
    const amounts = amountsOf(value, currency);
    figures[name] = amounts[0]!;
    if (amounts.length > 1) figures[`${name}ByCurrency`] = amounts;
  }
  return figures;
}

/** The merchant's currency first, even when nothing was paid in it; the others by their code. */
function amountsOf(money: Money, currency: string): Amount[] {
  const minor = new Map<string, bigint>([[currency, 0n]]);
  for (const [code, amount] of money.amounts) {
    if (code === noCurrency) continue;
    minor.set(code, (minor.get(code) ?? 0n) + amount);
  }
  // What was sent without a currency is in the merchant's.
  const bare = money.amounts.get(noCurrency) ?? 0n;
  const own = minor.get(currency)! + rescale(bare, minorUnitDigits(noCurrency), minorUnitDigits(currency));
  minor.set(currency, own);
  const others = [...minor.keys()].filter((code) => code !== currency && minor.get(code) !== 0n).sort();
  return [currency, ...others].map((code) => ({ amount: toMajorText(divided(minor.get(code)!, money.per), code), currency: code }));
}

/** Rounded half away from zero. */
function divided(amount: bigint, per: number): bigint {
  if (per === 1) return amount;
  if (per === 0) return 0n;
  const divisor = BigInt(per);
  const half = divisor / 2n;
  return (amount < 0n ? amount - half : amount + half) / divisor;
}

/** What sorts a metric: its number, or the minor units in the merchant's currency. */
export function rankOf(definition: MetricDefinition, tallies: Tallies, currency: string): number {
  const value = definition.value(tallies.of);
  if (typeof value === 'number') return value;
  return Number(amountsOf(value, currency)[0]!.amount);
}

export const isZero = (figures: Figures): boolean =>
  Object.values(figures).every(
    (figure) => figure === 0 || (typeof figure === 'object' && !Array.isArray(figure) && Number(figure.amount) === 0),
  );

/** Exact, unless a set of visitors grew too large to keep and is estimated; then `error` is the estimate's relative standard error. */
export interface Exactness {
  exact: boolean;
  error?: number;
}

export function exactnessOf(list: MetricList, rows: Iterable<Tallies>): Exactness {
  for (const tallies of list.distincts.length > 0 ? rows : []) {
    for (const { projection, measure } of list.distincts)
      if (!tallies.of(projection).isExact(measure)) return { exact: false, error: Number(relativeError.toFixed(4)) };
  }
  return { exact: true };
}
