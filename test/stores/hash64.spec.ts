import fc from 'fast-check';
import { hash64, hash64OfHex, hash64OfUuid } from '../../src/domain/hash64';

const hashes = (texts: readonly string[]): { hi: Uint32Array; lo: Uint32Array } => {
  const into = { hi: new Uint32Array(texts.length), lo: new Uint32Array(texts.length) };
  texts.forEach((text, i) => hash64(text, into.hi, into.lo, i));
  return into;
};
const hashOf = (text: string): string => {
  const { hi, lo } = hashes([text]);
  return hi[0]!.toString(16).padStart(8, '0') + lo[0]!.toString(16).padStart(8, '0');
};

describe('a 64-bit hash of a string', () => {
  it('never changes, since distinct counts are stored by it', () => {
    expect(['', 'a', 'abcd', 'abcde', 'visitor-1', 'Zoë', '価格表示', '👩‍🚀', '\ud800'].map(hashOf)).toEqual([
      'a3e3f8cfc1a880aa',
      'a7e16baed2bec5e4',
      '89493a01e1a7bf26',
      'b1ab279a5bdeb4f9',
      'aad32ad3ba1b4bdf',
      '40e464704b47ae29',
      'b91e1a0a54e828c4',
      'bea6c359913774ab',
      '67f98e9776834c06',
    ]);
  });

  it('is the same for packed bytes as for the text they stand for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.nat(4), (bytes, offset) => {
        const hi = new Uint32Array(2);
        const lo = new Uint32Array(2);
        const hex = Buffer.from(bytes.subarray(offset, offset + 16)).toString('hex');
        const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
        hash64OfHex(bytes, offset, 16, hi, lo, 0);
        hash64OfUuid(bytes, offset, hi, lo, 1);
        expect({ hi, lo }).toEqual(hashes([hex, uuid]));
      }),
    );
  });

  const families: Record<string, (i: number) => string> = {
    'numbered names': (i) => `v${i}`,
    'numbers in front': (i) => `${i}-visitor-of-the-shop`,
    'padded hex': (i) => i.toString(16).padStart(32, '0'),
    'characters beyond latin': (i) => String.fromCharCode(0x4e00 + (i % 20_000), 0x3040 + Math.floor(i / 20_000)),
    'one repeated character': (i) => 'x'.repeat(i % 500) + 'y'.repeat(Math.floor(i / 500)),
  };

  it.each(Object.entries(families))('spreads %s like chance would', (_, name) => {
    const count = 200_000;
    const { hi, lo } = hashes(Array.from({ length: count }, (_, i) => name(i)));
    const pairs = new Set(Array.from(hi, (half, i) => half * 2 ** 21 + (lo[i]! >>> 11)));
    expect(pairs.size).toBe(count);
    for (const half of [hi, lo]) {
      // Chance gives 4.7 repetitions among 200,000 values of 32 bits.
      expect(count - new Set(half).size).toBeLessThan(16);
      for (const shift of [0, 18]) {
        const buckets = new Uint32Array(1 << 14);
        for (const value of half) buckets[(value >>> shift) & 0x3fff]!++;
        const expected = count / buckets.length;
        const chiSquared = buckets.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
        // 16,383 degrees of freedom: mean 16,383, standard deviation 181.
        expect(Math.abs(chiSquared - 16_383)).toBeLessThan(6 * 181);
      }
    }
  });

  it('changes half of its bits when one bit of the text changes', () => {
    const differing = new Float64Array(64);
    const trials = 4_000;
    for (let trial = 0; trial < trials; trial++) {
      const codes = Array.from({ length: 13 }, (_, i) => (Math.imul(trial + 1, 2_654_435_761 + i * 40_503) >>> 9) & 0x7f);
      const changed = [...codes];
      changed[trial % 13]! ^= 1 << (trial % 7);
      const { hi, lo } = hashes([String.fromCharCode(...codes), String.fromCharCode(...changed)]);
      for (let bit = 0; bit < 32; bit++) {
        differing[bit]! += ((hi[0]! ^ hi[1]!) >>> bit) & 1;
        differing[32 + bit]! += ((lo[0]! ^ lo[1]!) >>> bit) & 1;
      }
    }
    for (const times of differing) expect(Math.abs(times / trials - 0.5)).toBeLessThan(0.05);
  });
});
