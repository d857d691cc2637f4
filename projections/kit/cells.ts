import type { Gathering } from './gathering';
import { CellContents, type Layout } from './cell-contents';
import { grown } from './grown';
import { byCell, SeenVisitors, type Pairs } from './seen-visitors';
import { Paid } from './paid';
import { PairIndex } from './pair-index';
import type { BucketDelta } from './projection';
import type { Base } from './places';
import { rolledUp, type Family } from './rolling-up';

/**
 * The cells of one family in a batch: (side, dimension value) → measures. Events are counted in the finest bucket only;
 * larger ones are rolled up when the batch is taken, since every measure is mergeable.
 */
export class Cells {
  private readonly index: PairIndex;
  private readonly width: number;
  private counters: Float64Array;
  private readonly distincts: SeenVisitors[];
  private readonly members: CountedPairs[];
  /** Undefined where no measure is by currency. */
  private readonly paid: Paid | undefined;
  /** What was taken. */
  private contents: CellContents | undefined;

  /** @param like the same cells in the batch before */
  constructor(
    private readonly layout: Layout,
    like?: Cells,
  ) {
    this.index = PairIndex.like(like?.index);
    this.width = layout.counters.length;
    this.counters = new Float64Array(64 * this.width);
    this.distincts = layout.distincts.map((_, i) => new SeenVisitors(like?.distincts[i]));
    this.paid = layout.money.length === 0 ? undefined : new Paid(layout.money.length, like?.paid);
    this.members = layout.members.map((_, i) => {
      const pairs = PairIndex.like(like?.members[i]?.pairs);
      return { pairs, by: new Int32Array(pairs.firsts.length) };
    });
  }

  get bytes(): number {
    let bytes = this.index.bytes + this.counters.byteLength + (this.paid?.bytes ?? 0);
    for (const distinct of this.distincts) bytes += distinct.bytes;
    for (const { pairs, by } of this.members) bytes += pairs.bytes + by.byteLength;
    return bytes;
  }

  cell(side: number, value: number): number {
    const cell = this.index.intern(side, value);
    if ((cell + 1) * this.width > this.counters.length) this.counters = grown(this.counters);
    return cell;
  }

  /** Adds to counter number `counter` of a cell. */
  count(cell: number, counter: number, by: number): void {
    this.counters[cell * this.width + counter]! += by;
  }

  /** Adds to each counter of a cell the number at its place, `sign` times. */
  addTo(cell: number, by: Float64Array, sign: 1 | -1): void {
    const { counters, width } = this;
    for (let i = 0, at = cell * width; i < width; i++, at++) counters[at]! += sign * by[i]!;
  }

  /** Adds 1 to a counter of the cell of each row, or of those that a mask by row lets pass. */
  countAll(cellOf: Uint32Array, rows: Uint32Array, counter: number, mask: Uint8Array | undefined): void {
    const { counters, width } = this;
    if (mask === undefined) for (let i = 0; i < rows.length; i++) counters[cellOf[i]! * width + counter]!++;
    else for (let i = 0; i < rows.length; i++) counters[cellOf[i]! * width + counter]! += mask[rows[i]!]!;
  }

  /** The visitors of set number `distinct`, to be put in row by row. */
  seen(distinct: number): SeenVisitors {
    return this.distincts[distinct]!;
  }

  /** Puts a visitor into set number `set` of a cell (by = 1), or takes it out (-1). */
  member(cell: number, set: number, visitor: number, by: number): void {
    const counted = this.members[set]!;
    const pair = counted.pairs.intern(cell, visitor);
    if (pair >= counted.by.length) counted.by = grown(counted.by);
    counted.by[pair]! += by;
  }

  pay(cell: number, measure: number, currency: string, minorUnits: number): void {
    this.paid!.add(cell, measure, currency, minorUnits);
  }

  /** Rolls the cells up into one delta a bucket, in order of first appearance; cells that several dimensions share, for one after the other. */
  take(family: Family, gathering: Gathering): BucketDelta[] {
    const contents = (this.contents ??= this.contentsOf(family.base, gathering));
    return rolledUp({ family, gathering, index: this.index, contents });
  }

  private contentsOf(base: Base, gathering: Gathering): CellContents {
    // Sets of minutes are cut where they grow too large, in order of first appearance.
    const ranks = base === 'minute' ? undefined : gathering.visitorRanks;
    return new CellContents(
      this.layout,
      this.counters,
      this.distincts.map((seen) => seen.byCell(this.index.size, gathering.presences, ranks)),
      this.members.map((counted) => byCell(this.index.size, counted, ranks)),
      this.paid?.lines(this.index.size),
      gathering.visitors,
    );
  }
}

/** With how often each was put in less how often it was taken out. */
interface CountedPairs extends Pairs {
  by: Int32Array;
}
