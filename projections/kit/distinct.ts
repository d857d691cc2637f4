import type { BsonWriter } from './bson';

/**
 * A mergeable count of distinct 64-bit hashes: the exact set up to `exactMax`, beyond that HyperLogLog.
 * The stored bytes are a function of the set alone, whatever the order or grouping of additions: the hashes in ascending order
 * (8 bytes each, little-endian) and the tag 0, or one register a byte and the tag 1. The tag comes last to keep the hashes aligned.
 *
 * HyperLogLog: Flajolet et al. 2007; estimator: Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017, section 2.
 */
export const exactMax = 512;
const precision = 14;
/** Standard error of the estimate: 1.04 / sqrt(2^precision), about 0.81 %. */
export const relativeError = 1.04 / Math.sqrt(1 << precision);

/** One byte each. */
export const registers = 1 << precision;
const tagExact = 0;
export const tagSketch = 1;

/**
 * Writes the stored form of a set with hashes added.
 *
 * @param stored the set, from..to; nothing is stored where these are equal
 * @param lanes low and high halves in turn up to `length`, in any order, repetitions allowed, from an offset of its buffer that is a
 *   multiple of 8; sorted in place
 */
export function writeHashes(out: BsonWriter, stored: Uint8Array, from: number, to: number, lanes: Uint32Array, length: number): void {
  if (to > from && stored[to - 1] === tagSketch) {
    const sketch = out.length;
    out.range(stored, from, to);
    for (let i = 0; i < length; i += 2) raise(out.bytes, lanes[i + 1]!, lanes[i]!, sketch);
    return;
  }
  sortHashes(lanes, length);
  writeUnion(out, stored, from, to, lanes, length);
}

/** How many distinct hashes a stored form holds; `exact` says whether that is a count or an estimate. */
export function countDistinct(stored: Uint8Array): { count: number; exact: boolean } {
  if (isSketch(stored)) return { count: estimateDistinct(stored), exact: false };
  return { count: (stored.length - 1) / 8, exact: true };
}

export const isSketch = (stored: Uint8Array): boolean => stored[stored.length - 1] === tagSketch;

/** The stored form of a sketch nothing was added to. */
export function emptySketch(): Uint8Array {
  const sketch = new Uint8Array(registers + 1);
  sketch[registers] = tagSketch;
  return sketch;
}

/** The estimate of a sketch, whose tag may be missing. */
export const estimateDistinct = (sketch: Uint8Array): number => Math.round(estimate(sketch));

/** A stored form without its tag, as words: the low and high halves of hashes in turn, or four registers each. */
export function lanesOf(stored: Uint8Array): Uint32Array {
  // Bytes that a driver cut from a larger buffer need not be aligned: those are copied.
  const bytes = stored.byteOffset % 4 === 0 ? stored : Uint8Array.from(stored);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, (stored.length - 1) / 4);
}

/** One place for the registers that are worked on: what a driver cut from a larger buffer begins anywhere, and would have to be copied. */
const aligned = new Uint8Array(registers);
const pairs = new Uint16Array(aligned.buffer);
const fours = new Uint32Array(aligned.buffer);

/** The registers of a sketch as words of four, valid until the next call. */
export function alignRegisters(sketch: Uint8Array): Uint32Array {
  aligned.set(sketch.length === registers ? sketch : sketch.subarray(0, registers));
  return fours;
}

/** Where a stored set is read, whose bytes a driver may have cut from a larger buffer at any place. */
const storedBytes = new Uint8Array(exactMax * 8 + 8);
const storedLanes = new Uint32Array(storedBytes.buffer);
/** Where unions are made before their size is known. Views are made once: making them costs more than small unions. */
let desk = new Uint32Array(8 * exactMax);
let deskBytes = new Uint8Array(desk.buffer);

/** The stored form of a stored set and an ascending list that may repeat itself. */
function writeUnion(out: BsonWriter, stored: Uint8Array, from: number, to: number, b: Uint32Array, bLength: number): void {
  const a = storedLanes;
  const length = to === from ? 0 : (to - from - 1) / 4;
  if (to > from) storedBytes.set(stored.subarray(from, to));
  if (desk.length < length + bLength) {
    desk = new Uint32Array(2 * (length + bLength));
    deskBytes = new Uint8Array(desk.buffer);
  }
  let n = 0;
  let i = 0;
  let j = 0;
  while (i < length || j < bLength) {
    const fromA = j >= bLength || (i < length && (a[i + 1]! < b[j + 1]! || (a[i + 1] === b[j + 1] && a[i]! <= b[j]!)));
    const lo = fromA ? a[i]! : b[j]!;
    const hi = fromA ? a[i + 1]! : b[j + 1]!;
    if (fromA) i += 2;
    else j += 2;
    if (n > 0 && desk[n - 1] === hi && desk[n - 2] === lo) continue;
    desk[n++] = lo;
    desk[n++] = hi;
  }
  if (n > exactMax * 2) {
    writeSketch(out, desk, n);
    return;
  }
  out.range(deskBytes, 0, n * 4);
  out.byte(tagExact);
}

/** Writes the sketch of hashes: low and high halves in turn, up to `length`. */
export function writeSketch(out: BsonWriter, lanes: Uint32Array, length: number): void {
  const sketch = out.length;
  out.zeros(registers);
  out.byte(tagSketch);
  for (let i = 0; i < length; i += 2) raise(out.bytes, lanes[i + 1]!, lanes[i]!, sketch);
}

/** Up to here one by one is faster than the library, which compares big integers. */
const sortedByHandMax = 32;

/** Whether hashes, low and high halves in turn, are in ascending order. */
export function areAscending(lanes: Uint32Array, length: number): boolean {
  for (let i = 2; i < length; i += 2) {
    const hi = lanes[i + 1]!;
    if (hi < lanes[i - 1]! || (hi === lanes[i - 1] && lanes[i]! < lanes[i - 2]!)) return false;
  }
  return true;
}

/** Sorts hashes, low and high halves in turn, in place. Those of large sets mostly are in order already. */
function sortHashes(lanes: Uint32Array, length: number): void {
  if (areAscending(lanes, length)) return;
  if (length > sortedByHandMax * 2) {
    new BigUint64Array(lanes.buffer, lanes.byteOffset, length / 2).sort();
    return;
  }
  for (let i = 2; i < length; i += 2) {
    const lo = lanes[i]!;
    const hi = lanes[i + 1]!;
    let at = i;
    for (; at > 0 && (lanes[at - 1]! > hi || (lanes[at - 1] === hi && lanes[at - 2]! > lo)); at -= 2) {
      lanes[at] = lanes[at - 2]!;
      lanes[at + 1] = lanes[at - 1]!;
    }
    lanes[at] = lo;
    lanes[at + 1] = hi;
  }
}

/** Adds one hash to a sketch that begins at `at`: the first `precision` bits choose the register, the leading zeros of the rest are its candidate. */
export function raise(sketch: Uint8Array, hi: number, lo: number, at = 0): void {
  const register = at + (hi >>> (32 - precision));
  const rest = (hi << precision) >>> 0;
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : 32 - precision + Math.clz32(lo) + 1;
  if (rank > sketch[register]!) sketch[register] = rank;
}

const bits = 64 - precision;
/** A register holds at most this: one more than the bits that are left of a hash. */
const ranks = bits + 2;
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

function estimate(sketch: Uint8Array): number {
  const histogram = histogramOf(sketch);
  let z = registers * tau(1 - histogram[bits + 1]! / registers);
  for (let k = bits; k >= 1; k--) z = 0.5 * (z + histogram[k]!);
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
