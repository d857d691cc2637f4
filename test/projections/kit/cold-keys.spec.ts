import fc from 'fast-check';
import { ColdKeys } from '../../../projections/kit/cold-keys';

const half = fc.integer({ min: 0, max: 0xffff_ffff });
const key = fc.tuple(half, half);
/** Keys are hashes: their bits are spread. */
const spread = (n: number): [hi: number, lo: number] => [Math.imul(n + 1, 0x9e3779b1) >>> 0, Math.imul(n + 1, 0x85ebca6b) >>> 0];
const filterBytes = 1 << 17;
const keysOfAFilter = 100_000;
const filters = 8;

describe('the keys of what left memory', () => {
  it('are none at first, and none of them is ever denied', () => {
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 50 }), (list) => {
        const keys = new ColdKeys();
        expect([keys.any, keys.bytes, ...list.map(([hi, lo]) => keys.mayHold(hi, lo))]).toEqual([false, 0, ...list.map(() => false)]);
        for (const [hi, lo] of list) keys.add(hi, lo);
        expect(keys.any).toBe(true);
        expect(list.filter(([hi, lo]) => !keys.mayHold(hi, lo))).toEqual([]);
      }),
    );
  });

  it('are told from others but for one in fifty, until there are too many to tell', () => {
    const keys = new ColdKeys();
    for (let n = 0; n < keysOfAFilter; n++) keys.add(...spread(n));
    expect(keys.bytes).toBe(filterBytes);
    let inVain = 0;
    for (let n = 0; n < 10_000; n++) if (keys.mayHold(...spread(keysOfAFilter * 100 + n))) inVain++;
    expect(inVain).toBeLessThan(10_000 / 50);

    for (let n = keysOfAFilter; n < filters * keysOfAFilter; n++) keys.add(...spread(n));
    expect(keys.bytes).toBe(filters * filterBytes);
    for (let n = 0; n < filters * keysOfAFilter; n += 997) expect([n, keys.mayHold(...spread(n))]).toEqual([n, true]);
    expect(Array.from({ length: 100 }, (_, n) => keys.mayHold(...spread(keysOfAFilter * 200 + n)))).toContain(false);

    keys.add(...spread(filters * keysOfAFilter));
    expect(keys.bytes).toBe(0);
    expect(Array.from({ length: 100 }, (_, n) => keys.mayHold(...spread(keysOfAFilter * 200 + n)))).not.toContain(false);
  });

  it('may be any where some are not known', () => {
    const keys = new ColdKeys();
    keys.beginUnknown();
    keys.add(...spread(1));
    expect([keys.any, keys.bytes, keys.mayHold(...spread(2))]).toEqual([true, 0, true]);
  });
});
