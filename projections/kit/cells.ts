import { hourBucket, minuteBucket, documentPrefix, type CellDelta } from './document';
import type { Gathering } from './gathering';
import { CellContents, CellRefs, type Layout } from './cell-contents';
import { grown } from './grown';
import { byCell, SeenVisitors } from './seen-visitors';
import { PairIndex } from './pair-index';
import type { BucketDelta, Granularity } from './projection';
import { dayMs, dayOf, isoDay } from './zone';

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
  /** cell × money measures + measure → amounts by currency */
  private readonly money = new Map<number, { [currency: string]: number }>();
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
    this.members = layout.members.map((_, i) => {
      const pairs = PairIndex.like(like?.members[i]?.pairs);
      return { pairs, by: new Int32Array(pairs.firsts.length) };
    });
  }

  get bytes(): number {
    let bytes = this.index.bytes + this.counters.byteLength + this.money.size * 100;
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
    const key = cell * this.layout.money.length + measure;
    let amounts = this.money.get(key);
    if (amounts === undefined) this.money.set(key, (amounts = {}));
    amounts[currency] = (amounts[currency] ?? 0) + minorUnits;
  }

  /** Rolls the cells up into one delta a bucket, in order of first appearance; cells that several dimensions share, for one after the other. */
  take(family: Family, gathering: Gathering): BucketDelta[] {
    const deltas = new Map<string, BucketDelta>();
    const buckets = gathering.bucketsOf(family.base);
    /** By bucket: where it counts, in every granularity. */
    const placesOfBucket: (readonly { delta: BucketDelta; minute: string | undefined }[] | undefined)[] = [];
    const contents = (this.contents ??= this.contentsOf(family.base, gathering));
    for (let cell = 0; cell < this.index.size; cell++) {
      const side = this.index.firsts[cell]!;
      const bucket = side >>> 1;
      placesOfBucket[bucket] ??= placesOf(family, gathering, buckets.firsts[bucket]!, buckets.seconds[bucket]!).flatMap((place) => {
        let delta = deltas.get(place.prefix);
        if (isOfEarlier(place, delta)) return [];
        if (delta === undefined || isOfEarlier(delta, place)) deltas.set(place.prefix, (delta = emptyDelta(family, place)));
        return [{ delta, minute: place.minute }];
      });
      const value = family.values === undefined ? '' : family.values[this.index.seconds[cell]!]!;
      for (const { delta, minute } of placesOfBucket[bucket]) {
        const cells = delta.cells as Map<string, CellDelta>;
        let target = cells.get(minute ?? value);
        if (target === undefined) cells.set(minute ?? value, (target = {}));
        const kind = (side & 1) === 0 ? 'h' : 'b';
        const refs = target[kind] as CellRefs | undefined;
        if (refs === undefined) target[kind] = new CellRefs(contents, [cell]);
        else refs.add(cell);
      }
    }
    return [...deltas.values()];
  }

  private contentsOf(base: Base, gathering: Gathering): CellContents {
    // Sets of minutes are cut where they grow too large, in order of first appearance.
    const ranks = base === 'minute' ? undefined : gathering.visitorRanks;
    return new CellContents(
      this.layout,
      this.counters,
      this.distincts.map((seen) => seen.byCell(this.index.size, gathering.presences, ranks)),
      this.members.map((counted) => byCell(this.index.size, counted, ranks)),
      this.money,
      gathering.visitors,
    );
  }
}

/** (cell, visitor) pairs with how often each was put in less how often it was taken out. */
interface CountedPairs {
  readonly pairs: PairIndex;
  by: Int32Array;
}

/**
 * Totals are kept by minute, hour and day; dimensions, from quarter hours, by hour and day, or by the recent minutes; cohorts and the
 * like by local day alone.
 */
export type Base = 'minute' | 'recent' | 'quarter' | 'day';

/** Where a family's cells go. */
export interface Family {
  readonly projection: string;
  /** Projection name for totals, `${projection}.${dimension}` otherwise. */
  readonly name: string;
  readonly base: Base;
  /** Dimension values by number; undefined for totals. */
  readonly values: readonly string[] | undefined;
}

interface Place {
  readonly prefix: string;
  /** In the document of an hour's minutes: the one of the hour. */
  readonly minute?: string;
  /** In the document of a recent minute: see BucketDelta. */
  readonly ofMinute?: string;
}

function emptyDelta({ projection }: Family, { prefix, minute, ofMinute }: Place): BucketDelta {
  const cells = new Map<string, CellDelta>();
  if (ofMinute !== undefined) return { projection, prefix, cells, ofMinute };
  return minute === undefined ? { projection, prefix, cells } : { projection, prefix, cells, minutes: true };
}

/** Of a recent minute, by now in another's place. */
const isOfEarlier = (one: Pick<Place, 'ofMinute'>, other: Pick<Place, 'ofMinute'> | undefined): boolean =>
  one.ofMinute !== undefined && other?.ofMinute !== undefined && one.ofMinute < other.ofMinute;

/** The documents a bucket counts in; in that of an hour's minutes under the minute, elsewhere under the dimension value. */
function placesOf(family: Family, gathering: Gathering, merchant: number, at: number): Place[] {
  const merchantId = gathering.merchants.list[merchant]!;
  const prefix = (granularity: Granularity, bucket: string): string => documentPrefix(merchantId, family.name, granularity, bucket);
  if (family.base === 'day') return [{ prefix: prefix('day', isoDay(at * dayMs)) }];
  const utcMs = at * (family.base === 'quarter' ? 15 * 60_000 : 60_000);
  if (family.base === 'recent') {
    const ofMinute = minuteBucket(utcMs);
    return [{ prefix: prefix('minute', ofMinute.slice(-2)), ofMinute }];
  }
  const hour = hourBucket(utcMs);
  const places: Place[] = [
    { prefix: prefix('hour', hour) },
    { prefix: prefix('day', dayOf(gathering.settings[merchant]!.timezone, utcMs)) },
  ];
  if (family.base === 'minute') places.push({ prefix: prefix('minute', hour), minute: minuteBucket(utcMs).slice(-2) });
  return places;
}
