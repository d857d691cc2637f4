import { grown } from './grown';
import { mixPair } from './pair-index';

const none = -1;

/**
 * A table of pairs of unsigned 32-bit integers that remembers the order of use: each pair has a place (0, 1, 2 …) where the owner
 * keeps what belongs to it, and the least recently used one can be asked to leave. Typed arrays throughout.
 */
export class RecentPairs {
  size = 0;
  /** The two halves of each pair, by place. */
  firsts: Uint32Array;
  seconds: Uint32Array;
  private older: Int32Array;
  private newer: Int32Array;
  private oldest = none;
  private newest = none;
  /** Slot → place + 1; at most half full. */
  private slots: Int32Array;
  private mask: number;
  private readonly free: number[] = [];

  constructor(capacityExpected = 64) {
    const capacity = Math.max(8, capacityExpected);
    let slots = 16;
    while (slots < capacity * 2) slots *= 2;
    this.slots = new Int32Array(slots);
    this.mask = slots - 1;
    this.firsts = new Uint32Array(capacity);
    this.seconds = new Uint32Array(capacity);
    this.older = new Int32Array(capacity);
    this.newer = new Int32Array(capacity);
  }

  get bytes(): number {
    return this.slots.byteLength + this.firsts.byteLength * 4;
  }

  /** The pair's place, or -1. Does not count as use. */
  find(first: number, second: number): number {
    let slot = mixPair(first, second) & this.mask;
    for (;;) {
      const place = this.slots[slot]! - 1;
      if (place === none) return none;
      if (this.firsts[place] === first && this.seconds[place] === second) return place;
      slot = (slot + 1) & this.mask;
    }
  }

  /** Makes a place the most recently used. */
  touch(place: number): void {
    if (place === this.newest) return;
    this.unlink(place);
    this.link(place);
  }

  /** Gives a pair that is not in the table a place. */
  add(first: number, second: number): number {
    const place = this.free.pop() ?? this.size;
    this.size++;
    if (place === this.firsts.length) this.grow();
    if (this.size * 2 > this.slots.length) this.rehash();
    this.firsts[place] = first;
    this.seconds[place] = second;
    this.occupy(place);
    this.link(place);
    return place;
  }

  remove(place: number): void {
    let hole = this.homeOf(place);
    while (this.slots[hole] !== place + 1) hole = (hole + 1) & this.mask;
    // Linear probing without tombstones: close the gap with every later entry that may stand there.
    for (let slot = (hole + 1) & this.mask; this.slots[slot] !== 0; slot = (slot + 1) & this.mask) {
      const moved = this.slots[slot]! - 1;
      if (((slot - this.homeOf(moved)) & this.mask) >= ((slot - hole) & this.mask)) {
        this.slots[hole] = moved + 1;
        hole = slot;
      }
    }
    this.slots[hole] = 0;
    this.unlink(place);
    this.free.push(place);
    this.size--;
  }

  /** The least recently used place, or -1. */
  get oldestPlace(): number {
    return this.oldest;
  }

  get newestPlace(): number {
    return this.newest;
  }

  /** The place used next after this one, or -1. */
  newerThan(place: number): number {
    return this.newer[place]!;
  }

  /** The place used last before this one, or -1. */
  olderThan(place: number): number {
    return this.older[place]!;
  }

  private homeOf(place: number): number {
    return mixPair(this.firsts[place]!, this.seconds[place]!) & this.mask;
  }

  private occupy(place: number): void {
    let slot = this.homeOf(place);
    while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
    this.slots[slot] = place + 1;
  }

  private grow(): void {
    this.firsts = grown(this.firsts);
    this.seconds = grown(this.seconds);
    this.older = grown(this.older);
    this.newer = grown(this.newer);
  }

  private rehash(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    this.mask = this.slots.length - 1;
    for (let place = this.oldest; place !== none; place = this.newer[place]!) this.occupy(place);
  }

  private link(place: number): void {
    this.older[place] = this.newest;
    this.newer[place] = none;
    if (this.newest !== none) this.newer[this.newest] = place;
    else this.oldest = place;
    this.newest = place;
  }

  private unlink(place: number): void {
    const older = this.older[place]!;
    const newer = this.newer[place]!;
    if (older !== none) this.newer[older] = newer;
    else this.oldest = newer;
    if (newer !== none) this.older[newer] = older;
    else this.newest = older;
  }
}
