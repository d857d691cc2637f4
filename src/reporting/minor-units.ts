/** Whole minor units of a currency: a bigint where a double would not hold them exactly. */
export type MinorUnits = number | bigint;

export function plus(a: MinorUnits, b: MinorUnits): MinorUnits {
  if (typeof a === 'number' && typeof b === 'number') {
    const plain = a + b;
    if (Number.isSafeInteger(plain)) return plain;
  }
  return BigInt(a) + BigInt(b);
}
