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

  /** All visitors by cell. @param presences (bucket, visitor) by number @param ranks see `byCell` */
  byCell(cells: number, presences: PairIndex, ranks: Uint32Array | undefined): Seen {
    return byCell(cells, { pairs: this.further }, ranks, { cellOf: this.first, visitors: presences.seconds });
  }
}

/** Visitors whose cell, plus one, is found at the same place of the other array; 0: none. */
interface Present {
  readonly cellOf: Uint32Array;
  readonly visitors: Uint32Array;
}

const nobody: Present = { cellOf: new Uint32Array(0), visitors: new Uint32Array(0) };

export interface Pairs {
  /** (cell, visitor) */
  readonly pairs: PairIndex;
  /** How much each pair counts, where that matters; the present have no such number. */
  readonly by?: Int32Array;
}

/** With fewer visitors a cell than this, putting them in order once for all costs more than sorting each cell's. */
const visitorsPerCellMin = 8;

/**
 * A counting sort by cell: of the present first, then of pairs.
 * @param ranks by visitor, its place among all in ascending order of hashes: cells with many visitors then have them in that order, as
 *   sets are stored; without them they come in order of first appearance
 */
export function byCell(cells: number, { pairs, by }: Pairs, ranks?: Uint32Array, present = nobody): Seen {
  const { cellOf } = present;
  const starts = new Uint32Array(cells + 1);
  for (let i = 0; i < cellOf.length; i++) if (cellOf[i] !== 0) starts[cellOf[i]!]!++;
  for (let i = 0; i < pairs.size; i++) starts[pairs.firsts[i]! + 1]!++;
  for (let cell = 0; cell < cells; cell++) starts[cell + 1]! += starts[cell]!;
  const visitors = new Uint32Array(starts[cells]!);
  const counts = by && new Int32Array(visitors.length);
  const next = starts.slice();
  const order =
    ranks !== undefined && visitors.length >= cells * visitorsPerCellMin ? ascending(ranks, visitors.length, pairs, present) : undefined;
  const count = order === undefined ? cellOf.length + pairs.size : order.length;
  for (let n = 0; n < count; n++) {
    // Places of the present, then those of pairs behind them.
    const entry = order === undefined ? n : order[n]!;
    const pair = entry - cellOf.length;
    if (pair < 0 && cellOf[entry] === 0) continue;
    const at = next[pair < 0 ? cellOf[entry]! - 1 : pairs.firsts[pair]!]!++;
    visitors[at] = pair < 0 ? present.visitors[entry]! : pairs.seconds[pair]!;
    if (counts !== undefined) counts[at] = by![pair]!;
  }
  return { starts, visitors, by: counts };
}

/** Another counting sort, by the ranks of visitors: places of the present, then those of pairs behind them. */
function ascending(ranks: Uint32Array, count: number, pairs: PairIndex, { cellOf, visitors }: Present): Uint32Array {
  const next = new Uint32Array(ranks.length + 1);
  for (let i = 0; i < cellOf.length; i++) if (cellOf[i] !== 0) next[ranks[visitors[i]!]! + 1]!++;
  for (let i = 0; i < pairs.size; i++) next[ranks[pairs.seconds[i]!]! + 1]!++;
  for (let rank = 0; rank < ranks.length; rank++) next[rank + 1]! += next[rank]!;
  const order = new Uint32Array(count);
  for (let i = 0; i < cellOf.length; i++) if (cellOf[i] !== 0) order[next[ranks[visitors[i]!]!]!++] = i;
  for (let i = 0; i < pairs.size; i++) order[next[ranks[pairs.seconds[i]!]!]!++] = cellOf.length + i;
  return order;
}
