import { grown } from './grown';

/** Room made ahead at most. */
const expectedMax = 32_768;

/**
 * Numbers pairs of unsigned 32-bit integers 0, 1, 2 … in order of first appearance: the kit's only hash table.
 * Open addressing over typed arrays, so that interning a bucket, a cell or a visitor allocates nothing per event.
 */
export class PairIndex {
  size = 0;
  firsts: Uint32Array;
  seconds: Uint32Array;
  /** Triples (number + 1, first, second), so that looking a pair up touches one place in memory; number 0 is empty. At most half full. */
  private slots: Uint32Array;
  private mask: number;

  constructor(initialCapacity = 64) {
    const slots = powerOfTwoAtLeast(initialCapacity * 2 + 2);
    this.slots = new Uint32Array(slots * 3);
    this.mask = slots - 1;
    this.firsts = new Uint32Array(initialCapacity);
    this.seconds = new Uint32Array(initialCapacity);
  }

  /** The pair's number; a new pair gets the next one. */
  intern(first: number, second: number): number {
    first >>>= 0;
    second >>>= 0;
    const { slots, mask } = this;
    let at = mixPair(first, second) & mask;
    for (;;) {
      const number = slots[at * 3]!;
      if (number === 0) return this.add(at * 3, first, second);
      if (slots[at * 3 + 1] === first && slots[at * 3 + 2] === second) return number - 1;
      at = (at + 1) & mask;
    }
  }

  /** An empty one with room for what another held, within bounds: the next batch will be like the last. */
  static like(other: PairIndex | undefined): PairIndex {
    return new PairIndex(other === undefined ? undefined : Math.min(Math.max(64, other.size >>> 1), expectedMax));
  }

  get bytes(): number {
    return this.slots.byteLength + this.firsts.byteLength + this.seconds.byteLength;
  }

  private add(slot: number, first: number, second: number): number {
    const added = this.size++;
    if (added === this.firsts.length) {
      this.firsts = grown(this.firsts);
      this.seconds = grown(this.seconds);
    }
    this.firsts[added] = first;
    this.seconds[added] = second;
    this.slots[slot] = added + 1;
    this.slots[slot + 1] = first;
    this.slots[slot + 2] = second;
    if (this.size * 6 > this.slots.length) this.rehash();
    return added;
  }

  private rehash(): void {
    const slots = new Uint32Array(this.slots.length * 2);
    const mask = slots.length / 3 - 1;
    for (let number = 0; number < this.size; number++) {
      let at = mixPair(this.firsts[number]!, this.seconds[number]!) & mask;
      while (slots[at * 3] !== 0) at = (at + 1) & mask;
      slots[at * 3] = number + 1;
      slots[at * 3 + 1] = this.firsts[number]!;
      slots[at * 3 + 2] = this.seconds[number]!;
    }
    this.slots = slots;
    this.mask = mask;
  }
}

/** Numbers that fit behind 32 bits into a double. */
const numbersMax = 2 ** 20;

/** By number: the pair's place among all in ascending order, where there are no more than a million; else in no order at all. */
export function ranksOf({ size, firsts, seconds }: PairIndex): Uint32Array {
  const ranks = new Uint32Array(size);
  if (size > numbersMax) return ranks.map((_, number) => number);
  const keys = new Float64Array(size);
  for (let number = 0; number < size; number++) keys[number] = firsts[number]! * numbersMax + number;
  keys.sort();
  const order = Uint32Array.from(keys, (key) => key % numbersMax);
  // Those with equal firsts, which are few, lie together.
  for (let i = 1; i < size; i++) {
    const number = order[i]!;
    let at = i;
    for (; at > 0 && firsts[order[at - 1]!] === firsts[number] && seconds[order[at - 1]!]! > seconds[number]!; at--)
      order[at] = order[at - 1]!;
    order[at] = number;
  }
  for (let i = 0; i < size; i++) ranks[order[i]!] = i;
  return ranks;
}

export function mixPair(first: number, second: number): number {
  let h = Math.imul(first ^ (second >>> 15), 0x85ebca6b) ^ Math.imul(second, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f);
  return (h ^ (h >>> 16)) >>> 0;
}

function powerOfTwoAtLeast(n: number): number {
  let power = 16;
  while (power < n) power *= 2;
  return power;
}
