import { int32At } from '../../src/domain/int32';
import { copyBytes } from './copying';
import { grown } from './grown';

/**
 * The little of BSON (bsonspec.org) that documents of read models are made of. The pure part of the product knows no driver, so it writes
 * its own; the bytes are those a driver's serializer makes of the same content.
 */
export const bson = {
  double: 0x01,
  text: 0x02,
  document: 0x03,
  list: 0x04,
  bytes: 0x05,
  int32: 0x10,
  int64: 0x12,
} as const;

const encoder = new TextEncoder();
// A text may begin with a byte order mark, and is then another text.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The name of a field as it stands after its type: UTF-8 and a zero. */
export const fieldName = (name: string): Uint8Array => encoder.encode(`${name}\0`);

/** Digits in the name of an element of a list, which is its place there. */
export const digitsOf = (place: number): number => (place < 10 ? 1 : place < 100 ? 2 : 3);

/** A number as the store's driver reads it: int64 as bigint. */
export function numberAt(bytes: Uint8Array, type: number, at: number): number | bigint {
  if (type === bson.int32) return int32At(bytes, at);
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  if (type === bson.int64) return view.getBigInt64(0, true);
  if (type === bson.double) return view.getFloat64(0, true);
  throw new Error(`a number cannot be of BSON type ${type}`);
}

/** The text whose length stands at `at`. */
export function textAt(bytes: Uint8Array, at: number): string {
  const length = int32At(bytes, at) - 1;
  return length === 0 ? '' : decoder.decode(bytes.subarray(at + 4, at + 4 + length));
}

/** The name between two places, its zero not included: of ASCII letters, like a currency's. */
export function nameAt(bytes: Uint8Array, from: number, to: number): string {
  let name = '';
  for (let i = from; i < to; i++) name += String.fromCharCode(bytes[i]!);
  return name;
}

/** Where the content of a field ends that begins at `at`. */
export function endOf(bytes: Uint8Array, type: number, at: number): number {
  switch (type) {
    case bson.int32:
      return at + 4;
    case bson.int64:
    case bson.double:
      return at + 8;
    case bson.bytes:
      return at + 5 + int32At(bytes, at);
    case bson.text:
      return at + 4 + int32At(bytes, at);
    case bson.document:
    case bson.list:
      return at + int32At(bytes, at);
    default:
      throw new Error(`no document of a read model holds BSON type ${type}`);
  }
}

/** Whether the field name `name`, its zero included, stands at `at`. */
export function isNamed(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/** Writes documents one after the other into the same growing buffer. */
export class BsonWriter {
  length = 0;
  /** What was written, up to `length`; another buffer after it has grown. */
  bytes = new Uint8Array(1 << 16);
  private view = new DataView(this.bytes.buffer);

  /** Begins a document or a list. @returns what `end` must be given */
  begin(): number {
    this.room(4);
    this.length += 4;
    return this.length - 4;
  }

  end(begun: number): void {
    this.room(1);
    this.bytes[this.length++] = 0;
    this.view.setInt32(begun, this.length - begun, true);
  }

  /** Type and name of a field, before its content. */
  field(type: number, name: Uint8Array): void {
    this.room(1 + name.length);
    this.bytes[this.length++] = type;
    for (let i = 0; i < name.length; i++) this.bytes[this.length++] = name[i]!;
  }

  /** A document as the element of a list, before its content. */
  element(place: number): void {
    this.room(5);
    const { bytes } = this;
    bytes[this.length++] = bson.document;
    if (place >= 100) bytes[this.length++] = 0x30 + Math.floor(place / 100);
    if (place >= 10) bytes[this.length++] = 0x30 + (Math.floor(place / 10) % 10);
    bytes[this.length++] = 0x30 + (place % 10);
    bytes[this.length++] = 0;
  }

  /** As the driver's serializer decides it: int32 where it fits, another number a double, a bigint int64. */
  number(name: Uint8Array, value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.field(bson.int64, name);
      this.room(8);
      this.view.setBigInt64(this.length, value, true);
      this.length += 8;
    } else if ((value | 0) === value && !Object.is(value, -0)) {
      this.field(bson.int32, name);
      this.room(4);
      this.view.setInt32(this.length, value, true);
      this.length += 4;
    } else {
      this.field(bson.double, name);
      this.room(8);
      this.view.setFloat64(this.length, value, true);
      this.length += 8;
    }
  }

  text(name: Uint8Array, value: string): void {
    this.field(bson.text, name);
    // Three bytes a code unit at most.
    this.room(value.length * 3 + 5);
    const from = this.length + 4;
    let to = from;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        to = from + encoder.encodeInto(value, this.bytes.subarray(from)).written;
        break;
      }
      this.bytes[to++] = unit;
    }
    this.bytes[to] = 0;
    this.view.setInt32(this.length, to + 1 - from, true);
    this.length = to + 1;
  }

  /** Begins a field of bytes. @returns what `endBytes` must be given */
  beginBytes(name: Uint8Array): number {
    this.field(bson.bytes, name);
    this.room(5);
    this.length += 5;
    this.bytes[this.length - 1] = 0;
    return this.length;
  }

  endBytes(begun: number): void {
    this.view.setInt32(begun - 5, this.length - begun, true);
  }

  /** Bytes of another document as they are. */
  range(source: Uint8Array, from: number, to: number): void {
    const length = to - from;
    this.room(length);
    copyBytes(source, from, to, this.bytes, this.length);
    this.length += length;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  zeros(count: number): void {
    this.room(count);
    this.bytes.fill(0, this.length, this.length + count);
    this.length += count;
  }

  /** A copy of what was written, exactly as large as that. */
  taken(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    this.bytes = grown(this.bytes, Math.max(this.bytes.length * 2, this.length + bytes));
    this.view = new DataView(this.bytes.buffer);
  }
}
