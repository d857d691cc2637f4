import { countDistinct, isSketch, lanesOf } from './distinct';
import { isCounted, membersOf } from './members';
import { PairIndex } from './pair-index';
import { estimateDistinct, raise, raiseAll, registers } from './sketch';

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
      raiseAll(this.toSketch(), stored);
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
