import { alignRegisters, countDistinct, estimateDistinct, isSketch, lanesOf, raise, registers } from './distinct';
import { isCounted, membersOf } from './members';
import { PairIndex } from './pair-index';

/**
 * Distinct hashes an answer keeps exactly while it merges documents: more than a document may hold, since an answer is
 * forgotten again. Beyond it the union becomes HyperLogLog, as does any union with a document that already is.
 */
export const exactUnionMax = 16_384;

/**
 * The union of many stored sets, for one answer. Merges in place: a set alone is only remembered, the second one is what costs.
 * The result is a function of the sets, whatever their order.
 */
export class DistinctUnion {
  private single: Uint8Array | undefined;
  private hashes: PairIndex | undefined;
  private sketch: Uint8Array | undefined;

  add(stored: Uint8Array): void {
    if (this.single === undefined && this.hashes === undefined && this.sketch === undefined) {
      this.single = stored;
      return;
    }
    if (this.single !== undefined) {
      const first = this.single;
      this.single = undefined;
      this.merge(first);
    }
    this.merge(stored);
  }

  count(): { count: number; exact: boolean } {
    if (this.single !== undefined) {
      if (isCounted(this.single)) return { count: membersOf(this.single).length / 2, exact: true };
      return countDistinct(this.single);
    }
    if (this.sketch !== undefined) return { count: estimateDistinct(this.sketch), exact: false };
    return { count: this.hashes?.size ?? 0, exact: true };
  }

  private merge(stored: Uint8Array): void {
    if (isSketch(stored)) {
      raiseAll(new Uint32Array(this.toSketch().buffer), alignRegisters(stored));
      return;
    }
    const lanes = isCounted(stored) ? membersOf(stored) : lanesOf(stored);
    for (let i = 0; i < lanes.length; i += 2) {
      if (this.sketch !== undefined) raise(this.sketch, lanes[i + 1]!, lanes[i]!);
      else this.keep(lanes[i + 1]!, lanes[i]!);
    }
  }

  private keep(hi: number, lo: number): void {
    this.hashes ??= new PairIndex(256);
    this.hashes.intern(hi, lo);
    if (this.hashes.size > exactUnionMax) this.toSketch();
  }

  private toSketch(): Uint8Array {
    if (this.sketch !== undefined) return this.sketch;
    const sketch = new Uint8Array(registers);
    if (this.hashes !== undefined) {
      for (let i = 0; i < this.hashes.size; i++) raise(sketch, this.hashes.firsts[i]!, this.hashes.seconds[i]!);
      this.hashes = undefined;
    }
    return (this.sketch = sketch);
  }
}

/** Each register to the larger of both, four at once: sketches of one merchant are mostly equal. */
function raiseAll(mine: Uint32Array, theirs: Uint32Array): void {
  for (let i = 0; i < mine.length; i++) {
    const a = mine[i]!;
    const b = theirs[i]!;
    if (a === b) continue;
    // Registers are below 128: the high bit of each byte is free to tell that `a` is at least `b` there.
    const larger = ((((a | 0x8080_8080) - b) & 0x8080_8080) >>> 7) * 0xff;
    mine[i] = (a & larger) | (b & ~larger);
  }
}
