import { relativeError } from '../../projections/kit/sketch';
import { minorUnitDigits, noCurrency, rescale, toMajorText } from '../../projections/kit/money';
import type { Making, Plan } from './plan';
import { anyCurrency, type Amounts, type Sheet } from './sheet';

/** An amount as answers give it: decimal text in major units, never a binary fraction. */
export interface Amount {
  amount: string;
  currency: string;
}
export type Figure = number | Amount | Amount[];
/** By metric name; a money metric with amounts in other currencies has them all under `<metric>ByCurrency` beside it. */
export type Figures = Record<string, Figure>;

/** The metrics of one row. Amounts are in the merchant's currency, others beside them: currencies are never added up. */
export function figuresOf({ list, makings, slots }: Plan, sheet: Sheet, row: number, currency: string): Figures {
  const figures: Figures = {};
  for (let i = 0; i < makings.length; i++) {
    const making = makings[i]!;
    const name = list.names[i]!;
    if (making.definition.shown !== 'money') {
      figures[name] = numberOf(making, slots, sheet, row);
      continue;
    }
    const amounts = amountsOf(making, sheet, row, currency);
    figures[name] = amounts[0]!;
    if (amounts.length > 1) figures[`${name}ByCurrency`] = amounts;
  }
  return figures;
}

function numberOf({ definition, of, per }: Making, slots: Plan['slots'], sheet: Sheet, row: number): number {
  const counted = (slot: number): number => (slots[slot] === 'distinct' ? sheet.distinct(row, slot).count : sheet.counter(row, slot));
  switch (definition.shown) {
    case 'count':
      return counted(of);
    case 'ratio':
      return rounded(quotient(counted(of), counted(per)));
    case 'missing':
      return counted(per) === 0 ? 0 : rounded(Math.max(0, 1 - counted(of) / counted(per)));
    case 'seconds':
      return rounded(quotient(counted(of) / 1000, counted(per)));
    case 'money':
      throw new Error('money is no plain number');
  }
}

const quotient = (over: number, under: number): number => (under === 0 ? 0 : over / under);
const rounded = (value: number): number => (value === 0 ? 0 : Number(value.toFixed(6)));

/** The merchant's currency first, even when nothing was paid in it; the others by their code. */
function amountsOf({ definition, of, per }: Making, sheet: Sheet, row: number, currency: string): Amount[] {
  const paid = sheet.money(row, of);
  const counted = definition.shown === 'money' && definition.per !== undefined ? sheet.money(row, per) : undefined;
  const amountIn = (code: string): Amount => {
    const amount = minorUnitsIn(code, paid, currency);
    const shown = counted === undefined ? amount : divided(amount, countedIn(code, counted, currency));
    return { amount: toMajorText(BigInt(shown), code), currency: code };
  };
  const own = amountIn(currency);
  let others: string[] | undefined;
  for (const [code, amount] of paid) if (code !== currency && code !== noCurrency && amount) (others ??= []).push(code);
  return others === undefined ? [own] : [own, ...others.sort().map(amountIn)];
}

/** What was sent without a currency is in the merchant's. */
function minorUnitsIn(code: string, paid: Amounts, own: string): number | bigint {
  const amount = paid.get(code) ?? 0;
  const bare = code === own ? paid.get(noCurrency) : undefined;
  return bare === undefined ? amount : BigInt(amount) + rescale(BigInt(bare), minorUnitDigits(noCurrency), minorUnitDigits(own));
}

/** The same of counts. */
function countedIn(code: string, counted: Amounts, own: string): number {
  let count = Number(counted.get(code) ?? 0) + Number(counted.get(anyCurrency) ?? 0);
  if (code === own) count += Number(counted.get(noCurrency) ?? 0);
  return count;
}

/** Rounded half away from zero. */
function divided(amount: number | bigint, per: number): number | bigint {
  if (per === 1) return amount;
  if (per === 0) return 0;
  const whole = BigInt(amount);
  const divisor = BigInt(per);
  const half = divisor / 2n;
  return (whole < 0n ? whole - half : whole + half) / divisor;
}

/** What sorts a metric: its number, or the amount in the merchant's currency. */
export function rankOf(plan: Plan, metric: number, sheet: Sheet, row: number, currency: string): number {
  const making = plan.makings[metric]!;
  if (making.definition.shown !== 'money') return numberOf(making, plan.slots, sheet, row);
  return Number(amountsOf(making, sheet, row, currency)[0]!.amount);
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

export const estimated: Exactness = { exact: false, error: Number(relativeError.toFixed(4)) };

export function exactnessOf({ slots }: Plan, sheet: Sheet, rows: Iterable<number>): Exactness {
  const distincts = [...slots.keys()].filter((slot) => slots[slot] === 'distinct');
  if (distincts.length === 0) return { exact: true };
  for (const row of rows) for (const slot of distincts) if (!sheet.distinct(row, slot).exact) return estimated;
  return { exact: true };
}
