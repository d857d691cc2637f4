/**
 * A mergeable count of distinct 64-bit hashes: the exact set up to `exactMax`, beyond that HyperLogLog.
 * The stored bytes are a function of the set alone, whatever the order or grouping of additions and merges:
 * tag 0 and the hashes in ascending order (8 bytes each, big-endian), or tag 1 and one register a byte.
 *
 * HyperLogLog: Flajolet et al. 2007; estimator: Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017, section 2.
 */
export const exactMax = 512;
export const precision = 14;
/** Standard error of the estimate: 1.04 / sqrt(2^precision), about 0.81 %. */
export const relativeError = 1.04 / Math.sqrt(1 << precision);

const registers = 1 << precision;
const tagExact = 0;
const tagSketch = 1;

/** Hashes as two lanes of unsigned 32-bit integers, in any order, repetitions allowed. */
export interface Hashes {
  readonly hi: ArrayLike<number>;
  readonly lo: ArrayLike<number>;
  readonly length: number;
}

/** The stored form of `stored` with the hashes added. */
export function addHashes(stored: Uint8Array | undefined, hashes: Hashes): Uint8Array {
  if (stored?.[0] === tagSketch) {
    const sketch = stored.slice();
    for (let i = 0; i < hashes.length; i++) raise(sketch, hashes.hi[i]!, hashes.lo[i]!);
    return sketch;
  }
  return fromSorted(union(stored, sorted(hashes)));
}

/** The union of two stored forms. */
export function mergeDistinct(a: Uint8Array | undefined, b: Uint8Array): Uint8Array {
  if (a === undefined) return b;
  if (a[0] === tagSketch && b[0] === tagSketch) {
    const merged = a.slice();
    for (let i = 1; i <= registers; i++) if (b[i]! > merged[i]!) merged[i] = b[i]!;
    return merged;
  }
  return a[0] === tagSketch ? addHashes(a, readExact(b)) : addHashes(b, readExact(a));
}

/** How many distinct hashes a stored form holds; `exact` says whether that is a count or an estimate. */
export function countDistinct(stored: Uint8Array | undefined): { count: number; exact: boolean } {
  if (stored === undefined) return { count: 0, exact: true };
  if (stored[0] === tagExact) return { count: (stored.length - 1) / 8, exact: true };
  return { count: estimateDistinct(stored), exact: false };
}

export const isSketch = (stored: Uint8Array): boolean => stored[0] === tagSketch;

/** Length of a stored sketch: its tag and a byte a register. */
export const sketchBytes = 1 + registers;

/** The estimate of a sketch, whose tag may be missing. */
export const estimateDistinct = (sketch: Uint8Array): number => Math.round(estimate(sketch));

function readExact(stored: Uint8Array): Hashes {
  const length = (stored.length - 1) / 8;
  const view = new DataView(stored.buffer, stored.byteOffset + 1);
  const hi = new Uint32Array(length);
  const lo = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    hi[i] = view.getUint32(i * 8);
    lo[i] = view.getUint32(i * 8 + 4);
  }
  return { hi, lo, length };
}

/** Ascending, each hash once. */
function sorted(hashes: Hashes): Hashes {
  const order = Array.from({ length: hashes.length }, (_, i) => i);
  order.sort((a, b) => hashes.hi[a]! - hashes.hi[b]! || hashes.lo[a]! - hashes.lo[b]!);
  const hi: number[] = [];
  const lo: number[] = [];
  for (const i of order) {
    const last = hi.length - 1;
    if (last >= 0 && hi[last] === hashes.hi[i] && lo[last] === hashes.lo[i]) continue;
    hi.push(hashes.hi[i]!);
    lo.push(hashes.lo[i]!);
  }
  return { hi, lo, length: hi.length };
}

function union(stored: Uint8Array | undefined, added: Hashes): Hashes {
  if (stored === undefined) return added;
  const old = readExact(stored);
  const hi: number[] = [];
  const lo: number[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < added.length) {
    const order = i >= old.length ? 1 : j >= added.length ? -1 : old.hi[i]! - added.hi[j]! || old.lo[i]! - added.lo[j]!;
    const from = order <= 0 ? old : added;
    const at = order <= 0 ? i : j;
    hi.push(from.hi[at]!);
    lo.push(from.lo[at]!);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return { hi, lo, length: hi.length };
}

function fromSorted(hashes: Hashes): Uint8Array {
  if (hashes.length > exactMax) {
    const sketch = new Uint8Array(1 + registers);
    sketch[0] = tagSketch;
    for (let i = 0; i < hashes.length; i++) raise(sketch, hashes.hi[i]!, hashes.lo[i]!);
    return sketch;
  }
  const bytes = new Uint8Array(1 + hashes.length * 8);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < hashes.length; i++) {
    view.setUint32(1 + i * 8, hashes.hi[i]!);
    view.setUint32(5 + i * 8, hashes.lo[i]!);
  }
  return bytes;
}

/** Adds one hash: the first `precision` bits choose the register, the leading zeros of the rest are its candidate. */
export function raise(sketch: Uint8Array, hi: number, lo: number): void {
  const register = hi >>> (32 - precision);
  const rest = (hi << precision) >>> 0;
  const inHi = 32 - precision;
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : inHi + Math.clz32(lo) + 1;
  if (rank > sketch[1 + register]!) sketch[1 + register] = rank;
}

function estimate(sketch: Uint8Array): number {
  const bits = 64 - precision;
  const histogram = new Float64Array(bits + 2);
  for (let i = 1; i <= registers; i++) histogram[sketch[i]!]!++;
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
