/** 10 bits a key and 4 probes: about one in eighty of the other keys is asked for in vain. */
const bitsPerFilter = 1 << 20;
const keysPerFilter = 100_000;
const filtersMax = 8;
const probes = 4;

/**
 * Which records are documents in the store: Bloom filters of every key that ever left memory, so that a visitor never seen
 * before is nearly always known to be new without asking. Keys are hashes, so their own bits serve as the filters' hashes.
 */
export class ColdKeys {
  private readonly filters: Uint32Array[] = [];
  private inLast = keysPerFilter;
  private isComplete = true;
  private holdsAny = false;

  get any(): boolean {
    return this.holdsAny;
  }

  get bytes(): number {
    return this.filters.length * (bitsPerFilter / 8);
  }

  /** There are documents whose keys are not known here: any key may be among them. */
  beginUnknown(): void {
    this.holdsAny = true;
    this.forget();
  }

  add(hi: number, lo: number): void {
    this.holdsAny = true;
    if (!this.isComplete) return;
    if (this.inLast === keysPerFilter) {
      if (this.filters.length === filtersMax) return this.forget();
      this.filters.push(new Uint32Array(bitsPerFilter / 32));
      this.inLast = 0;
    }
    this.inLast++;
    const filter = this.filters.at(-1)!;
    for (let i = 0; i < probes; i++) {
      const bit = bitOf(hi, lo, i);
      filter[bit >>> 5]! |= 1 << (bit & 31);
    }
  }

  /** False is certain. */
  mayHold(hi: number, lo: number): boolean {
    if (!this.holdsAny) return false;
    if (!this.isComplete) return true;
    for (let f = 0; f < this.filters.length; f++) if (holds(this.filters[f]!, hi, lo)) return true;
    return false;
  }

  private forget(): void {
    this.isComplete = false;
    this.filters.length = 0;
  }
}

function holds(filter: Uint32Array, hi: number, lo: number): boolean {
  for (let i = 0; i < probes; i++) {
    const bit = bitOf(hi, lo, i);
    if ((filter[bit >>> 5]! & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

/** Double hashing (Kirsch and Mitzenmacher): probe i looks at hi + i × lo. */
function bitOf(hi: number, lo: number, i: number): number {
  return ((hi + Math.imul(i, lo | 1)) >>> 7) & (bitsPerFilter - 1);
}
