/** Decimal128 (IEEE 754-2008, binary integer significand) as sign, coefficient and exponent. */
export type Decimal =
  | { readonly kind: 'finite'; readonly negative: boolean; readonly coefficient: bigint; readonly exponent: number }
  | { readonly kind: 'infinity'; readonly negative: boolean }
  | { readonly kind: 'nan' };

const bias = 6176;
const exponentMax = 6111;
const coefficientLimit = 10n ** 34n;

export function readDecimal(bytes: Buffer, start: number): Decimal {
  const high = bytes.readBigUInt64LE(start + 8);
  const low = bytes.readBigUInt64LE(start);
  const negative = high >> 63n === 1n;
  const combination = Number((high >> 58n) & 31n);
  if (combination === 31) return { kind: 'nan' };
  if (combination === 30) return { kind: 'infinity', negative };
  // The large form has a coefficient beyond 34 digits, which the standard reads as zero.
  if (combination >= 24) return { kind: 'finite', negative, coefficient: 0n, exponent: Number((high >> 47n) & 0x3fffn) - bias };
  const coefficient = ((high & ((1n << 49n) - 1n)) << 64n) | low;
  const exponent = Number((high >> 49n) & 0x3fffn) - bias;
  return { kind: 'finite', negative, coefficient: coefficient >= coefficientLimit ? 0n : coefficient, exponent };
}

export function writeDecimal(value: Decimal): Buffer {
  const bytes = Buffer.alloc(16);
  let high: bigint;
  if (value.kind === 'nan') high = 31n << 58n;
  else if (value.kind === 'infinity') high = 30n << 58n;
  else {
    const { coefficient, exponent } = round(value.coefficient, value.exponent);
    if (exponent > exponentMax) return writeDecimal({ kind: 'infinity', negative: value.negative });
    bytes.writeBigUInt64LE(coefficient & ((1n << 64n) - 1n), 0);
    high = (BigInt(exponent + bias) << 49n) | (coefficient >> 64n);
  }
  if (value.kind !== 'nan' && value.negative) high |= 1n << 63n;
  bytes.writeBigUInt64LE(high, 8);
  return bytes;
}

/** To 34 digits, half to even, within the exponents the format has. */
function round(coefficient: bigint, exponent: number): { coefficient: bigint; exponent: number } {
  let digits = coefficient.toString().length;
  let drop = Math.max(0, digits - 34, -bias - exponent);
  if (drop > 0) {
    const divisor = 10n ** BigInt(drop);
    const rest = (coefficient % divisor) * 2n;
    coefficient /= divisor;
    if (rest > divisor || (rest === divisor && (coefficient & 1n) === 1n)) coefficient += 1n;
    exponent += drop;
    if (coefficient >= coefficientLimit) {
      coefficient /= 10n;
      exponent += 1;
    }
  }
  digits = coefficient.toString().length;
  drop = exponent - exponentMax;
  if (drop > 0 && (digits + drop <= 34 || coefficient === 0n)) {
    coefficient *= 10n ** BigInt(coefficient === 0n ? 0 : drop);
    exponent = exponentMax;
  }
  return { coefficient, exponent };
}

export function decimalFromInteger(value: bigint): Decimal {
  return { kind: 'finite', negative: value < 0n, coefficient: value < 0n ? -value : value, exponent: 0 };
}

/** As MongoDB converts a double: to 15 significant digits. */
export function decimalFromDouble(value: number): Decimal {
  if (Number.isNaN(value)) return { kind: 'nan' };
  if (!Number.isFinite(value)) return { kind: 'infinity', negative: value < 0 };
  const [mantissa = '0', exponent = '0'] = Math.abs(value).toExponential(14).split('e');
  return { kind: 'finite', negative: value < 0, coefficient: BigInt(mantissa.replace('.', '')), exponent: Number(exponent) - 14 };
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return { kind: 'nan' };
  if (a.kind === 'infinity') return b.kind === 'infinity' && a.negative !== b.negative ? { kind: 'nan' } : a;
  if (b.kind === 'infinity') return b;
  const exponent = Math.min(a.exponent, b.exponent);
  // Beyond this distance the smaller one cannot reach the last of 34 digits; aligning it would only cost memory.
  if (Math.abs(a.exponent - b.exponent) > 80 && a.coefficient !== 0n && b.coefficient !== 0n) return a.exponent > b.exponent ? a : b;
  const sum = signed(a, exponent) + signed(b, exponent);
  return { kind: 'finite', negative: sum < 0n, coefficient: sum < 0n ? -sum : sum, exponent };
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return { kind: 'nan' };
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    const zero = (a.kind === 'finite' && a.coefficient === 0n) || (b.kind === 'finite' && b.coefficient === 0n);
    return zero ? { kind: 'nan' } : { kind: 'infinity', negative };
  }
  return { kind: 'finite', negative, coefficient: a.coefficient * b.coefficient, exponent: a.exponent + b.exponent };
}

function signed(value: { negative: boolean; coefficient: bigint; exponent: number }, exponent: number): bigint {
  if (value.coefficient === 0n) return 0n;
  const scaled = value.coefficient * 10n ** BigInt(value.exponent - exponent);
  return value.negative ? -scaled : scaled;
}
