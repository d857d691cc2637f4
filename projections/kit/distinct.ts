import type { BsonWriter } from './bson';
import { estimateDistinct, isSketchTag, writeRaised, writeSketch } from './sketch';

/**
 * A mergeable count of distinct 64-bit hashes: the exact set up to `exactMax`, beyond that HyperLogLog (sketch.ts).
 * The stored bytes are a function of the set alone, whatever the order or grouping of additions: the hashes in ascending order
 * (8 bytes each, little-endian) and the tag 0, or a sketch. The tag comes last to keep the hashes aligned.
 */
export const exactMax = 512;
const tagExact = 0;

/**
 * Writes the stored form of a set with hashes added.
 *
 * @param stored the set, from..to; nothing is stored where these are equal
 * @param lanes low and high halves in turn up to `length`, in any order, repetitions allowed, from an offset of its buffer that is a
 *   multiple of 8; sorted in place
 */
export function writeHashes(out: BsonWriter, stored: Uint8Array, from: number, to: number, lanes: Uint32Array, length: number): void {
  if (to > from && isSketchTag(stored[to - 1]!)) {
    writeRaised(out, stored, from, to, lanes, length);
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

export const isSketch = (stored: Uint8Array): boolean => isSketchTag(stored[stored.length - 1]!);

/** An exact set without its tag, as words: the low and high halves of hashes in turn. Not of a sketch. */
export function lanesOf(stored: Uint8Array): Uint32Array {
  // Bytes that a driver cut from a larger buffer need not be aligned: those are copied.
  const bytes = stored.byteOffset % 4 === 0 ? stored : Uint8Array.from(stored);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, (stored.length - 1) / 4);
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
