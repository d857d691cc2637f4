import { placesOf, type CountsByCurrency, type Money } from '../oracle/money';

/** Half away from zero. */
const rounded = (over: number, under: number): number => (over < 0 ? -1 : 1) * Math.floor(Math.abs(over) / under + 0.5);

function amount(minorUnits: number, code: string): { amount: string; currency: string } {
  const places = placesOf(code);
  return { amount: (minorUnits / 10 ** places).toFixed(places), currency: code };
}

/**
 * Money as answers write it: in the merchant's own currency, with what came without one, and in all of them where there are others.
 * @param per what it is divided by, in each currency by its own
 */
export function writtenMoney(own: string, name: string, { XXX = 0, ...money }: Money, per?: CountsByCurrency): Record<string, unknown> {
  const countIn = (code: string): number => (per?.[code] ?? 0) + (code === own ? (per?.['XXX'] ?? 0) : 0);
  const divided = (minorUnits: number, code: string): number => {
    if (per === undefined) return minorUnits;
    return countIn(code) === 0 ? 0 : rounded(minorUnits, countIn(code));
  };
  const inOwn = amount(divided((money[own] ?? 0) + rounded(XXX, 100), own), own);
  const others = Object.keys(money)
    .filter((code) => code !== own && money[code] !== 0)
    .sort();
  if (others.length === 0) return { [name]: inOwn };
  return { [name]: inOwn, [`${name}ByCurrency`]: [inOwn, ...others.map((code) => amount(divided(money[code]!, code), code))] };
}
