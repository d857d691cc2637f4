import { grown } from './grown';
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
    if (this.first.length < presencesMax) this.first = grown(this.first, Math.max(1024, presencesMax * 2));
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

  /** All visitors by cell. @param presences (bucket, visitor) by number */
  byCell(cells: number, presences: PairIndex): Seen {
    return byCell(cells, this.further, undefined, { cellOf: this.first, visitors: presences.seconds });
  }
}

/** Visitors whose cell, plus one, is found at the same place of the other array; 0: none. */
interface Present {
  readonly cellOf: Uint32Array;
  readonly visitors: Uint32Array;
}

const nobody: Present = { cellOf: new Uint32Array(0), visitors: new Uint32Array(0) };

/**
 * A counting sort by cell: of the present first, then of (cell, visitor) pairs.
 * @param by how much each pair counts, where that matters; the present have no such number
 */
export function byCell(cells: number, pairs: PairIndex, by: Int32Array | undefined, present = nobody): Seen {
  const { cellOf } = present;
  const starts = new Uint32Array(cells + 1);
  for (let i = 0; i < cellOf.length; i++) if (cellOf[i] !== 0) starts[cellOf[i]!]!++;
  for (let i = 0; i < pairs.size; i++) starts[pairs.firsts[i]! + 1]!++;
  for (let cell = 0; cell < cells; cell++) starts[cell + 1]! += starts[cell]!;
  const visitors = new Uint32Array(starts[cells]!);
  const sorted = by && new Int32Array(visitors.length);
  const next = starts.slice();
  for (let i = 0; i < cellOf.length; i++) if (cellOf[i] !== 0) visitors[next[cellOf[i]! - 1]!++] = present.visitors[i]!;
  for (let i = 0; i < pairs.size; i++) {
    const at = next[pairs.firsts[i]!]!++;
    visitors[at] = pairs.seconds[i]!;
    if (sorted !== undefined) sorted[at] = by![i]!;
  }
  return { starts, visitors, by: sorted };
}
