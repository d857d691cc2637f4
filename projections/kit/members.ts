import type { BsonWriter } from './bson';
import { areAscending, exactMax, writeHashes } from './distinct';
import { writeSketch } from './sketch';

/**
 * A set of 64-bit hashes whose members can be taken back: each with how often it was put in less how often it was taken out.
 * A member is who was put in more often. Stored exactly up to `exactMax` hashes ever put in: the hashes in ascending order (8 bytes
 * each, little-endian), their counts (i32 each, zeros included) in the same order, and the tag 2. Beyond, HyperLogLog of all hashes
 * ever put in, as sketch.ts stores it: an estimate that does not shrink. Which of the two depends on what was ever put in and
 * on nothing else, so the bytes are the same however additions were grouped.
 */
export const tagCounted = 2;
const entryBytes = 12;

export const isCounted = (stored: Uint8Array): boolean => stored[stored.length - 1] === tagCounted;

/** Changes to a set: low and high halves of hashes in turn, and by how much each is put in more often. Hashes may repeat. */
export interface MemberChanges {
  readonly lanes: Uint32Array;
  readonly by: Int32Array;
  /** How many; there may be room behind them. */
  readonly length: number;
}

/** What is merged: low and high halves of hashes in turn, and their counts. */
let hashes = new Uint32Array(2_048);
let hashBytes = new Uint8Array(hashes.buffer);
let counts = new Int32Array(1_024);
let countBytes = new Uint8Array(counts.buffer);
let size = 0;
/** Places of changes, in ascending order of their hashes. */
let order = new Uint32Array(256);

/** A stored set where its numbers are aligned. */
const storedBytes = new Uint8Array(exactMax * entryBytes + 4);
const storedLanes = new Uint32Array(storedBytes.buffer);
const storedCounts = new Int32Array(storedBytes.buffer);

/** Writes the stored form of a set with changes folded in. @param stored the set, from..to; nothing is stored where these are equal */
export function writeMembers(out: BsonWriter, stored: Uint8Array, from: number, to: number, { lanes, by, length }: MemberChanges): void {
  if (to > from && stored[to - 1] !== tagCounted) {
    writeHashes(out, stored, from, to, lanes, length * 2);
    return;
  }
  const before = to === from ? 0 : (to - from - 1) / entryBytes;
  if (to > from) storedBytes.set(stored.subarray(from, to));
  makeRoom(before + length);
  sortChanges(lanes, length);
  size = 0;
  let i = 0;
  let j = 0;
  while (i < before || j < length) {
    const k = order[j]!;
    const lo = storedLanes[2 * i]!;
    const hi = storedLanes[2 * i + 1]!;
    const isStored = j >= length || (i < before && (hi < lanes[2 * k + 1]! || (hi === lanes[2 * k + 1] && lo <= lanes[2 * k]!)));
    if (isStored) put(lo, hi, storedCounts[2 * before + i++]!);
    else {
      put(lanes[2 * k]!, lanes[2 * k + 1]!, by[k]!);
      j++;
    }
  }
  if (size > exactMax) {
    writeSketch(out, hashes, size * 2);
    return;
  }
  out.range(hashBytes, 0, size * 8);
  out.range(countBytes, 0, size * 4);
  out.byte(tagCounted);
}

function put(lo: number, hi: number, count: number): void {
  const last = size - 1;
  if (last >= 0 && hashes[2 * last] === lo && hashes[2 * last + 1] === hi) {
    counts[last]! += count;
    return;
  }
  hashes[2 * size] = lo;
  hashes[2 * size + 1] = hi;
  counts[size++] = count;
}

/** Of Shell's sort, by Ciura up to 701: most sets change by a handful, some by thousands. */
const gaps = [19_930, 8_858, 3_937, 1_750, 701, 301, 132, 57, 23, 10, 4, 1];

function sortChanges(lanes: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) order[i] = i;
  if (areAscending(lanes, count * 2)) return;
  for (let g = 0; g < gaps.length; g++) {
    const gap = gaps[g]!;
    for (let i = gap; i < count; i++) {
      const moved = order[i]!;
      const hi = lanes[2 * moved + 1]!;
      const lo = lanes[2 * moved]!;
      let at = i;
      for (; at >= gap; at -= gap) {
        const other = order[at - gap]!;
        const otherHi = lanes[2 * other + 1]!;
        if (otherHi < hi || (otherHi === hi && lanes[2 * other]! <= lo)) break;
        order[at] = other;
      }
      order[at] = moved;
    }
  }
}

function makeRoom(count: number): void {
  if (count > order.length) order = new Uint32Array(count * 2);
  if (count <= counts.length) return;
  hashes = new Uint32Array(count * 4);
  hashBytes = new Uint8Array(hashes.buffer);
  counts = new Int32Array(count * 2);
  countBytes = new Uint8Array(counts.buffer);
}

/** The members of a counted set: low and high halves in turn, ascending. */
export function membersOf(stored: Uint8Array): Uint32Array {
  const size = sizeOf(stored);
  const view = new DataView(stored.buffer, stored.byteOffset, stored.length);
  const lanes = new Uint32Array(size * 2);
  let n = 0;
  for (let i = 0; i < size; i++) {
    if (view.getInt32(8 * size + 4 * i, true) <= 0) continue;
    lanes[n++] = view.getUint32(8 * i, true);
    lanes[n++] = view.getUint32(8 * i + 4, true);
  }
  return lanes.subarray(0, n);
}

const sizeOf = (stored: Uint8Array): number => (stored.length - 1) / entryBytes;
