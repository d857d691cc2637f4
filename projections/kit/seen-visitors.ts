import { PairIndex } from './pair-index';

/** Visitors by cell: those of cell c are `visitors[starts[c]]` up to `visitors[starts[c + 1]]`. */
export interface Seen {
  readonly starts: Uint32Array;
  readonly visitors: Uint32Array;
  /** Beside `visitors`, for sets whose members may be taken back: how often each was put in less how often it was taken out. */
  readonly by: Int32Array | undefined;
}

/**
 * The visitors seen in each cell of a family, for one distinct measure. A visitor of a bucket mostly has one value of a dimension: its
 * first cell is remembered by the *presence* (bucket, visitor), one array access an event, and only further ones in a hash table.
 */
export class SeenVisitors {
  /** By presence: the first cell, plus one. */
  private first = new Uint32Array(0);
  /** (cell, visitor) */
  private readonly further: PairIndex;

  constructor(like?: SeenVisitors) {
    this.further = PairIndex.like(like?.further);
  }

  get bytes(): number {
    return this.first.byteLength + this.further.bytes;
  }

  /** @param mask by row: 0 leaves the row out */
  see(cellOf: Uint32Array, rows: Uint32Array, visitors: Uint32Array, mask: Uint8Array | undefined): void {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (mask === undefined || mask[row] === 1) this.further.intern(cellOf[i]!, visitors[row]!);
    }
  }

  /** The same where rows have presences, of which there are `presencesMax` so far. */
  seePresent(cellOf: Uint32Array, rows: Uint32Array, visitors: Uint32Array, presences: Uint32Array, presencesMax: number): void {
    if (this.first.length < presencesMax) {
      const larger = new Uint32Array(Math.max(1024, presencesMax * 2));
      larger.set(this.first);
      this.first = larger;
    }
    const { first, further } = this;
    for (let i = 0; i < rows.length; i++) {
      const presence = presences[rows[i]!]!;
      const cell = cellOf[i]!;
      const known = first[presence]!;
      if (known === cell + 1) continue;
      if (known === 0) first[presence] = cell + 1;
      else further.intern(cell, visitors[rows[i]!]!);
    }
  }

  /** A counting sort of all visitors by cell. @param presences (bucket, visitor) by number */
  byCell(cells: number, presences: PairIndex): Seen {
    const { first, further } = this;
    const starts = new Uint32Array(cells + 1);
    for (let i = 0; i < first.length; i++) if (first[i] !== 0) starts[first[i]!]!++;
    for (let i = 0; i < further.size; i++) starts[further.firsts[i]! + 1]!++;
    for (let cell = 0; cell < cells; cell++) starts[cell + 1]! += starts[cell]!;
    const visitors = new Uint32Array(starts[cells]!);
    const next = starts.slice();
    for (let i = 0; i < first.length; i++) if (first[i] !== 0) visitors[next[first[i]! - 1]!++] = presences.seconds[i]!;
    for (let i = 0; i < further.size; i++) visitors[next[further.firsts[i]!]!++] = further.seconds[i]!;
    return { starts, visitors, by: undefined };
  }
}

/** A counting sort of (cell, visitor) pairs, each with how much it counts, by cell. */
export function countedByCell(pairs: PairIndex, cells: number, by: Int32Array): Seen {
  const starts = new Uint32Array(cells + 1);
  for (let i = 0; i < pairs.size; i++) starts[pairs.firsts[i]! + 1]!++;
  for (let cell = 0; cell < cells; cell++) starts[cell + 1]! += starts[cell]!;
  const visitors = new Uint32Array(pairs.size);
  const sorted = new Int32Array(pairs.size);
  const next = starts.slice();
  for (let i = 0; i < pairs.size; i++) {
    const at = next[pairs.firsts[i]!]!++;
    visitors[at] = pairs.seconds[i]!;
    sorted[at] = by[i]!;
  }
  return { starts, visitors, by: sorted };
}
