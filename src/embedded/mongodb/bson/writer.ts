import { BsonType } from './raw';

/** Writes BSON forwards into one growing buffer; lengths are filled in when a document is finished. */
export class DocumentWriter {
  length = 0;
  private buffer: Buffer;
  private readonly open: number[] = [];

  constructor(initialBytes = 1024) {
    this.buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** What was written so far, as a view that the next write may invalidate. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** The bytes, handed over: the writer must not be used again. */
  take(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
    this.open.length = 0;
  }

  /** Leaves room at the front, for a header to be filled in later. */
  skip(bytes: number): void {
    this.reserve(bytes);
    this.length += bytes;
  }

  writeInt32At(at: number, value: number): void {
    this.buffer.writeInt32LE(value, at);
  }

  writeUInt8At(at: number, value: number): void {
    this.buffer[at] = value;
  }

  /** Begins a document, or with a name a nested one. */
  begin(name?: string, type: number = BsonType.object): void {
    if (name !== undefined) this.element(type, name);
    this.open.push(this.length);
    this.skip(4);
  }

  finish(): void {
    this.reserve(1);
    this.buffer[this.length++] = 0;
    const start = this.open.pop()!;
    this.buffer.writeInt32LE(this.length - start, start);
  }

  /** An element's type and name; its value must follow. */
  element(type: number, name: string): void {
    this.reserve(name.length * 3 + 2);
    this.buffer[this.length++] = type;
    this.length += this.buffer.write(name, this.length);
    this.buffer[this.length++] = 0;
  }

  value(name: string, type: number, bytes: Uint8Array, start: number, end: number): void {
    this.element(type, name);
    this.raw(bytes, start, end);
  }

  raw(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.reserve(size);
    // Copying byte by byte beats the call into native code for the numbers and short strings most values are.
    if (size <= 16) {
      for (let from = start, to = this.length; from < end; from++, to++) this.buffer[to] = bytes[from]!;
    } else {
      Buffer.prototype.copy.call(bytes, this.buffer, this.length, start, end);
    }
    this.length += size;
  }

  int32(name: string, value: number): void {
    this.element(BsonType.int, name);
    this.reserve(4);
    this.length = this.buffer.writeInt32LE(value, this.length);
  }

  long(name: string, value: bigint): void {
    this.element(BsonType.long, name);
    this.reserve(8);
    this.length = this.buffer.writeBigInt64LE(value, this.length);
  }

  double(name: string, value: number): void {
    this.element(BsonType.double, name);
    this.reserve(8);
    this.length = this.buffer.writeDoubleLE(value, this.length);
  }

  string(name: string, value: string): void {
    this.element(BsonType.string, name);
    this.reserve(value.length * 3 + 5);
    const size = this.buffer.write(value, this.length + 4);
    this.buffer.writeInt32LE(size + 1, this.length);
    this.length += 4 + size;
    this.buffer[this.length++] = 0;
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
