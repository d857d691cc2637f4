/** Protobuf encoding into a buffer whose size the caller computed first, so that a large record is written exactly once. */

function varintBytes(value: number): number {
  let bytes = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    bytes++;
  }
  return bytes;
}

/** Bytes of a length-delimited field with a one-byte tag (field numbers 1 to 15). */
export const fieldBytes = (contentBytes: number): number => 1 + varintBytes(contentBytes) + contentBytes;
export const numberFieldBytes = (value: number): number => 1 + varintBytes(value);

export class ProtobufWriter {
  constructor(
    readonly buffer: Buffer,
    public offset = 0,
  ) {}

  varint(value: number): void {
    while (value >= 128) {
      this.buffer[this.offset++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    this.buffer[this.offset++] = value;
  }

  number(field: number, value: number): void {
    this.buffer[this.offset++] = field << 3;
    this.varint(value);
  }

  /** The tag and length of a length-delimited field; its content follows. */
  open(field: number, contentBytes: number): void {
    this.buffer[this.offset++] = (field << 3) | 2;
    this.varint(contentBytes);
  }

  bytes(field: number, content: Uint8Array): void {
    this.open(field, content.length);
    this.buffer.set(content, this.offset);
    this.offset += content.length;
  }

  raw(content: Uint8Array): void {
    this.buffer.set(content, this.offset);
    this.offset += content.length;
  }

  /** `contentBytes` is the UTF-8 length of `content`, which the caller needed for the size anyway. */
  string(field: number, content: string, contentBytes: number): void {
    this.open(field, contentBytes);
    this.offset += this.buffer.write(content, this.offset, contentBytes, 'utf8');
  }
}
