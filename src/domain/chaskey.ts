import { int32At } from './int32';

/**
 * Chaskey-12 (Mouha et al., "Chaskey: An Efficient MAC Algorithm for 32-bit Microcontrollers", SAC 2014; ISO/IEC 29192-6): a keyed
 * hash of short texts out of 32-bit additions, rotations and exclusive-ors, which is what JavaScript computes fastest. As long as the
 * 128-bit key is secret, its tags look random, and what they stand for can neither be computed nor tried out.
 */
export class Chaskey12 {
  /** Of the bytes summed last: 128 bits, four words. */
  readonly tag = new Int32Array(4);
  /** Mixed into a last block that is full, and into one that is not. */
  private readonly keyOfFull: Int32Array;
  private readonly keyOfPadded: Int32Array;

  /** @param key four words */
  constructor(private readonly key: Int32Array) {
    this.keyOfFull = doubled(key);
    this.keyOfPadded = doubled(this.keyOfFull);
  }

  /**
   * Leaves the tag of the first `length` bytes in `tag`.
   * @param bytes with room for one more than `length` and up to a multiple of 16: what follows is overwritten with padding
   */
  sum(bytes: Uint8Array, length: number): void {
    const { key, tag } = this;
    const blocks = Math.max(1, (length + blockBytes - 1) >>> 4);
    const isFull = length === blocks << 4;
    for (let at = length, pad = 1; at < blocks << 4; at++, pad = 0) bytes[at] = pad;
    const last = isFull ? this.keyOfFull : this.keyOfPadded;
    // The state stays in four variables: in an array it would be written to memory twelve times a round.
    let a = key[0]!;
    let b = key[1]!;
    let c = key[2]!;
    let d = key[3]!;
    for (let block = 1, at = 0; ; block++, at += blockBytes) {
      a ^= int32At(bytes, at);
      b ^= int32At(bytes, at + 4);
      c ^= int32At(bytes, at + 8);
      d ^= int32At(bytes, at + 12);
      if (block === blocks) {
        a ^= last[0]!;
        b ^= last[1]!;
        c ^= last[2]!;
        d ^= last[3]!;
      }
      for (let round = 0; round < rounds; round++) {
        a = (a + b) | 0;
        b = ((b << 5) | (b >>> 27)) ^ a;
        a = (a << 16) | (a >>> 16);
        c = (c + d) | 0;
        d = ((d << 8) | (d >>> 24)) ^ c;
        a = (a + d) | 0;
        d = ((d << 13) | (d >>> 19)) ^ a;
        c = (c + b) | 0;
        b = ((b << 7) | (b >>> 25)) ^ c;
        c = (c << 16) | (c >>> 16);
      }
      if (block === blocks) break;
    }
    tag[0] = a ^ last[0]!;
    tag[1] = b ^ last[1]!;
    tag[2] = c ^ last[2]!;
    tag[3] = d ^ last[3]!;
  }
}

const blockBytes = 16;
const rounds = 12;

/** Times x in GF(2^128), modulo x^128 + x^7 + x^2 + x + 1. */
function doubled(key: Int32Array): Int32Array {
  const [a, b, c, d] = key as unknown as [number, number, number, number];
  return Int32Array.of((a << 1) ^ (d < 0 ? 0x87 : 0), (b << 1) | (a >>> 31), (c << 1) | (b >>> 31), (d << 1) | (c >>> 31));
}
