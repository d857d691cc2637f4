/** Segments grow one at a time, so that no single growth stops the process for longer than a few milliseconds. */
const segments = 64;
const firstCapacity = 16;
const growth = 1.6;
const loadMax = 0.8;
const perUnit = 2 ** -32;

/** A set of 64-bit values in open-addressed typed arrays: 10 to 15 bytes an entry, nothing for the garbage collector to follow. */
export class IdSet {
  /** Pairs (hi, lo); (0, 0) is an empty place. */
  private readonly tables = Array.from({ length: segments }, () => new Uint32Array(2 * firstCapacity));
  private readonly sizes = new Uint32Array(segments);
  /** Of each segment, the size at which it grows. */
  private readonly sizesMax = new Uint32Array(segments).fill(firstCapacity * loadMax);
  /** Written so that touching has a result, which no compiler may leave out. */
  private touched = 0;

  get size(): number {
    let size = 0;
    for (const one of this.sizes) size += one;
    return size;
  }

  get bytes(): number {
    let bytes = 0;
    for (const table of this.tables) bytes += table.byteLength;
    return bytes;
  }

  /**
   * Looks at where the first `count` ids are or would be. Nothing depends on what is found, so the processor fetches many of these
   * places from memory at a time; asking for the ids afterwards, where each answer decides what is done next, finds them at hand.
   */
  touch(hi: Uint32Array, lo: Uint32Array, count: number): void {
    const { tables } = this;
    let seen = 0;
    for (let i = 0; i < count; i++) {
      const table = tables[hi[i]! & (segments - 1)]!;
      seen ^= table[firstPlace(lo[i]!, table)]!;
    }
    this.touched = seen;
  }

  has(hi: number, lo: number): boolean {
    if ((hi | lo) === 0) lo = 1;
    const table = this.tables[hi & (segments - 1)]!;
    let at = firstPlace(lo, table);
    for (;;) {
      const foundHi = table[at]!;
      const foundLo = table[at + 1]!;
      if (foundHi === hi && foundLo === lo) return true;
      if ((foundHi | foundLo) === 0) return false;
      at += 2;
      if (at === table.length) at = 0;
    }
  }

  /** False: it was there already. */
  add(hi: number, lo: number): boolean {
    if ((hi | lo) === 0) lo = 1;
    const segment = hi & (segments - 1);
    if (this.sizes[segment]! >= this.sizesMax[segment]!) this.grow(segment);
    const table = this.tables[segment]!;
    let at = firstPlace(lo, table);
    for (;;) {
      const foundHi = table[at]!;
      const foundLo = table[at + 1]!;
      if ((foundHi | foundLo) === 0) {
        table[at] = hi;
        table[at + 1] = lo;
        this.sizes[segment]!++;
        return true;
      }
      if (foundHi === hi && foundLo === lo) return false;
      at += 2;
      if (at === table.length) at = 0;
    }
  }

  private grow(segment: number): void {
    const smaller = this.tables[segment]!;
    const capacity = Math.ceil((smaller.length >>> 1) * growth);
    const table = new Uint32Array(2 * capacity);
    for (let i = 0; i < smaller.length; i += 2) {
      const hi = smaller[i]!;
      const lo = smaller[i + 1]!;
      if ((hi | lo) === 0) continue;
      let at = firstPlace(lo, table);
      while ((table[at]! | table[at + 1]!) !== 0) {
        at += 2;
        if (at === table.length) at = 0;
      }
      table[at] = hi;
      table[at + 1] = lo;
    }
    this.tables[segment] = table;
    this.sizesMax[segment] = Math.floor(capacity * loadMax);
  }
}

/** Ids in order of their low half lie in this order, so growing reads and writes memory from front to back. */
const firstPlace = (lo: number, table: Uint32Array): number => Math.floor(lo * perUnit * (table.length >>> 1)) * 2;
