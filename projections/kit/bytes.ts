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
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + bytes));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Reads what ByteWriter wrote. Reading past the end throws a RangeError. */
export class ByteReader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private at = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  u32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  f64(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8, true);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('the bytes end inside a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    return decoder.decode(this.raw(this.varint()));
  }

  raw(length: number): Uint8Array {
    if (length > this.remaining) throw new RangeError(`${length} bytes are announced, ${this.remaining} are left`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
