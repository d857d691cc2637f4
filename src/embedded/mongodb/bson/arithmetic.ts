import { CommandError } from '../errors';
import { addDecimals, decimalFromDouble, decimalFromInteger, multiplyDecimals, readDecimal, writeDecimal, type Decimal } from './decimal';
import { BsonType, type RawValue } from './raw';

/**
 * $inc and $mul with MongoDB's result types: the wider of both; int32 grows to int64 when it must, int64 overflow is refused.
 */
export function combineNumbers(a: RawValue, b: RawValue, operation: 'add' | 'multiply'): RawValue {
  if (a.type === BsonType.decimal || b.type === BsonType.decimal) {
    const result = operation === 'add' ? addDecimals(asDecimal(a), asDecimal(b)) : multiplyDecimals(asDecimal(a), asDecimal(b));
    return { type: BsonType.decimal, bytes: writeDecimal(result), start: 0, end: 16 };
  }
  if (a.type === BsonType.double || b.type === BsonType.double) {
    return doubleValue(operation === 'add' ? asDouble(a) + asDouble(b) : asDouble(a) * asDouble(b));
  }
  if (a.type === BsonType.int && b.type === BsonType.int) {
    const x = a.bytes.readInt32LE(a.start);
    const y = b.bytes.readInt32LE(b.start);
    const result = operation === 'add' ? x + y : x * y;
    if (result >= -0x80000000 && result <= 0x7fffffff) return intValue(result === 0 ? 0 : result);
  }
  const result = operation === 'add' ? asInteger(a) + asInteger(b) : asInteger(a) * asInteger(b);
  if (BigInt.asIntN(64, result) !== result) {
    throw new CommandError(
      'BadValue',
      `Failed to apply $${operation === 'add' ? 'inc' : 'mul'} operations to current value: the result exceeds 64 bits`,
    );
  }
  return longValue(result);
}

export function intValue(value: number): RawValue {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32LE(value);
  return { type: BsonType.int, bytes, start: 0, end: 4 };
}

export function longValue(value: bigint): RawValue {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64LE(value);
  return { type: BsonType.long, bytes, start: 0, end: 8 };
}

function doubleValue(value: number): RawValue {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(value);
  return { type: BsonType.double, bytes, start: 0, end: 8 };
}

/** A zero of the same type, which $mul gives a field that is missing. */
export function zeroLike(value: RawValue): RawValue {
  return combineNumbers(value, intValue(0), 'multiply');
}

export function asInteger(value: RawValue): bigint {
  return value.type === BsonType.int ? BigInt(value.bytes.readInt32LE(value.start)) : value.bytes.readBigInt64LE(value.start);
}

function asDouble(value: RawValue): number {
  return value.type === BsonType.double ? value.bytes.readDoubleLE(value.start) : Number(asInteger(value));
}

function asDecimal(value: RawValue): Decimal {
  if (value.type === BsonType.decimal) return readDecimal(value.bytes, value.start);
  return value.type === BsonType.double ? decimalFromDouble(value.bytes.readDoubleLE(value.start)) : decimalFromInteger(asInteger(value));
}
