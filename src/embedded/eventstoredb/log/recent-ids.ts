/**
 * The newest record ids with the stream and revision they were stored at, in 28 bytes a record plus 8 of hash table: a ring
 * of typed arrays and an open-addressing table over it. When the ring is full the oldest id is forgotten, as the server does.
 */
export class RecentIds {
  private capacity: number;
  private words: Uint32Array;
  private streams: Uint32Array;
  private revisions: Float64Array;
  /** Ring index + 1; 0 is free. */
  private table: Uint32Array;
  private mask: number;
  private next = 0;
  private size = 0;

  constructor(private readonly capacityMax: number) {
    this.capacity = Math.min(1024, capacityMax);
    this.words = new Uint32Array(this.capacity * 4);
    this.streams = new Uint32Array(this.capacity);
    this.revisions = new Float64Array(this.capacity);
    this.table = new Uint32Array(tableSize(this.capacity));
    this.mask = this.table.length - 1;
  }

  /** Remembers `id` (16 bytes at `offset`); the newest place of an id wins. */
  add(id: Buffer, offset: number, stream: number, revision: number): void {
    if (this.size === this.capacity && this.capacity < this.capacityMax) this.grow();
    const at = this.next;
    if (this.size === this.capacity) this.forget(at);
    else this.size++;
    this.next = at + 1 === this.capacity ? 0 : at + 1;
    const w = at * 4;
    this.words[w] = id.readUInt32LE(offset);
    this.words[w + 1] = id.readUInt32LE(offset + 4);
    this.words[w + 2] = id.readUInt32LE(offset + 8);
    this.words[w + 3] = id.readUInt32LE(offset + 12);
    this.streams[at] = stream;
    this.revisions[at] = revision;
    this.place(at);
  }

  /** The revision `id` was stored at in `stream`, or undefined when it is not known there. */
  revision(id: Buffer, stream: number): number | undefined {
    const a = id.readUInt32LE(0);
    const b = id.readUInt32LE(4);
    const c = id.readUInt32LE(8);
    const d = id.readUInt32LE(12);
    const { table, words, mask } = this;
    for (let slot = hash(a, b, c, d) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const at = table[slot]! - 1;
      const w = at * 4;
      if (words[w] === a && words[w + 1] === b && words[w + 2] === c && words[w + 3] === d && this.streams[at] === stream) {
        return this.revisions[at];
      }
    }
    return undefined;
  }

  private place(at: number): void {
    const { table, mask } = this;
    let slot = this.hashOf(at) & mask;
    // An id stored again in the same stream takes the table place of the older one, which the ring then skips.
    while (table[slot] !== 0 && !this.same(table[slot]! - 1, at)) slot = (slot + 1) & mask;
    table[slot] = at + 1;
  }

  private forget(at: number): void {
    const { table, mask } = this;
    let slot = this.hashOf(at) & mask;
    while (table[slot] !== at + 1) {
      if (table[slot] === 0) return;
      slot = (slot + 1) & mask;
    }
    // Backward shift keeps every remaining id reachable from its own hash without tombstones.
    for (let probe = (slot + 1) & mask; table[probe] !== 0; probe = (probe + 1) & mask) {
      const home = this.hashOf(table[probe]! - 1) & mask;
      if (((probe - home) & mask) >= ((probe - slot) & mask)) {
        table[slot] = table[probe]!;
        slot = probe;
      }
    }
    table[slot] = 0;
  }

  private grow(): void {
    const capacity = Math.min(this.capacity * 4, this.capacityMax);
    this.words = copied(new Uint32Array(capacity * 4), this.words);
    this.streams = copied(new Uint32Array(capacity), this.streams);
    this.revisions = copied(new Float64Array(capacity), this.revisions);
    this.next = this.capacity;
    this.capacity = capacity;
    this.table = new Uint32Array(tableSize(capacity));
    this.mask = this.table.length - 1;
    for (let at = 0; at < this.size; at++) this.place(at);
  }

  private hashOf(at: number): number {
    const w = at * 4;
    return hash(this.words[w]!, this.words[w + 1]!, this.words[w + 2]!, this.words[w + 3]!);
  }

  private same(a: number, b: number): boolean {
    for (let i = 0; i < 4; i++) if (this.words[a * 4 + i] !== this.words[b * 4 + i]) return false;
    return this.streams[a] === this.streams[b];
  }
}

const tableSize = (capacity: number): number => 2 ** Math.ceil(Math.log2(capacity * 2));

function hash(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ (c >>> 7), 0x9e3779b1) ^ Math.imul(b ^ d, 0x85ebca6b);
  h ^= h >>> 15;
  return Math.imul(h, 0xc2b2ae35) ^ (h >>> 13);
}

function copied<A extends Uint32Array | Float64Array>(target: A, source: A): A {
  target.set(source);
  return target;
}
