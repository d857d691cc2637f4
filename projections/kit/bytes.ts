import { grown } from './grown';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes little-endian fields and LEB128 varints into one growing buffer. */
export class ByteWriter {
  length = 0;
  private bytes: Uint8Array;
  private view: DataView;

  constructor(bytesExpected = 256) {
    this.bytes = new Uint8Array(Math.max(64, bytesExpected));
    this.view = new DataView(this.bytes.buffer);
  }

  u32(value: number): void {
    this.room(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.room(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.room(8);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  /** A whole number of either sign, small where near 0. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** UTF-8, preceded by its length in bytes. */
  text(value: string): void {
    // Three bytes a code unit at most.
    this.room(value.length * 3 + 8);
    let ascii = true;
    for (let i = 0; i < value.length && ascii; i++) ascii = value.charCodeAt(i) < 0x80;
    if (ascii) {
      this.varint(value.length);
      for (let i = 0; i < value.length; i++) this.bytes[this.length + i] = value.charCodeAt(i);
      this.length += value.length;
      return;
    }
    const bytes = encoder.encode(value);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  raw(source: Uint8Array): void {
    this.room(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** What was written, up to `length`, and room after it; valid until the next write. */
  get written(): Uint8Array {
    return this.bytes;
  }

  /** Begins a part that will be preceded by its length. */
  beginPart(): number {
    this.room(1);
    return this.length++;
  }

  /** @param begun what beginPart answered */
  endPart(begun: number): void {
    const length = this.length - begun - 1;
    if (length < 0x80) {
      this.bytes[begun] = length;
      return;
    }
    let more = 0;
    for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 0x80)) more++;
    this.room(more);
    this.bytes.copyWithin(begun + 1 + more, begun + 1, this.length);
    this.length = begun;
    this.varint(length);
    this.length += length;
  }

  /** What was written between two lengths; valid until the next write. */
  part(from: number, to: number): Uint8Array {
    return this.bytes.subarray(from, to);
  }

  /** A copy of what was written. */
  taken(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    this.bytes = grown(this.bytes, Math.max(this.bytes.length * 2, this.length + bytes));
    this.view = new DataView(this.bytes.buffer);
  }
}

/** Reads what ByteWriter wrote. Reading past the end throws a RangeError. */
export class ByteReader {
  private view: DataView | undefined;
  private at: number;
  private end: number;
  private endOfAll = 0;

  constructor(
    private bytes: Uint8Array,
    from = 0,
  ) {
    this.at = from;
    this.end = bytes.length;
  }

  /** Goes on to other bytes, those of `bytes` between two offsets. */
  reset(bytes: Uint8Array, from: number, to: number): void {
    if (bytes !== this.bytes) this.view = undefined;
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  /**
   * Goes into a part that is preceded by its length, so that its end is the end of the bytes; false where it is empty. Parts do not
   * nest.
   */
  enterPart(): boolean {
    const length = this.varint();
    if (length > this.remaining) throw new RangeError(`${length} bytes are announced, ${this.remaining} are left`);
    this.endOfAll = this.end;
    this.end = this.at + length;
    return length > 0;
  }

  /** To the end of the part, whatever of it was read. */
  leavePart(): void {
    this.at = this.end;
    this.end = this.endOfAll;
  }

  u32(): number {
    return this.viewOf(4).getUint32(this.at - 4, true);
  }

  f64(): number {
    return this.viewOf(8).getFloat64(this.at - 8, true);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; this.at < this.end; scale *= 0x80) {
      const byte = this.bytes[this.at++]!;
      if (byte < 0x80) return value + byte * scale;
      value += (byte & 0x7f) * scale;
    }
    throw new RangeError('the bytes end inside a number');
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    return decoder.decode(this.raw(this.varint()));
  }

  raw(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, this.at);
  }

  /** Passes over so many bytes of `source`, and answers where they begin. */
  skip(length: number): number {
    this.advance(length);
    return this.at - length;
  }

  get source(): Uint8Array {
    return this.bytes;
  }

  private viewOf(length: number): DataView {
    this.advance(length);
    return (this.view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength));
  }

  private advance(length: number): void {
    if (length > this.remaining) throw new RangeError(`${length} bytes are announced, ${this.remaining} are left`);
    this.at += length;
  }
}
