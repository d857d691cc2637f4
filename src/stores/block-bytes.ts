/** Writes little-endian fields and LEB128 varints into one growing buffer. */
export class ByteWriter {
  private bytes: Buffer;
  length = 0;

  constructor(bytesExpected: number) {
    this.bytes = Buffer.allocUnsafe(Math.max(64, bytesExpected));
  }

  u8(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.room(4);
    this.length = this.bytes.writeUInt32LE(value, this.length);
  }

  f64(value: number): void {
    this.room(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  /** value: 0 … 2^32 - 1. */
  varint(value: number): void {
    this.room(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** An int32, small in either direction when near 0. */
  signed(value: number): void {
    this.varint((value << 1) ^ (value >> 31));
  }

  raw(source: Uint8Array): void {
    this.room(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** UTF-8, preceded by its length in bytes. */
  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.u32(bytes);
    this.room(bytes);
    this.length += this.bytes.write(value, this.length, 'utf8');
  }

  /** Space for `bytes` more, to be filled by the caller: where it begins. */
  reserve(bytes: number): { target: Uint8Array; offset: number } {
    this.room(bytes);
    const offset = this.length;
    this.length += bytes;
    return { target: this.bytes, offset };
  }

  /** Begins a section whose length is written when it ends. */
  beginSection(): number {
    this.u32(0);
    return this.length;
  }

  endSection(begin: number): void {
    this.bytes.writeUInt32LE(this.length - begin, begin - 4);
  }

  /** What was written; valid until the next write. */
  written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + bytes));
    grown.set(this.written());
    this.bytes = grown;
  }
}

/** Reads what ByteWriter wrote. Reading past the end throws RangeError. */
export class ByteReader {
  private readonly end: number;

  constructor(
    private readonly bytes: Buffer,
    private offset = 0,
    end = bytes.length,
  ) {
    this.end = Math.min(end, bytes.length);
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  u8(): number {
    return this.bytes[this.advance(1)]!;
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.advance(4));
  }

  f64(): number {
    return this.bytes.readDoubleLE(this.advance(8));
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.advance(1)]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError('a varint longer than 32 bits');
  }

  signed(): number {
    const value = this.varint();
    return (value >>> 1) ^ -(value & 1);
  }

  raw(length: number): Buffer {
    const from = this.advance(length);
    return this.bytes.subarray(from, from + length);
  }

  skipVarints(count: number): void {
    let left = count;
    while (left > 0) if (this.bytes[this.advance(1)]! < 0x80) left--;
  }

  /** Another reader from here on. */
  fork(): ByteReader {
    return new ByteReader(this.bytes, this.offset, this.end);
  }

  text(): string {
    const length = this.u32();
    const from = this.advance(length);
    return this.bytes.toString('utf8', from, from + length);
  }

  /** A section begun with beginSection, as a reader of its own. */
  section(): ByteReader {
    const length = this.u32();
    const from = this.advance(length);
    return new ByteReader(this.bytes, from, from + length);
  }

  private advance(bytes: number): number {
    const from = this.offset;
    if (bytes > this.end - from) throw new RangeError('a section ends too early');
    this.offset = from + bytes;
    return from;
  }
}
