/** Held here because looking up the global costs more than the multiplication wherever globals are intercepted, as in test runners. */
const imul = Math.imul;

/** Many 64-bit hashes as two 32-bit halves: no BigInt and no object per hash. */
export interface Hashes64 {
  readonly hi: Uint32Array;
  readonly lo: Uint32Array;
}

/**
 * Hashes a string to 64 bits, written to hi[at] and lo[at]. A function of the string's UTF-16 code units alone and stable across
 * versions: what is stored (distinct sets, HyperLogLog registers) depends on it.
 *
 * Built like MurmurHash3 x86: every 32-bit word, holding four code units, is mixed into two lanes with constants of their own;
 * the lanes are crossed at the end and finished with Murmur's fmix32. Words holding a code unit above 0xff are followed by a
 * word of the high bytes. Not for adversaries who choose keys to collide.
 */
export function hash64(text: string, hi: Uint32Array, lo: Uint32Array, at: number): void {
  const length = text.length;
  let a = seedA;
  let b = seedB;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const c0 = text.charCodeAt(i);
    const c1 = text.charCodeAt(i + 1);
    const c2 = text.charCodeAt(i + 2);
    const c3 = text.charCodeAt(i + 3);
    const word = (c0 & 0xff) | ((c1 & 0xff) << 8) | ((c2 & 0xff) << 16) | (c3 << 24);
    a = mixA(a, word);
    b = mixB(b, word);
    if ((c0 | c1 | c2 | c3) > 0xff) {
      const high = (c0 >>> 8) | (c1 & 0xff00) | ((c2 & 0xff00) << 8) | ((c3 & 0xff00) << 16);
      a = mixA(a, ~high);
      b = mixB(b, ~high);
    }
  }
  if (i < length) {
    let word = 0;
    let high = 0;
    for (let shift = 0; i < length; i++, shift += 8) {
      const c = text.charCodeAt(i);
      word |= (c & 0xff) << shift;
      high |= (c >>> 8) << shift;
    }
    a = mixA(a, word);
    b = mixB(b, word);
    if (high !== 0) {
      a = mixA(a, ~high);
      b = mixB(b, ~high);
    }
  }
  finish(a, b, length, hi, lo, at);
}

/** hash64 of the lower-case hex form of `byteLength` bytes (an even number), without building the text. */
export function hash64OfHex(bytes: Uint8Array, offset: number, byteLength: number, hi: Uint32Array, lo: Uint32Array, at: number): void {
  let a = seedA;
  let b = seedB;
  const end = offset + byteLength;
  for (let i = offset; i < end; i += 2) {
    const word = hexPairs[bytes[i]!]! | (hexPairs[bytes[i + 1]!]! << 16);
    a = mixA(a, word);
    b = mixB(b, word);
  }
  finish(a, b, byteLength * 2, hi, lo, at);
}

/** hash64 of the canonical lower-case form of a UUID of 16 bytes, without building the text. */
export function hash64OfUuid(bytes: Uint8Array, offset: number, hi: Uint32Array, lo: Uint32Array, at: number): void {
  for (let i = 0; i < 16; i++) {
    const pair = hexPairs[bytes[offset + i]!]!;
    const place = uuidPlaces[i]!;
    uuidText[place] = pair & 0xff;
    uuidText[place + 1] = pair >>> 8;
  }
  let a = seedA;
  let b = seedB;
  for (let i = 0; i < 36; i += 4) {
    const word = uuidText[i]! | (uuidText[i + 1]! << 8) | (uuidText[i + 2]! << 16) | (uuidText[i + 3]! << 24);
    a = mixA(a, word);
    b = mixB(b, word);
  }
  finish(a, b, 36, hi, lo, at);
}

const seedA = 0x2f0b4c47;
const seedB = 0x7a1d9e35;

function mixA(h: number, word: number): number {
  let k = imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  h ^= imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (imul(h, 5) + 0xe6546b64) | 0;
}

function mixB(h: number, word: number): number {
  let k = imul(word, 0xab0e9789);
  k = (k << 18) | (k >>> 14);
  h ^= imul(k, 0x38b34ae5);
  h = (h << 15) | (h >>> 17);
  return (imul(h, 5) + 0x96cd1c35) | 0;
}

function finish(a: number, b: number, length: number, hi: Uint32Array, lo: Uint32Array, at: number): void {
  a = (a ^ length) | 0;
  b = (b ^ length) | 0;
  a = (a + b) | 0;
  b = (b + a) | 0;
  a = fmix32(a);
  b = fmix32(b);
  a = (a + b) | 0;
  b = (b + a) | 0;
  hi[at] = a;
  lo[at] = b;
}

function fmix32(h: number): number {
  h = imul(h ^ (h >>> 16), 0x85ebca6b);
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The two ASCII codes of a byte's hex form, the first one in the low byte. */
const hexPairs = Uint16Array.from({ length: 256 }, (_, byte) => {
  const text = byte.toString(16).padStart(2, '0');
  return text.charCodeAt(0) | (text.charCodeAt(1) << 8);
});
/** Where each byte of a UUID stands in its text; the dashes never change. */
const uuidPlaces = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);
const uuidText = new Uint8Array(36).fill('-'.charCodeAt(0));
