import { mixPair } from './pair-index';

const none = -1;

/**
 * A bounded table of pairs of unsigned 32-bit integers that remembers the order of use: each pair has a place (0 … capacity - 1)
 * where the owner keeps what belongs to it, and the least recently used one gives its place away. Typed arrays throughout.
 */
export class RecentPairs {
  size = 0;
  private readonly firsts: Uint32Array;
  private readonly seconds: Uint32Array;
  private readonly older: Int32Array;
  private readonly newer: Int32Array;
  private oldest = none;
  private newest = none;
  /** Slot → place + 1; at most half full. */
  private readonly slots: Int32Array;
  private readonly mask: number;
  private free: number[] = [];

  constructor(readonly capacity: number) {
    let slots = 16;
    while (slots < capacity * 2) slots *= 2;
    this.slots = new Int32Array(slots);
    this.mask = slots - 1;
    this.firsts = new Uint32Array(capacity);
    this.seconds = new Uint32Array(capacity);
    this.older = new Int32Array(capacity);
    this.newer = new Int32Array(capacity);
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

  /** Gives a pair that is not in the table a place, the least recently used one's when the table is full. */
  add(first: number, second: number): number {
    if (this.size === this.capacity) this.remove(this.oldest);
    const place = this.free.pop() ?? this.size;
    this.size++;
    this.firsts[place] = first;
    this.seconds[place] = second;
    let slot = mixPair(first, second) & this.mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
    this.slots[slot] = place + 1;
    this.link(place);
    return place;
  }

  /** Places from the least to the most recently used. */
  *inOrder(): Generator<number> {
    for (let place = this.oldest; place !== none; place = this.newer[place]!) yield place;
  }

  private remove(place: number): void {
    let hole = mixPair(this.firsts[place]!, this.seconds[place]!) & this.mask;
    while (this.slots[hole] !== place + 1) hole = (hole + 1) & this.mask;
    // Linear probing without tombstones: close the gap with every later entry that may stand there.
    for (let slot = (hole + 1) & this.mask; this.slots[slot] !== 0; slot = (slot + 1) & this.mask) {
      const moved = this.slots[slot]! - 1;
      const home = mixPair(this.firsts[moved]!, this.seconds[moved]!) & this.mask;
      if (((slot - home) & this.mask) >= ((slot - hole) & this.mask)) {
        this.slots[hole] = moved + 1;
        hole = slot;
      }
    }
    this.slots[hole] = 0;
    this.unlink(place);
    this.free.push(place);
    this.size--;
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
