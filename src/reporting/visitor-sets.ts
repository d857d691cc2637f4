import { DistinctUnion, exactUnionMax } from '../../projections/kit/distinct-union';
import { grown } from '../../projections/kit/grown';
import { membersOf, tagCounted } from '../../projections/kit/members';
import { emptySketch, isSketchTag, raise } from '../../projections/kit/sketch';
import type { StoredSet } from './stored-bytes';

/** Hashes gathered for one set before it is told how many of them differ. */
const gatheredMax = 2 * exactUnionMax;
const nobody = { count: 0, exact: true };
/** Lanes. Up to here a set is copied by hand. */
const smallLanes = 64;
/** Hashes gathered for all sets together before repetitions are thrown out. */
const tidyAbove = 2 << 20;

/**
 * The sets of visitors of one answer, by number. Stored sets are only gathered, in one place of memory for all of them; how many
 * visitors differ is counted once, at the end. Beyond `exactUnionMax`, or with a sketch among them, a set is estimated: see
 * DistinctUnion, whose results these are.
 */
export class VisitorSets {
  /** Hashes, low and high halves in turn. */
  private lanes = new Uint32Array(4_096);
  private bytes = new Uint8Array(this.lanes.buffer);
  /** Lanes. */
  private used = 0;
  private tidyAboveLanes = 2 * tidyAbove;
  /** What was gathered, part by part: from which lane, how many, and the number of the same set's part before it (0: none). */
  private parts = new Uint32Array(3 * 256);
  private partCount = 0;
  /** By set: the number of its last part, counted from 1; and its lanes so far. */
  private lastPart = new Uint32Array(256);
  private gathered = new Uint32Array(256);
  private readonly estimated = new Map<number, DistinctUnion>();
  /** How many differ, and one more, of a set that stayed as it was since that was counted; 0 for not known. */
  private counted = new Uint32Array(256);

  /** Adds a stored set to one set, and to another where that is given. */
  add(set: number, stored: StoredSet, also: number | undefined): void {
    if (isSketchTag(stored.tag)) {
      this.estimateOf(set).add(stored.view());
      if (also !== undefined) this.estimateOf(also).add(stored.view());
      return;
    }
    const start = this.used;
    const lanes = stored.tag === tagCounted ? this.putMembers(membersOf(stored.view())) : this.put(stored);
    this.link(set, start, lanes);
    if (also !== undefined) this.link(also, start, lanes);
    if (this.used > this.tidyAboveLanes) this.tidy();
  }

  /** `exact: false` means HyperLogLog: see relativeError in sketch.ts. */
  count(set: number): { count: number; exact: boolean } {
    const estimate = this.estimated.get(set);
    if (estimate !== undefined) return estimate.count();
    if (set >= this.counted.length) return nobody;
    if (this.counted[set] === 0) {
      const count = this.differing(set);
      if (count > exactUnionMax) return this.estimateOf(set).count();
      this.counted[set] = count + 1;
    }
    return { count: this.counted[set]! - 1, exact: true };
  }

  private link(set: number, start: number, lanes: number): void {
    const estimate = this.estimated.get(set);
    if (estimate !== undefined) return estimate.add(this.storedForm(start, lanes));
    if (set >= this.lastPart.length) {
      const length = Math.max(set + 1, 2 * this.lastPart.length);
      this.lastPart = grown(this.lastPart, length);
      this.gathered = grown(this.gathered, length);
      this.counted = grown(this.counted, length);
    }
    if (3 * (this.partCount + 1) > this.parts.length) this.parts = grown(this.parts);
    const at = 3 * this.partCount++;
    this.parts[at] = start;
    this.parts[at + 1] = lanes;
    this.parts[at + 2] = this.lastPart[set]!;
    this.lastPart[set] = this.partCount;
    this.gathered[set]! += lanes;
    this.counted[set] = 0;
    if (this.gathered[set]! > 2 * gatheredMax) this.shrink(set);
  }

  private put({ bytes, at, length }: StoredSet): number {
    const lanes = (length - 1) / 4;
    this.reserve(lanes);
    if (lanes > smallLanes) {
      this.bytes.set(bytes.subarray(at, at + length - 1), 4 * this.used);
      this.used += lanes;
      return lanes;
    }
    for (let i = at; i < at + length - 1; i += 4) {
      this.lanes[this.used++] = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    }
    return lanes;
  }

  private putMembers(members: Uint32Array): number {
    this.reserve(members.length);
    this.lanes.set(members, this.used);
    this.used += members.length;
    return members.length;
  }

  private reserve(lanes: number): void {
    if (this.used + lanes <= this.lanes.length) return;
    this.lanes = grown(this.lanes, Math.max(this.used + lanes, 2 * this.lanes.length));
    this.bytes = new Uint8Array(this.lanes.buffer);
  }

  /** One part in place of many, or an estimate where too many differ. */
  private shrink(set: number): void {
    const start = this.used;
    const count = this.differing(set, true);
    if (count > exactUnionMax) {
      this.used = start;
      this.estimateOf(set);
      return;
    }
    this.forget(set);
    this.link(set, start, 2 * count);
  }

  /** Moves every set, without repetitions, to a new place. */
  private tidy(): void {
    const before = { lanes: this.lanes, parts: this.parts, lastPart: this.lastPart };
    const tidied = new VisitorSets();
    for (let set = 0; set < before.lastPart.length; set++) {
      if (before.lastPart[set] === 0) continue;
      const start = this.used;
      const count = this.differing(set, true);
      const from = tidied.used;
      if (count <= exactUnionMax) {
        tidied.putMembers(this.lanes.subarray(start, start + 2 * count));
        tidied.link(set, from, 2 * count);
      }
      this.used = start;
      if (count > exactUnionMax) this.estimateOf(set);
    }
    this.lanes = tidied.lanes;
    this.bytes = tidied.bytes;
    this.used = tidied.used;
    this.parts = tidied.parts;
    this.partCount = tidied.partCount;
    this.lastPart = tidied.lastPart;
    this.gathered = tidied.gathered;
    this.counted = tidied.counted;
    for (const [set, estimate] of tidied.estimated) this.estimated.set(set, estimate);
    this.tidyAboveLanes = Math.max(2 * tidyAbove, 2 * this.used);
  }

  private estimateOf(set: number): DistinctUnion {
    let estimate = this.estimated.get(set);
    if (estimate !== undefined) return estimate;
    const sketch = emptySketch();
    for (let part = this.lastPart[set] ?? 0; part !== 0; part = this.parts[3 * part - 1]!) {
      const start = this.parts[3 * part - 3]!;
      const end = start + this.parts[3 * part - 2]!;
      for (let i = start; i < end; i += 2) raise(sketch, this.lanes[i + 1]!, this.lanes[i]!);
    }
    this.forget(set);
    this.estimated.set(set, (estimate = new DistinctUnion()));
    estimate.add(sketch);
    return estimate;
  }

  private forget(set: number): void {
    if (set >= this.lastPart.length) return;
    this.lastPart[set] = 0;
    this.gathered[set] = 0;
    this.counted[set] = 0;
  }

  private storedForm(start: number, lanes: number): Uint8Array {
    const stored = new Uint8Array(4 * lanes + 1);
    stored.set(this.bytes.subarray(4 * start, 4 * (start + lanes)));
    return stored;
  }

  /**
   * How many hashes of a set differ; no further than to one beyond exactUnionMax.
   * @param keep appends each of them, once, to the lanes in use
   */
  private differing(set: number, keep = false): number {
    const gathered = set < this.gathered.length ? this.gathered[set]! : 0;
    if (gathered === 0) return 0;
    const last = this.lastPart[set]!;
    if (!keep && this.parts[3 * last - 1] === 0) return gathered / 2;
    if (keep) this.reserve(gathered);
    const table = clearedTable(gathered);
    const { slots, mask, stamp } = table;
    const { lanes } = this;
    let count = 0;
    for (let part = last; part !== 0; part = this.parts[3 * part - 1]!) {
      const start = this.parts[3 * part - 3]!;
      const end = start + this.parts[3 * part - 2]!;
      for (let i = start; i < end; i += 2) {
        const lo = lanes[i]!;
        const hi = lanes[i + 1]!;
        // They are hashes: any of their bits are as good as others.
        let at = 3 * (lo & mask);
        while (slots[at] === stamp && (slots[at + 1] !== lo || slots[at + 2] !== hi)) at = at === 3 * mask ? 0 : at + 3;
        if (slots[at] === stamp) continue;
        slots[at] = stamp;
        slots[at + 1] = lo;
        slots[at + 2] = hi;
        if (++count > exactUnionMax) return count;
        if (!keep) continue;
        lanes[this.used++] = lo;
        lanes[this.used++] = hi;
      }
    }
    return count;
  }
}

/** One table for all: triples of the stamp of the count that put them there, low and high half. */
let slots = new Uint32Array(3 * 1_024);
let stamp = 0;

/** At most half full with this many lanes. */
function clearedTable(lanes: number): { slots: Uint32Array; mask: number; stamp: number } {
  let places = 1_024;
  while (places < lanes) places *= 2;
  if (slots.length < 3 * places) slots = new Uint32Array(3 * places);
  if (++stamp > 0xffff_fffe) {
    slots.fill(0);
    stamp = 1;
  }
  return { slots, mask: places - 1, stamp };
}
