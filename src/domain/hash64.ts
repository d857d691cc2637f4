/**
 * A 64-bit hash of a string's UTF-16 code units, in two 32-bit lanes mixed as MurmurHash3 finalises them. Visitors and
 * idempotency keys are compared by it, so it must never change: stored sets depend on it.
 *
 * @param out out[0] receives the high, out[1] the low half: no allocation, no BigInt
 */
export function hash64(text: string, out: Uint32Array): void {
  let a = 0x9e3779b9 ^ text.length;
  let b = 0x85ebca6b ^ text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0xcc9e2d51);
    a = (a << 15) | (a >>> 17);
    b = Math.imul(b ^ c, 0x1b873593);
    b = (b << 13) | (b >>> 19);
    a = (a + b) | 0;
  }
  out[0] = avalanche(a ^ Math.imul(b, 0x38b34ae5));
  out[1] = avalanche(b ^ Math.imul(a, 0xa1e38b93));
}

function avalanche(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
