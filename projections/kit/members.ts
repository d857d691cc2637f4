import { addHashes, exactMax } from './distinct';

/**
 * A set of 64-bit hashes whose members can be taken back: each with how often it was put in less how often it was taken out.
 * A member is who was put in more often. Stored exactly up to `exactMax` hashes ever put in: the hashes in ascending order (8 bytes
 * each, little-endian), their counts (i32 each, zeros included) in the same order, and the tag 2. Beyond, HyperLogLog of all hashes
 * ever put in, as distinct.ts stores it: an estimate that does not shrink. Which of the two depends on what was ever put in and
 * on nothing else, so the bytes are the same however additions were grouped.
 */
export const tagCounted = 2;
const entryBytes = 12;

export const isCounted = (stored: Uint8Array): boolean => stored[stored.length - 1] === tagCounted;

/** Changes to a set: low and high halves of hashes in turn, and by how much each is put in more often. Hashes may repeat. */
export interface MemberChanges {
  readonly lanes: Uint32Array;
  readonly by: Int32Array;
}

/** Hashes that are merged, in halves, with their counts; one set after the other. */
let los = new Uint32Array(1_024);
let his = new Uint32Array(1_024);
let counts = new Int32Array(1_024);
let size = 0;
/** Places of changes, in ascending order of their hashes. */
let order = new Uint32Array(256);

/** The stored form with changes folded in. */
export function addMembers(stored: Uint8Array | undefined, { lanes, by }: MemberChanges): Uint8Array {
  if (stored !== undefined && !isCounted(stored)) return addHashes(stored, lanes.slice());
  const before = stored === undefined ? 0 : sizeOf(stored);
  const view = stored && new DataView(stored.buffer, stored.byteOffset, stored.length);
  makeRoom(before + by.length);
  sortChanges(lanes, by.length);
  size = 0;
  let i = 0;
  let j = 0;
  while (i < before || j < by.length) {
    const k = order[j]!;
    const lo = i < before ? view!.getUint32(8 * i, true) : 0;
    const hi = i < before ? view!.getUint32(8 * i + 4, true) : 0;
    const isStored = j >= by.length || (i < before && (hi < lanes[2 * k + 1]! || (hi === lanes[2 * k + 1] && lo <= lanes[2 * k]!)));
    if (isStored) put(lo, hi, view!.getInt32(8 * before + 4 * i++, true));
    else {
      put(lanes[2 * k]!, lanes[2 * k + 1]!, by[k]!);
      j++;
    }
  }
  return size > exactMax ? addHashes(undefined, merged()) : encode();
}

function put(lo: number, hi: number, count: number): void {
  const last = size - 1;
  if (last >= 0 && los[last] === lo && his[last] === hi) {
    counts[last]! += count;
    return;
  }
  los[size] = lo;
  his[size] = hi;
  counts[size++] = count;
}

function merged(): Uint32Array {
  const lanes = new Uint32Array(size * 2);
  for (let i = 0; i < size; i++) {
    lanes[2 * i] = los[i]!;
    lanes[2 * i + 1] = his[i]!;
  }
  return lanes;
}

/** Mostly a handful: those are put in place one by one. */
const fewMax = 24;

function sortChanges(lanes: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) order[i] = i;
  if (count > fewMax) {
    order.subarray(0, count).sort((a, b) => lanes[2 * a + 1]! - lanes[2 * b + 1]! || lanes[2 * a]! - lanes[2 * b]!);
    return;
  }
  for (let i = 1; i < count; i++) {
    const hi = lanes[2 * i + 1]!;
    const lo = lanes[2 * i]!;
    let at = i;
    for (; at > 0; at--) {
      const other = order[at - 1]!;
      const otherHi = lanes[2 * other + 1]!;
      if (otherHi < hi || (otherHi === hi && lanes[2 * other]! <= lo)) break;
      order[at] = other;
    }
    order[at] = i;
  }
}

function makeRoom(count: number): void {
  if (count > order.length) order = new Uint32Array(count * 2);
  if (count <= los.length) return;
  los = new Uint32Array(count * 2);
  his = new Uint32Array(count * 2);
  counts = new Int32Array(count * 2);
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

function encode(): Uint8Array {
  const bytes = new Uint8Array(size * entryBytes + 1);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < size; i++) {
    view.setUint32(8 * i, los[i]!, true);
    view.setUint32(8 * i + 4, his[i]!, true);
    view.setInt32(8 * size + 4 * i, counts[i]!, true);
  }
  bytes[bytes.length - 1] = tagCounted;
  return bytes;
}
