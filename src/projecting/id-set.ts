/** Segments grow one at a time, so that no single growth stops the process for longer than a few milliseconds. */
const segments = 64;
const firstCapacity = 16;
const growth = 1.6;
const loadMax = 0.8;

/** A set of 64-bit values in open-addressed typed arrays: 10 to 15 bytes an entry, nothing for the garbage collector to follow. */
export class IdSet {
  /** Pairs (hi, lo); (0, 0) is an empty place. */
  private readonly tables: (Uint32Array | undefined)[] = Array.from({ length: segments });
  private readonly sizes = new Uint32Array(segments);

  get size(): number {
    let size = 0;
    for (const one of this.sizes) size += one;
    return size;
  }

  get bytes(): number {
    let bytes = 0;
    for (const table of this.tables) bytes += table?.byteLength ?? 0;
    return bytes;
  }

  has(hi: number, lo: number): boolean {
    if ((hi | lo) === 0) lo = 1;
    const table = this.tables[hi & (segments - 1)];
    if (table === undefined) return false;
    const capacity = table.length >>> 1;
    let at = Math.floor((lo / 0x1_0000_0000) * capacity);
    for (;;) {
      const foundHi = table[2 * at]!;
      const foundLo = table[2 * at + 1]!;
      if (foundHi === hi && foundLo === lo) return true;
      if ((foundHi | foundLo) === 0) return false;
      if (++at === capacity) at = 0;
    }
  }

  /** False: it was there already. */
  add(hi: number, lo: number): boolean {
    if ((hi | lo) === 0) lo = 1;
    const segment = hi & (segments - 1);
    let table = (this.tables[segment] ??= new Uint32Array(2 * firstCapacity));
    if (this.sizes[segment]! >= (table.length >>> 1) * loadMax) table = this.grow(segment, table);
    if (!place(table, hi, lo)) return false;
    this.sizes[segment]!++;
    return true;
  }

  private grow(segment: number, table: Uint32Array): Uint32Array {
    const larger = new Uint32Array(2 * Math.ceil((table.length >>> 1) * growth));
    for (let i = 0; i < table.length; i += 2) {
      if ((table[i]! | table[i + 1]!) !== 0) place(larger, table[i]!, table[i + 1]!);
    }
    return (this.tables[segment] = larger);
  }
}

function place(table: Uint32Array, hi: number, lo: number): boolean {
  const capacity = table.length >>> 1;
  let at = Math.floor((lo / 0x1_0000_0000) * capacity);
  for (;;) {
    const foundHi = table[2 * at]!;
    const foundLo = table[2 * at + 1]!;
    if (foundHi === hi && foundLo === lo) return false;
    if ((foundHi | foundLo) === 0) {
      table[2 * at] = hi;
      table[2 * at + 1] = lo;
      return true;
    }
    if (++at === capacity) at = 0;
  }
}
