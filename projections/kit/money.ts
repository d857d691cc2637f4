/** Events without a currency are kept under ISO 4217's "no currency", in ten-thousandths, and shown in the merchant's currency. */
export const noCurrency = 'XXX';

/**
 * ISO 4217's minor units that are not hundredths. A table of our own: what Intl knows are Unicode's places, which leave out coins that
 * are out of use (a Hungarian fillér, a Colombian centavo) though prices are written with them, and which change with Node.
 */
const digits = new Map<string, number>([
  [noCurrency, 4],
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
  ...'CLF UYW'.split(' ').map((code) => [code, 4] as const),
]);

/** Decimal places of a currency's minor unit: USD 2, JPY 0, KWD 3. */
export function minorUnitDigits(currency: string): number {
  return digits.get(currency) ?? 2;
}

/** What binary arithmetic leaves in the last digits, taken away: 1.115 * 3 is 3.345 and not 3.3449999999999998. */
export function inDecimal(result: number): number {
  return Number(result.toPrecision(15));
}

/**
 * Major units as sent (19.99) to whole minor units (1999), the nearest, halves away from zero. The decimal text decides,
 * not binary arithmetic: 1.005 in a currency of two digits is 1.01, as its writer meant.
 */
export function toMinorUnits(amount: number, currency: string): number {
  const places = minorUnitDigits(currency);
  const scaled = Number(`${Math.abs(amount)}e${places}`);
  // Numbers whose text has an exponent of its own (1e21, 1e-7) make the literal above invalid.
  const minor = Math.round(Number.isNaN(scaled) ? Math.abs(amount) * 10 ** places : scaled);
  return amount < 0 ? -minor : minor;
}

/** Whole minor units (1999n) to a decimal text in major units ("19.99"). */
export function toMajorText(minor: bigint, currency: string): string {
  const places = minorUnitDigits(currency);
  const negative = minor < 0n;
  const text = (negative ? -minor : minor).toString().padStart(places + 1, '0');
  const whole = text.slice(0, text.length - places);
  return (negative ? '-' : '') + (places === 0 ? whole : `${whole}.${text.slice(text.length - places)}`);
}

/** Minor units of one currency's scale in another's: for amounts sent without a currency. Halves away from zero. */
export function rescale(minor: bigint, fromDigits: number, toDigits: number): bigint {
  if (toDigits >= fromDigits) return minor * 10n ** BigInt(toDigits - fromDigits);
  const divisor = 10n ** BigInt(fromDigits - toDigits);
  const half = minor < 0n ? -divisor / 2n : divisor / 2n;
  return (minor + half) / divisor;
}
