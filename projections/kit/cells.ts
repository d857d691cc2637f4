import { hourBucket, minuteBucket, documentPrefix, type CellDelta } from './document';
import type { Gathering, Names } from './gathering';
import { addHashes } from './distinct';
import { alphabetical, plus, type MeasuresDelta, type StoredMeasure, type StoredMeasures } from './measures';
import { addMembers } from './members';
import { PairIndex } from './pair-index';
import type { BucketDelta, Granularity } from './projection';
import { dayMs, dayOf, isoDay } from './zone';

/** The measures of one family, by place. */
export interface Layout {
  readonly counters: readonly string[];
  readonly distincts: readonly string[];
  /** Sets whose members may be taken back: see members.ts. */
  readonly members: readonly string[];
  readonly money: readonly string[];
  /** Restated counters are stored even at zero: a cell that counted and took back must look the same however flushes fell. */
  readonly restated: boolean;
}

/**
 * The cells of one family in a batch: (side, dimension value) → measures. Events are counted in the finest bucket only;
 * larger ones are rolled up when the batch is taken, since every measure is mergeable.
 */
export class Cells {
  private readonly index = new PairIndex();
  private readonly width: number;
  private counters: Float64Array;
  private readonly distincts: PairIndex[];
  private readonly members: CountedPairs[];
  /** cell × money measures + measure → amounts by currency */
  private readonly money = new Map<number, { [currency: string]: number }>();

  constructor(private readonly layout: Layout) {
    this.width = layout.counters.length;
    this.counters = new Float64Array(64 * this.width);
    this.distincts = layout.distincts.map(() => new PairIndex());
    this.members = layout.members.map(() => ({ pairs: new PairIndex(), by: new Int32Array(64) }));
  }

  get bytes(): number {
    let bytes = this.index.bytes + this.counters.byteLength + this.money.size * 100;
    for (const distinct of this.distincts) bytes += distinct.bytes;
    for (const { pairs, by } of this.members) bytes += pairs.bytes + by.byteLength;
    return bytes;
  }

  cell(side: number, value: number): number {
    const cell = this.index.intern(side, value);
    if ((cell + 1) * this.width > this.counters.length) {
      const larger = new Float64Array(this.counters.length * 2);
      larger.set(this.counters);
      this.counters = larger;
    }
    return cell;
  }

  /** Adds to counter number `counter` of a cell. */
  count(cell: number, counter: number, by: number): void {
    this.counters[cell * this.width + counter]! += by;
  }

  see(cell: number, distinct: number, visitor: number): void {
    this.distincts[distinct]!.intern(cell, visitor);
  }

  /** Puts a visitor into set number `set` of a cell (by = 1), or takes it out (-1). */
  member(cell: number, set: number, visitor: number, by: number): void {
    const counted = this.members[set]!;
    const pair = counted.pairs.intern(cell, visitor);
    if (pair >= counted.by.length) {
      const larger = new Int32Array(counted.by.length * 2);
      larger.set(counted.by);
      counted.by = larger;
    }
    counted.by[pair]! += by;
  }

  pay(cell: number, measure: number, currency: string, minorUnits: number): void {
    const key = cell * this.layout.money.length + measure;
    let amounts = this.money.get(key);
    if (amounts === undefined) this.money.set(key, (amounts = {}));
    amounts[currency] = (amounts[currency] ?? 0) + minorUnits;
  }

  /** Rolls the cells up into one delta a bucket, in order of first appearance. */
  take(family: Family, gathering: Gathering): BucketDelta[] {
    const deltas = new Map<string, BucketDelta>();
    const buckets = gathering.bucketsOf(family.base);
    /** By bucket: the deltas of every granularity it is part of. */
    const deltasOf: (readonly BucketDelta[] | undefined)[] = [];
    const contents = new CellContents(
      this.layout,
      this.counters,
      this.distincts.map((pairs) => seenBy(pairs, this.index.size)),
      this.members.map(({ pairs, by }) => seenBy(pairs, this.index.size, by)),
      this.money,
      gathering.visitors,
    );
    for (let cell = 0; cell < this.index.size; cell++) {
      const side = this.index.firsts[cell]!;
      const bucket = side >>> 1;
      deltasOf[bucket] ??= prefixesOf(family, gathering, buckets.firsts[bucket]!, buckets.seconds[bucket]!).map((prefix) => {
        let delta = deltas.get(prefix);
        if (delta === undefined)
          deltas.set(prefix, (delta = { projection: family.projection, prefix, cells: new Map<string, CellDelta>() }));
        return delta;
      });
      const value = family.values === undefined ? '' : family.values.list[this.index.seconds[cell]!]!;
      for (const { cells } of deltasOf[bucket]) {
        let target = cells.get(value) as CellDelta | undefined;
        if (target === undefined) (cells as Map<string, CellDelta>).set(value, (target = {}));
        const kind = (side & 1) === 0 ? 'h' : 'b';
        const refs = target[kind] as CellRefs | undefined;
        if (refs === undefined) target[kind] = new CellRefs(contents, cell);
        else refs.add(cell);
      }
    }
    return [...deltas.values()];
  }
}

/** (cell, visitor) pairs with how often each was put in less how often it was taken out. */
interface CountedPairs {
  readonly pairs: PairIndex;
  by: Int32Array;
}

/** The visitors of each cell, for one distinct measure: those of cell c are `visitors[starts[c]]` up to `visitors[starts[c + 1]]`. */
interface Seen {
  readonly starts: Uint32Array;
  readonly visitors: Uint32Array;
  /** Beside `visitors`, for sets whose members may be taken back. */
  readonly by: Int32Array | undefined;
}

/** A counting sort of all (cell, visitor) pairs by cell. */
function seenBy(pairs: PairIndex, cells: number, by?: Int32Array): Seen {
  const starts = new Uint32Array(cells + 1);
  for (let i = 0; i < pairs.size; i++) starts[pairs.firsts[i]! + 1]!++;
  for (let cell = 0; cell < cells; cell++) starts[cell + 1]! += starts[cell]!;
  const visitors = new Uint32Array(pairs.size);
  const next = starts.slice();
  const sorted = by && new Int32Array(pairs.size);
  for (let i = 0; i < pairs.size; i++) {
    const at = next[pairs.firsts[i]!]!++;
    visitors[at] = pairs.seconds[i]!;
    if (sorted !== undefined) sorted[at] = by![i]!;
  }
  return { starts, visitors, by: sorted };
}

type Amounts = { readonly [currency: string]: number | bigint };

/** The cells of a taken batch; read when documents are merged, so that taking a batch copies nothing. */
class CellContents {
  /** A family's documents hold no other measures than these; in alphabetical order, as they are stored. */
  private readonly order: readonly { name: string; kind: 'counter' | 'distinct' | 'members' | 'money'; at: number }[];

  constructor(
    private readonly layout: Layout,
    private readonly counters: Float64Array,
    private readonly distincts: readonly Seen[],
    private readonly members: readonly Seen[],
    private readonly money: ReadonlyMap<number, { readonly [currency: string]: number }>,
    private readonly visitors: PairIndex,
  ) {
    this.order = [
      ...layout.counters.map((name, at) => ({ name, kind: 'counter' as const, at })),
      ...layout.distincts.map((name, at) => ({ name, kind: 'distinct' as const, at })),
      ...layout.members.map((name, at) => ({ name, kind: 'members' as const, at })),
      ...layout.money.map((name, at) => ({ name, kind: 'money' as const, at })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  foldInto(stored: StoredMeasures | undefined, cells: readonly number[]): StoredMeasures {
    const folded: { [measure: string]: StoredMeasure } = {};
    for (let m = 0; m < this.order.length; m++) {
      const { name, kind, at } = this.order[m]!;
      const before = stored?.[name];
      let after: StoredMeasure | undefined;
      if (kind === 'counter') after = this.counted(before as number | bigint | undefined, at, cells);
      else if (kind === 'distinct') after = this.seen(before as Uint8Array | undefined, at, cells);
      else if (kind === 'members') after = this.putIn(before as Uint8Array | undefined, at, cells);
      else after = this.paid(before as Amounts | undefined, at, cells);
      if (after !== undefined) folded[name] = after;
    }
    return folded;
  }

  private counted(before: number | bigint | undefined, at: number, cells: readonly number[]): number | bigint | undefined {
    const width = this.layout.counters.length;
    let by = 0;
    for (let c = 0; c < cells.length; c++) by += this.counters[cells[c]! * width + at]!;
    return by === 0 && !this.layout.restated ? before : plus(before, by);
  }

  private seen(before: Uint8Array | undefined, at: number, cells: readonly number[]): Uint8Array | undefined {
    const lanes = this.lanesOf(this.distincts[at]!, cells);
    return lanes.length === 0 ? before : addHashes(before, lanes);
  }

  private putIn(before: Uint8Array | undefined, at: number, cells: readonly number[]): Uint8Array | undefined {
    const seen = this.members[at]!;
    const lanes = this.lanesOf(seen, cells);
    if (lanes.length === 0) return before;
    const by = new Int32Array(lanes.length / 2);
    let n = 0;
    for (const cell of cells) for (let i = seen.starts[cell]!; i < seen.starts[cell + 1]!; i++) by[n++] = seen.by![i]!;
    return addMembers(before, { lanes, by });
  }

  private paid(before: Amounts | undefined, at: number, cells: readonly number[]): Amounts | undefined {
    let after = before;
    for (let c = 0; c < cells.length; c++) {
      const amounts = this.money.get(cells[c]! * this.layout.money.length + at);
      if (amounts === undefined) continue;
      const sums = { ...after };
      for (const currency in amounts) sums[currency] = plus(sums[currency], amounts[currency]!);
      after = alphabetical(sums);
    }
    return after;
  }

  /** Valid until the next call. */
  private lanesOf({ starts, visitors }: Seen, cells: readonly number[]): Uint32Array {
    let n = 0;
    for (let c = 0; c < cells.length; c++) n += starts[cells[c]! + 1]! - starts[cells[c]!]!;
    if (n === 0) return noLanes;
    if (desk.length < n * 2) desk = new Uint32Array(n * 4);
    let at = 0;
    for (let c = 0; c < cells.length; c++) {
      for (let i = starts[cells[c]!]!; i < starts[cells[c]! + 1]!; i++) {
        desk[at++] = this.visitors.seconds[visitors[i]!]!;
        desk[at++] = this.visitors.firsts[visitors[i]!]!;
      }
    }
    return desk.subarray(0, at);
  }
}

const noLanes = new Uint32Array(0);
let desk = new Uint32Array(1024);

/** Cells of a batch that belong to one dimension value of one bucket: a day's hours, an hour's minutes. */
class CellRefs implements MeasuresDelta {
  private readonly cells: number[];

  constructor(
    private readonly contents: CellContents,
    first: number,
  ) {
    this.cells = [first];
  }

  add(cell: number): void {
    this.cells.push(cell);
  }

  foldInto(stored: StoredMeasures | undefined): StoredMeasures {
    return this.contents.foldInto(stored, this.cells);
  }
}

/** Totals are kept by minute, hour and day; dimensions, from quarter hours, by hour and day; cohorts and the like by local day alone. */
export type Base = 'minute' | 'quarter' | 'day';

/** Where a family's cells go. */
export interface Family {
  readonly projection: string;
  /** Projection name for totals, `${projection}.${dimension}` otherwise. */
  readonly name: string;
  readonly base: Base;
  /** Dimension values by number; undefined for totals. */
  readonly values: Names | undefined;
}

function prefixesOf(family: Family, gathering: Gathering, merchant: number, at: number): string[] {
  const merchantId = gathering.merchants.list[merchant]!;
  if (family.base === 'day') return [documentPrefix(merchantId, family.name, 'day', isoDay(at * dayMs))];
  const utcMs = at * (family.base === 'minute' ? 60_000 : 15 * 60_000);
  const prefix = (granularity: Granularity, bucket: string): string => documentPrefix(merchantId, family.name, granularity, bucket);
  const prefixes = [prefix('hour', hourBucket(utcMs)), prefix('day', dayOf(gathering.settings[merchant]!.timezone, utcMs))];
  if (family.base === 'minute') prefixes.unshift(prefix('minute', minuteBucket(utcMs)));
  return prefixes;
}
