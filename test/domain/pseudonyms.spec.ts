import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { Chaskey12 } from '../../src/domain/chaskey';
import { pseudonymsUnder } from '../../src/domain/pseudonyms';

const newSecret = (): string => randomBytes(32).toString('base64url');

describe('Chaskey-12', () => {
  // As published with its authors' implementation: the tags of the bytes 0, 1, 2 … under one key, by their number.
  it.each([
    [0, '43cb1f41 51eba0c2 ff0a8ac3 7ee3f642'],
    [1, 'f9ac2067 9c35a846 441aad3d 777b7330'],
    [15, '03cfb44b 283c8163 fca71448 c40a0aea'],
    [16, '5dd0e2a9 fb5eac8c 633a392e 500c36f3'],
    [17, '8b5f6d5a 202314f6 22092368 9639e606'],
    [32, '77962784 07c647fa dd752c0f d2f5a799'],
    [36, 'a98ecb80 5ef583cf 4e20e76e 7873b8f1'],
    [63, '2dd072e1 42b89efe fb26b615 049aa451'],
  ])('tags %d bytes as its authors do', (length, expected) => {
    const keyed = new Chaskey12(Int32Array.of(0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39));
    // Whatever was summed before, and whatever lies behind.
    keyed.sum(
      Uint8Array.from({ length: 64 }, () => 255),
      40,
    );
    keyed.sum(
      Uint8Array.from({ length: 64 }, (_, i) => (i < length ? i : 99)),
      length,
    );
    expect([...keyed.tag].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ')).toBe(expected);
  });
});

describe('the pseudonym of an id', () => {
  it('stays what it is: what is in the log was made with it', () => {
    const pseudonymOf = pseudonymsUnder('c2VjcmV0IG9mIHRoZSB0ZXN0LCBub3Qgc2VjcmV0ISE');
    const made = ['anna', '0f8fad5b-d9cb-469f-a165-70867728950e', 'Åsa 💶', 'x'.repeat(64), 'x'.repeat(100_000)].map(pseudonymOf);
    expect(made).toEqual([
      '02611ef4d8d7cf1895df6689',
      '7bf8e2169116d2df2bf098d7',
      'f37d1b353eb3eb02209373c9',
      'b999b3a3334dca2444f8d95e',
      'b737f3038886e0b59ad1349e',
    ]);
  });

  it('is always the same under one secret, and another under another', () => {
    const [first, second] = [newSecret(), newSecret()];
    const [ofFirst, ofSecond] = [pseudonymsUnder(first), pseudonymsUnder(second)];
    const anyId = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 200 }), fc.uuid());
    fc.assert(
      fc.property(anyId, (id) => {
        const made = ofFirst(id);
        expect(made).toMatch(/^[0-9a-f]{24}$/);
        expect(pseudonymsUnder(first)(id)).toBe(made);
        expect(ofSecond(id)).not.toBe(made);
      }),
    );
  });

  it('is no one else’s among 100,000 visitors', () => {
    const pseudonymOf = pseudonymsUnder(newSecret());
    const ids = Array.from({ length: 50_000 }, (_, i) => [`visitor-${i}`, `${i}`]).flat();
    expect(new Set(ids.map(pseudonymOf)).size).toBe(100_000);
  });

  it('has every digit in every place', () => {
    const pseudonymOf = pseudonymsUnder(newSecret());
    const made = Array.from({ length: 5_000 }, (_, i) => pseudonymOf(`${i}`));
    for (let place = 0; place < 24; place++) expect(new Set(made.map((text) => text[place])).size).toBe(16);
  });

  it('needs a secret of 256 bits', () => {
    for (const secret of ['', 'secret', `${newSecret()}=`]) expect(() => pseudonymsUnder(secret)).toThrow('256 bits');
  });
});
