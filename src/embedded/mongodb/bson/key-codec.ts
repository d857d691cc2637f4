import { CommandError } from '../errors';
import { limits } from '../limits';
import { exactNumber, placeBetweenDoubles } from './number-key';
import { BsonType, ElementWalker, cstringEnd, valueEnd, type RawValue } from './raw';

/**
 * Turns BSON values into byte strings whose order as bytes (memcmp) is MongoDB's comparison order of the values, across types.
 * Each encoded value begins with the rank of its type and ends itself, so encodings can follow one another in a compound key,
 * and complementing the bytes of one value makes it descend.
 */

/** Rank of a type in MongoDB's comparison order; numbers share one, as do string and symbol, null and missing. */
export function typeRank(type: number): number {
  return ranks[type] ?? 0;
}

const ranks = new Uint8Array(256);
ranks[BsonType.minKey] = 1;
ranks[BsonType.undefined] = 5;
ranks[BsonType.null] = 5;
for (const number of [BsonType.int, BsonType.long, BsonType.double, BsonType.decimal]) ranks[number] = 10;
ranks[BsonType.string] = 15;
ranks[BsonType.symbol] = 15;
ranks[BsonType.object] = 20;
ranks[BsonType.array] = 25;
ranks[BsonType.binary] = 30;
ranks[BsonType.objectId] = 35;
ranks[BsonType.boolean] = 40;
ranks[BsonType.date] = 45;
ranks[BsonType.timestamp] = 47;
ranks[BsonType.regex] = 50;
ranks[BsonType.dbPointer] = 55;
ranks[BsonType.code] = 60;
ranks[BsonType.codeWithScope] = 65;
ranks[BsonType.maxKey] = 127;

export const nullRank = 5;
export const numberRank = 10;
/** Sorts after every continuation of an encoded value, since no rank and no complement of one is 0xff. */
export const afterAll = 0xff;

const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/** Builds keys in one reused buffer. */
export class KeyWriter {
  length = 0;
  private buffer = Buffer.allocUnsafe(4096);

  reset(): this {
    this.length = 0;
    return this;
  }

  /** The key so far, valid until the next write. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  copy(): Buffer {
    return Buffer.from(this.view());
  }

  /** The key as a string of bytes, for maps and sets. */
  text(): string {
    return this.buffer.toString('latin1', 0, this.length);
  }

  prefix(id: number): this {
    this.reserve(4);
    this.length = this.buffer.writeUInt32BE(id, this.length);
    return this;
  }

  byte(value: number): this {
    this.reserve(1);
    this.buffer[this.length++] = value;
    return this;
  }

  append(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  missing(descending = false): this {
    return this.byte(descending ? ~nullRank & 0xff : nullRank);
  }

  value(type: number, bytes: Buffer, start: number, end: number, descending = false): this {
    const from = this.length;
    this.write(type, bytes, start, end);
    if (descending) for (let at = from; at < this.length; at++) this.buffer[at] = ~this.buffer[at]! & 0xff;
    return this;
  }

  private write(type: number, bytes: Buffer, start: number, end: number): void {
    this.byte(typeRank(type));
    switch (type) {
      case BsonType.string:
      case BsonType.symbol:
      case BsonType.code:
        this.text0(bytes, start + 4, end - 1);
        return;
      case BsonType.int:
      case BsonType.double:
      case BsonType.long:
      case BsonType.decimal:
        this.number(bytes, type, start);
        return;
      case BsonType.objectId:
        this.fixed(bytes, start, end);
        return;
      case BsonType.object:
      case BsonType.array:
        this.fields(bytes, start, type === BsonType.object);
        return;
      case BsonType.binary:
        this.reserve(4);
        this.length = this.buffer.writeUInt32BE(bytes.readUInt32LE(start), this.length);
        this.fixed(bytes, start + 4, end);
        return;
      case BsonType.boolean:
        this.byte(bytes[start]! === 0 ? 0 : 1);
        return;
      case BsonType.date:
        this.reserve(8);
        this.length = this.buffer.writeBigInt64BE(bytes.readBigInt64LE(start) ^ -0x8000000000000000n, this.length);
        return;
      case BsonType.timestamp:
        this.reserve(8);
        this.length = this.buffer.writeBigUInt64BE(bytes.readBigUInt64LE(start), this.length);
        return;
      case BsonType.regex: {
        const options = cstringEnd(bytes, start, end) + 1;
        this.fixed(bytes, start, options);
        this.fixed(bytes, options, end);
        return;
      }
      case BsonType.dbPointer:
        this.text0(bytes, start + 4, end - 13);
        this.fixed(bytes, end - 12, end);
        return;
      case BsonType.codeWithScope: {
        const code = start + 4;
        const scope = valueEnd(bytes, BsonType.string, code, end);
        this.text0(bytes, code + 4, scope - 1);
        this.fields(bytes, scope, true);
        return;
      }
      default:
        // Null, MinKey and MaxKey are their rank alone.
        return;
    }
  }

  /** A string: a zero inside becomes 00 ff, its end is 00 01, so a prefix sorts before its continuations. */
  private text0(bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    this.reserve(size * 2 + 2);
    const buffer = this.buffer;
    let to = this.length;
    for (let from = start; from < end; from++) {
      const byte = bytes[from]!;
      buffer[to++] = byte;
      if (byte === 0) buffer[to++] = 0xff;
    }
    buffer[to++] = 0;
    buffer[to++] = 1;
    this.length = to;
  }

  private fixed(bytes: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    bytes.copy(this.buffer, this.length, start, end);
    this.length += end - start;
  }

  private number(bytes: Buffer, type: number, start: number): void {
    const exact = exactNumber(bytes, type, start);
    if (exact !== undefined) {
      this.double(exact);
      this.byte(0);
      return;
    }
    const place = placeBetweenDoubles(bytes, type, start);
    this.double(place.floor);
    if (!place.inexact) {
      this.byte(0);
      return;
    }
    this.byte(1);
    this.reserve(16);
    this.length = this.buffer.writeBigUInt64BE(place.between >> 64n, this.length);
    this.length = this.buffer.writeBigUInt64BE(place.between & 0xffffffffffffffffn, this.length);
  }

  private double(value: number): void {
    this.reserve(8);
    const buffer = this.buffer;
    const at = this.length;
    this.length += 8;
    if (value !== value) {
      buffer.fill(0, at, at + 8); // NaN is the smallest number
      return;
    }
    double[0] = value === 0 ? 0 : value; // one zero
    // The array is little-endian on every platform Node runs on with prebuilt LMDB.
    const mask = doubleBytes[7]! & 0x80 ? 0xff : 0;
    buffer[at] = doubleBytes[7]! ^ (mask === 0 ? 0x80 : 0xff);
    for (let i = 1; i < 8; i++) buffer[at + i] = doubleBytes[7 - i]! ^ mask;
  }

  /** Field by field: the type's rank, then the name, then the value; a zero ends it. */
  private fields(bytes: Buffer, start: number, named: boolean): void {
    const walker = new ElementWalker(bytes, start);
    while (walker.next()) {
      if (named) {
        this.byte(typeRank(walker.type));
        this.text0(bytes, walker.nameStart, walker.nameEnd);
      }
      this.write(walker.type, bytes, walker.start, walker.end);
    }
    this.byte(0);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.length + bytes, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}

const scratch = new KeyWriter();

/** The encoding of one value, in a buffer of its own. */
export function encodeValue(value: RawValue): Buffer {
  return scratch.reset().value(value.type, value.bytes, value.start, value.end).copy();
}

/** The encoding as a string of bytes, for sets and maps. */
export function encodeText(type: number, bytes: Buffer, start: number, end: number): string {
  return scratch.reset().value(type, bytes, start, end).text();
}

export function refuseLongKey(length: number, indexName: string): void {
  if (length > limits.keyBytesMax) {
    throw new CommandError('KeyTooLong', `index ${indexName}: the key takes ${length} bytes, at most ${limits.keyBytesMax} are allowed`);
  }
}
