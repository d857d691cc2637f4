import { frameBytesMax, frameHeaderBytes, ProtocolViolation } from './frame-check';

/** Where a connection takes its frames from. */
export interface FrameSource {
  /** The next complete frame without its length, undefined until more has arrived. @throws ProtocolViolation */
  next(): Buffer | undefined;
  /** Whether the beginning of a frame waits for its end. */
  readonly isMidFrame: boolean;
  /** Forgets everything. */
  clear(): void;
}

const LENGTH_BYTES = 3;
const KEPT_IN_PLACE_BYTES = 16 << 10;

/**
 * Cuts a byte stream into frames: three bytes of length, then the frame (RSocket protocol 1.0, "Framing Protocol Usage"). A frame
 * that lies within one chunk is not copied; one that spans several is put together once, when its last byte is there.
 */
export class FrameReader implements FrameSource {
  private chunks: Buffer[] = [];
  /** Of the first chunk: what is before was given out. */
  private offset = 0;
  private bytes = 0;

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  get isMidFrame(): boolean {
    return this.bytes > 0;
  }

  next(): Buffer | undefined {
    if (this.bytes < LENGTH_BYTES) return undefined;
    const first = this.chunks[0]!;
    const length =
      first.length - this.offset >= LENGTH_BYTES ? first.readUIntBE(this.offset, LENGTH_BYTES) : this.join().readUIntBE(0, LENGTH_BYTES);
    if (length < frameHeaderBytes || length > frameBytesMax) {
      throw new ProtocolViolation(`a frame must have ${frameHeaderBytes} to ${frameBytesMax} bytes, not ${length}`);
    }
    if (this.bytes < LENGTH_BYTES + length) {
      this.letGo();
      return undefined;
    }
    const chunk = this.chunks[0]!.length - this.offset >= LENGTH_BYTES + length ? this.chunks[0]! : this.join();
    const start = this.offset + LENGTH_BYTES;
    this.offset = start + length;
    this.bytes -= LENGTH_BYTES + length;
    if (this.offset === chunk.length) {
      this.chunks.shift();
      this.offset = 0;
    }
    return chunk.subarray(start, start + length);
  }

  clear(): void {
    this.chunks = [];
    this.offset = 0;
    this.bytes = 0;
  }

  /** A few bytes that wait must not keep the whole chunk they came in: there may be thousands of connections. */
  private letGo(): void {
    const first = this.chunks[0]!;
    if (this.offset === 0 && first.buffer.byteLength <= 2 * first.length) return;
    if (first.length - this.offset > KEPT_IN_PLACE_BYTES) return;
    this.chunks[0] = Buffer.from(first.subarray(this.offset));
    this.offset = 0;
  }

  /** Everything that has arrived, in one chunk. */
  private join(): Buffer {
    this.chunks[0] = this.chunks[0]!.subarray(this.offset);
    this.offset = 0;
    const joined = Buffer.concat(this.chunks, this.bytes);
    this.chunks = [joined];
    return joined;
  }
}
