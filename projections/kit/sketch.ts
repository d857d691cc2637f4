import type { BsonWriter } from './bson';

/**
 * HyperLogLog of 64-bit hashes (Flajolet et al. 2007; estimator: Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017, section 2), stored in one of two forms, of which the set decides:
 *
 * - sparse, up to `sparseMax` registers that are not zero: one bit a register (register r is bit r & 7 of byte r >> 3), then one
 *   byte for each bit that is set, in the same order, and the tag 3. 2,049 bytes and one for each of these registers.
 * - dense: one byte a register and the tag 1. 16,385 bytes.
 */
const precision = 14;
/** Standard error of the estimate: 1.04 / sqrt(2^precision), about 0.81 %. */
export const relativeError = 1.04 / Math.sqrt(1 << precision);

export const registers = 1 << precision;
/** Reached at some 11,000 hashes. Beyond, the bytes that are saved are not worth the steps that it takes. */
const sparseMax = registers / 2;
const bitBytes = registers / 8;
const tagDense = 1;
const tagSparse = 3;

export const isSketchTag = (tag: number): boolean => tag === tagDense || tag === tagSparse;

/**
 * Registers of the sketch at hand, and which of them are not zero. Between two calls all are zero: who writes a sketch clears only those
 * that were not.
 */
const work = new Uint8Array(registers);
const bits = new Uint32Array(registers / 32);
const bitsAsBytes = new Uint8Array(bits.buffer);
const ranksOfBits = new Uint8Array(sparseMax);

/** The dense form of a sketch nothing was added to. */
export function emptySketch(): Uint8Array {
  const sketch = new Uint8Array(registers + 1);
  sketch[registers] = tagDense;
  return sketch;
}

/** Writes the sketch of hashes: low and high halves in turn, up to `length`. */
export function writeSketch(out: BsonWriter, lanes: Uint32Array, length: number): void {
  let raised = 0;
  for (let i = 0; i < length; i += 2) raised += lift(lanes[i + 1]!, lanes[i]!);
  writeWork(out, raised);
}

/** Writes a stored sketch, from..to, with hashes added: low and high halves in turn, up to `length`. */
export function writeRaised(out: BsonWriter, stored: Uint8Array, from: number, to: number, lanes: Uint32Array, length: number): void {
  if (stored[to - 1] === tagDense) {
    const sketch = out.length;
    out.range(stored, from, to);
    for (let i = 0; i < length; i += 2) raise(out.bytes, lanes[i + 1]!, lanes[i]!, sketch);
    return;
  }
  let raised = spread(stored, from, to);
  for (let i = 0; i < length; i += 2) raised += lift(lanes[i + 1]!, lanes[i]!);
  writeWork(out, raised);
}

/** Adds one hash to the registers that begin at `at`: the first `precision` bits choose the register, the leading zeros of the rest are its candidate. */
export function raise(sketch: Uint8Array, hi: number, lo: number, at = 0): void {
  const register = at + (hi >>> (32 - precision));
  const rank = rankOf(hi, lo);
  if (rank > sketch[register]!) sketch[register] = rank;
}

/** Raises registers, which have a buffer of their own, to those of a stored sketch. */
export function raiseAll(mine: Uint8Array, stored: Uint8Array): void {
  if (stored[stored.length - 1] === tagDense) {
    raiseWords(new Uint32Array(mine.buffer), alignRegisters(stored));
    return;
  }
  let next = bitBytes;
  for (let byte = 0; byte < bitBytes; byte++) {
    for (let left = stored[byte]!; left !== 0; left &= left - 1) {
      const register = (byte << 3) + 31 - Math.clz32(left & -left);
      const rank = stored[next++]!;
      if (rank > mine[register]!) mine[register] = rank;
    }
  }
}

/** How many distinct hashes a stored sketch, or registers without a tag, stand for. */
export function estimateDistinct(sketch: Uint8Array): number {
  const isSparse = sketch.length !== registers && sketch[sketch.length - 1] === tagSparse;
  return Math.round(estimate(isSparse ? histogramOfSparse(sketch) : histogramOf(sketch)));
}

function rankOf(hi: number, lo: number): number {
  const rest = (hi << precision) >>> 0;
  return rest !== 0 ? Math.clz32(rest) + 1 : 32 - precision + Math.clz32(lo) + 1;
}

/** Adds one hash to the sketch at hand. @returns 1 for a register that was zero */
function lift(hi: number, lo: number): number {
  const register = hi >>> (32 - precision);
  const rank = rankOf(hi, lo);
  const before = work[register]!;
  if (rank <= before) return 0;
  work[register] = rank;
  bits[register >> 5]! |= 1 << (register & 31);
  return before === 0 ? 1 : 0;
}

/** Makes a stored sparse sketch the one at hand. @returns how many registers are not zero */
function spread(stored: Uint8Array, from: number, to: number): number {
  bitsAsBytes.set(stored.subarray(from, from + bitBytes));
  let next = from + bitBytes;
  for (let word = 0; word < bits.length; word++) {
    for (let left = bits[word]!; left !== 0; left &= left - 1) work[(word << 5) + 31 - Math.clz32(left & -left)] = stored[next++]!;
  }
  const raised = next - from - bitBytes;
  if (next !== to - 1) {
    work.fill(0);
    bits.fill(0);
    throw new Error(`a stored sparse sketch has ${to - from} bytes for ${raised} registers`);
  }
  return raised;
}

/** Writes the sketch at hand, which is then none. */
function writeWork(out: BsonWriter, raised: number): void {
  if (raised > sparseMax) {
    out.range(work, 0, registers);
    out.byte(tagDense);
    work.fill(0);
  } else {
    let n = 0;
    for (let word = 0; word < bits.length; word++) {
      for (let left = bits[word]!; left !== 0; left &= left - 1) {
        const register = (word << 5) + 31 - Math.clz32(left & -left);
        ranksOfBits[n++] = work[register]!;
        work[register] = 0;
      }
    }
    out.range(bitsAsBytes, 0, bitBytes);
    out.range(ranksOfBits, 0, n);
    out.byte(tagSparse);
  }
  bits.fill(0);
}

/** Each register to the larger of both, four at once: sketches of one merchant are mostly equal. */
function raiseWords(mine: Uint32Array, theirs: Uint32Array): void {
  for (let i = 0; i < mine.length; i++) {
    const a = mine[i]!;
    const b = theirs[i]!;
    if (a === b) continue;
    // Registers are below 128: the high bit of each byte is free to tell that `a` is at least `b` there.
    const larger = ((((a | 0x8080_8080) - b) & 0x8080_8080) >>> 7) * 0xff;
    mine[i] = (a & larger) | (b & ~larger);
  }
}

/** One place for the registers that are worked on: what a driver cut from a larger buffer begins anywhere, and would have to be copied. */
const aligned = new Uint8Array(registers);
const pairs = new Uint16Array(aligned.buffer);
const fours = new Uint32Array(aligned.buffer);

/** The registers of a dense sketch as words of four, valid until the next call. */
function alignRegisters(sketch: Uint8Array): Uint32Array {
  aligned.set(sketch.length === registers ? sketch : sketch.subarray(0, registers));
  return fours;
}

const hashBits = 64 - precision;
/** A register holds at most this: one more than the bits that are left of a hash. */
const ranks = hashBits + 2;
/** Registers that lie together, two at a time: half as many steps as one by one. In turn, since adding to one place again waits. */
const even = new Uint32Array(ranks << 8);
const odd = new Uint32Array(ranks << 8);

function histogramOf(sketch: Uint8Array): Uint32Array {
  alignRegisters(sketch);
  for (let i = 0; i < pairs.length; i += 2) {
    even[pairs[i]!]!++;
    odd[pairs[i + 1]!]!++;
  }
  const histogram = new Uint32Array(ranks);
  for (let a = 0; a < ranks; a++) {
    for (let b = 0; b < ranks; b++) {
      const pair = (a << 8) | b;
      const count = even[pair]! + odd[pair]!;
      if (count === 0) continue;
      histogram[a]! += count;
      histogram[b]! += count;
      even[pair] = odd[pair] = 0;
    }
  }
  return histogram;
}

function histogramOfSparse(sketch: Uint8Array): Uint32Array {
  const histogram = new Uint32Array(ranks);
  const end = sketch.length - 1;
  histogram[0] = registers - (end - bitBytes);
  for (let i = bitBytes; i < end; i++) histogram[sketch[i]!]!++;
  return histogram;
}

function estimate(histogram: Uint32Array): number {
  let z = registers * tau(1 - histogram[hashBits + 1]! / registers);
  for (let k = hashBits; k >= 1; k--) z = 0.5 * (z + histogram[k]!);
  z += registers * sigma(histogram[0]! / registers);
  return (registers * registers) / (2 * Math.LN2) / z;
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let y = 1;
  let z = x;
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (z === before) return z;
  }
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1;
  let z = 1 - x;
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
    if (z === before) return z / 3;
  }
}
