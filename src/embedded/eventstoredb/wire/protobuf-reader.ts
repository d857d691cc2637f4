/**
 * A reader over one protobuf message that never copies: byte fields are views into the received buffer. The generated
 * code copies a byte field twice, which is most of the cost of receiving a 128 KB record.
 * Format: https://protobuf.dev/programming-guides/encoding/
 */
export class ProtobufReader {
  private offset: number;
  private readonly end: number;
  private wireType = 0;

  constructor(
    private readonly buffer: Buffer,
    start = 0,
    end = buffer.length,
  ) {
    this.offset = start;
    this.end = end;
  }

  /** The next field's number, or 0 at the end of the message. The caller reads it with the method of its type, or skips it. */
  nextField(): number {
    if (this.offset >= this.end) return 0;
    const tag = this.varint();
    this.wireType = tag & 7;
    const field = Math.floor(tag / 8);
    if (field === 0) throw new MalformedMessage('a field is numbered 0');
    return field;
  }

  /** A varint up to 2^53; a larger one (an int64 sentinel) comes back as Infinity. */
  uint(): number {
    if (this.wireType !== 0) throw new MalformedMessage('a number was expected');
    return this.varint();
  }

  /** Two's complement of a 64-bit varint, as protobuf writes negative int64 values. */
  int64(): bigint {
    if (this.wireType !== 0) throw new MalformedMessage('a number was expected');
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new MalformedMessage('a number is longer than ten bytes');
  }

  bytes(): Buffer {
    const length = this.lengthOfField();
    const start = this.offset;
    this.offset += length;
    return this.buffer.subarray(start, this.offset);
  }

  string(): string {
    const length = this.lengthOfField();
    const start = this.offset;
    this.offset += length;
    return this.buffer.toString('utf8', start, this.offset);
  }

  message(): ProtobufReader {
    const length = this.lengthOfField();
    const start = this.offset;
    this.offset += length;
    return new ProtobufReader(this.buffer, start, this.offset);
  }

  skip(): void {
    switch (this.wireType) {
      case 0:
        this.varint();
        return;
      case 1:
        this.advance(8);
        return;
      case 2:
        this.advance(this.lengthOfField());
        return;
      case 5:
        this.advance(4);
        return;
      default:
        throw new MalformedMessage(`wire type ${this.wireType} is unknown`);
    }
  }

  private lengthOfField(): number {
    if (this.wireType !== 2) throw new MalformedMessage('bytes were expected');
    const length = this.varint();
    if (length > this.end - this.offset) throw new MalformedMessage('a field ends beyond its message');
    return length;
  }

  private advance(bytes: number): void {
    if (bytes > this.end - this.offset) throw new MalformedMessage('a field ends beyond its message');
    this.offset += bytes;
  }

  private byte(): number {
    if (this.offset >= this.end) throw new MalformedMessage('the message ends inside a number');
    return this.buffer[this.offset++]!;
  }

  private varint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let factor = 128;
    for (let count = 1; count < 10; count++) {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value > Number.MAX_SAFE_INTEGER ? Infinity : value;
      factor *= 128;
    }
    throw new MalformedMessage('a number is longer than ten bytes');
  }
}

export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}
