import fc from 'fast-check';
import { BsonWriter } from '../../../projections/kit/bson';
import { countDistinct } from '../../../projections/kit/distinct';
import { DistinctUnion } from '../../../projections/kit/distinct-union';
import { estimateDistinct, registers, writeRaised, writeSketch } from '../../../projections/kit/sketch';
import { hash64 } from '../../../src/domain/hash64';

/** Visitors from..to: low and high halves of their hashes in turn. */
function lanesOf(from: number, to: number): Uint32Array {
  const hi = new Uint32Array(1);
  const lo = new Uint32Array(1);
  const lanes = new Uint32Array(2 * (to - from));
  for (let i = from; i < to; i++) {
    hash64(`visitor-${i}`, hi, lo, 0);
    lanes.set([lo[0]!, hi[0]!], 2 * (i - from));
  }
  return lanes;
}

/** The registers by the definition, bit by bit. */
function naive(lanes: Uint32Array): number[] {
  const all = new Array<number>(registers).fill(0);
  for (let i = 0; i < lanes.length; i += 2) {
    const bits = lanes[i + 1]!.toString(2).padStart(32, '0') + lanes[i]!.toString(2).padStart(32, '0');
    const register = parseInt(bits.slice(0, 14), 2);
    const firstOne = bits.slice(14).indexOf('1');
    all[register] = Math.max(all[register]!, firstOne < 0 ? 51 : firstOne + 1);
  }
  return all;
}

/** The stored form by its description. */
function described(all: readonly number[]): Buffer {
  const raised = all.filter((rank) => rank > 0);
  if (raised.length > 8_192) return Buffer.from([...all, 1]);
  const bits = Buffer.alloc(2_048);
  all.forEach((rank, register) => {
    if (rank > 0) bits[register >> 3]! |= 1 << (register & 7);
  });
  return Buffer.concat([bits, Buffer.from([...raised, 3])]);
}

const written = (write: (out: BsonWriter) => void): Buffer => {
  const out = new BsonWriter();
  // What is before it must stay.
  out.byte(0xee);
  write(out);
  const bytes = Buffer.from(out.taken());
  expect(bytes[0]).toBe(0xee);
  return bytes.subarray(1);
};
const sketchOf = (lanes: Uint32Array): Buffer => written((out) => writeSketch(out, lanes, lanes.length));
const raisedBy = (stored: Buffer, lanes: Uint32Array): Buffer =>
  written((out) => writeRaised(out, stored, 0, stored.length, lanes, lanes.length));

describe('a stored sketch', () => {
  it.each([1, 513, 2_000, 11_000, 12_000, 60_000])(
    'of %i visitors has the registers of the definition, in the form that is described',
    (n) => {
      const lanes = lanesOf(0, n);
      expect(sketchOf(lanes).equals(described(naive(lanes)))).toBe(true);
    },
  );

  it('is much smaller than its registers where few are raised', () => {
    expect(sketchOf(lanesOf(0, 513)).length).toBeLessThan(2_600);
    expect(sketchOf(lanesOf(0, 5_000)).length).toBeLessThan(6_500);
    expect(sketchOf(lanesOf(0, 50_000)).length).toBe(registers + 1);
  });

  it('has the same bytes however visitors were added, on both sides of where its form changes', () => {
    const all = lanesOf(0, 14_000);
    const steps = fc
      .array(fc.integer({ min: 0, max: 14_000 }), { minLength: 1, maxLength: 5 })
      .map((cuts) => [0, ...cuts.sort((a, b) => a - b)]);
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 600 }), (cuts, again) => {
        const end = cuts.at(-1)!;
        let stored = sketchOf(all.subarray(0, 2));
        for (let i = 1; i < cuts.length; i++) {
          stored = raisedBy(stored, all.subarray(2 * Math.max(0, cuts[i - 1]! - again), 2 * cuts[i]!));
        }
        expect(stored.equals(sketchOf(all.subarray(0, 2 * Math.max(1, end))))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('stays where it is read: bytes around it are not taken for its own', () => {
    const stored = sketchOf(lanesOf(0, 3_000));
    const around = Buffer.concat([Buffer.alloc(37, 0xab), stored, Buffer.alloc(11, 0xcd)]);
    const added = lanesOf(2_900, 3_100);
    const raised = written((out) => writeRaised(out, around, 37, 37 + stored.length, added, added.length));
    expect(raised.equals(sketchOf(lanesOf(0, 3_100)))).toBe(true);
  });

  it('estimates as its registers do, whichever form it has', () => {
    for (const n of [513, 4_000, 11_000]) {
      const lanes = lanesOf(0, n);
      expect(estimateDistinct(sketchOf(lanes))).toBe(estimateDistinct(Uint8Array.from(naive(lanes))));
    }
  });

  it('unites with others in any order and form as if all had been added to one', () => {
    const parts = [lanesOf(0, 700), lanesOf(500, 4_000), lanesOf(3_000, 30_000)].map(sketchOf);
    const whole = countDistinct(sketchOf(lanesOf(0, 30_000)));
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const union = new DistinctUnion();
      for (const i of order) union.add(parts[i]!);
      expect(union.count()).toEqual(whole);
    }
    const sparse = new DistinctUnion();
    for (const part of parts.slice(0, 2)) sparse.add(part);
    expect(sparse.count()).toEqual(countDistinct(sketchOf(lanesOf(0, 4_000))));
  });

  it('that is damaged is refused, and leaves nothing behind in the next one', () => {
    const stored = sketchOf(lanesOf(0, 800));
    const damaged = Buffer.concat([stored.subarray(0, -2), stored.subarray(-1)]);
    expect(() => raisedBy(damaged, lanesOf(0, 5))).toThrow(/sparse sketch has \d+ bytes for \d+ registers/);
    expect(raisedBy(stored, lanesOf(0, 5)).equals(stored)).toBe(true);
  });
});
