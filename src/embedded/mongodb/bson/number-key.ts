import { readDecimal, type Decimal } from './decimal';
import { BsonType } from './raw';

/**
 * Numbers of all four types on one line: the largest double not above the value, and, when the value lies between two doubles,
 * its place between them as a fraction of 2^128. Exact for int, long and double, and for decimals within the range of a double;
 * decimals beyond that range sort at its edge and compare equal among themselves.
 */
export interface NumberPlace {
  floor: number;
  /** Zero when the value is a double. */
  between: bigint;
  /** True when the value is not itself a double, even where `between` is too small to show it. */
  inexact: boolean;
}

const scratch = Buffer.alloc(8);
const fractionBits = 128n;
const fractionMax = (1n << fractionBits) - 1n;

/** As a JavaScript number when that is exact, otherwise undefined. NaN and the infinities are themselves. */
export function exactNumber(bytes: Buffer, type: number, start: number): number | undefined {
  switch (type) {
    case BsonType.int:
      return bytes.readInt32LE(start);
    case BsonType.double:
      return bytes.readDoubleLE(start);
    case BsonType.long: {
      const high = bytes.readInt32LE(start + 4);
      if (high >= 0x200000 || high < -0x200000) return undefined;
      return high * 0x100000000 + bytes.readUInt32LE(start);
    }
    default:
      return undefined;
  }
}

/** For longs beyond 2^53 and decimals; slower, with big integers. */
export function placeBetweenDoubles(bytes: Buffer, type: number, start: number): NumberPlace {
  if (type === BsonType.long) return placeInteger(bytes.readBigInt64LE(start));
  return placeDecimal(readDecimal(bytes, start));
}

function placeInteger(value: bigint): NumberPlace {
  let floor = Number(value);
  if (BigInt(floor) > value) floor = neighbour(floor, false);
  const rest = value - BigInt(floor);
  if (rest === 0n) return { floor, between: 0n, inexact: false };
  return { floor, between: (rest << fractionBits) / (BigInt(neighbour(floor, true)) - BigInt(floor)), inexact: true };
}

function placeDecimal(value: Decimal): NumberPlace {
  if (value.kind === 'nan') return { floor: NaN, between: 0n, inexact: false };
  if (value.kind === 'infinity') return { floor: value.negative ? -Infinity : Infinity, between: 0n, inexact: false };
  if (value.coefficient === 0n) return { floor: 0, between: 0n, inexact: false };
  const nearest = Number(`${value.negative ? '-' : ''}${value.coefficient}e${value.exponent}`);
  if (nearest === Infinity) return { floor: Number.MAX_VALUE, between: fractionMax, inexact: true };
  if (nearest === -Infinity) return { floor: -Infinity, between: 0n, inexact: true };
  // Both as integers over the common denominator 2^1074 * 10^k, which every double and every decimal here fits.
  const tens = value.exponent < 0 ? 10n ** BigInt(-value.exponent) : 1n;
  const exact =
    ((value.negative ? -value.coefficient : value.coefficient) * (value.exponent > 0 ? 10n ** BigInt(value.exponent) : 1n)) << 1074n;
  let floor = nearest;
  if (scaledDouble(floor) * tens > exact) floor = neighbour(floor, false);
  const rest = exact - scaledDouble(floor) * tens;
  if (rest === 0n) return { floor, between: 0n, inexact: false };
  const next = neighbour(floor, true);
  if (next === Infinity) return { floor, between: fractionMax, inexact: true };
  return { floor, between: (rest << fractionBits) / ((scaledDouble(next) - scaledDouble(floor)) * tens), inexact: true };
}

/** The double times 2^1074, which is an integer for every finite double. */
function scaledDouble(value: number): bigint {
  scratch.writeDoubleBE(value);
  const bits = scratch.readBigUInt64BE();
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & ((1n << 52n) - 1n);
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return bits >> 63n === 1n ? -magnitude : magnitude;
}

/** The next double above or below. */
function neighbour(value: number, up: boolean): number {
  if (value === 0) return up ? Number.MIN_VALUE : -Number.MIN_VALUE;
  scratch.writeDoubleBE(value);
  const bits = scratch.readBigInt64BE();
  scratch.writeBigInt64BE(up === value > 0 ? bits + 1n : bits - 1n);
  return scratch.readDoubleBE();
}
