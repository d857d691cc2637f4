import { hourBucket, minuteBucket, documentPrefix, type CellDelta } from './document';
import type { Gathering, Names } from './gathering';
import { emptyDelta, type MeasuresDelta } from './measures';
import { PairIndex } from './pair-index';
import type { BucketDelta, Granularity } from './projection';
import { dayOf } from './zone';

/** The measures of one family, by place. */
export interface Layout {
  readonly counters: readonly string[];
  readonly distincts: readonly string[];
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
  /** cell × money measures + measure → amounts by currency */
  private readonly money = new Map<number, { [currency: string]: number }>();

  constructor(private readonly layout: Layout) {
    this.width = layout.counters.length;
    this.counters = new Float64Array(64 * this.width);
    this.distincts = layout.distincts.map(() => new PairIndex());
  }

  get bytes(): number {
    let bytes = this.index.bytes + this.counters.byteLength + this.money.size * 100;
    for (const distinct of this.distincts) bytes += distinct.bytes;
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

  /** For loops over a whole block: valid until the next call of `cell`. */
  countersOf(): Float64Array {
    return this.counters;
  }

  see(cell: number, distinct: number, visitor: number): void {
    this.distincts[distinct]!.intern(cell, visitor);
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
    const buckets = family.base === 'minute' ? gathering.minutes : gathering.quarters;
    /** By bucket: the deltas of every granularity it is part of. */
    const deltasOf: (readonly BucketDelta[] | undefined)[] = [];
    const members = this.membersByCell();
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
        const measures = (side & 1) === 0 ? (target.h ??= emptyDelta()) : (target.b ??= emptyDelta());
        this.addTo(measures, cell, members, gathering);
      }
    }
    return [...deltas.values()];
  }

  private addTo(measures: MeasuresDelta, cell: number, members: readonly (readonly Uint32Array[])[], gathering: Gathering): void {
    for (let i = 0; i < this.width; i++) {
      const by = this.counters[cell * this.width + i]!;
      if (by === 0 && !this.layout.restated) continue;
      const name = this.layout.counters[i]!;
      measures.counters[name] = (measures.counters[name] ?? 0) + by;
    }
    for (let i = 0; i < this.layout.distincts.length; i++) {
      const seen = members[i]![cell];
      if (seen === undefined) continue;
      const list = (measures.distincts[this.layout.distincts[i]!] ??= { hi: [], lo: [], length: 0 });
      for (const visitor of seen) {
        list.hi.push(gathering.visitors.firsts[visitor]!);
        list.lo.push(gathering.visitors.seconds[visitor]!);
      }
      list.length = list.hi.length;
    }
    for (let i = 0; i < this.layout.money.length; i++) {
      const amounts = this.money.get(cell * this.layout.money.length + i);
      if (amounts === undefined) continue;
      const target = (measures.money[this.layout.money[i]!] ??= {});
      for (const currency in amounts) target[currency] = (target[currency] ?? 0) + amounts[currency]!;
    }
  }

  /** Per distinct measure and cell, the visitors seen: one counting sort over all (cell, visitor) pairs. */
  private membersByCell(): Uint32Array[][] {
    return this.distincts.map((pairs) => {
      const starts = new Uint32Array(this.index.size + 1);
      for (let i = 0; i < pairs.size; i++) starts[pairs.firsts[i]! + 1]!++;
      for (let cell = 0; cell < this.index.size; cell++) starts[cell + 1]! += starts[cell]!;
      const visitors = new Uint32Array(pairs.size);
      const next = starts.slice();
      for (let i = 0; i < pairs.size; i++) visitors[next[pairs.firsts[i]!]!++] = pairs.seconds[i]!;
      const byCell: Uint32Array[] = [];
      for (let cell = 0; cell < this.index.size; cell++) {
        if (starts[cell + 1]! > starts[cell]!) byCell[cell] = visitors.subarray(starts[cell]!, starts[cell + 1]!);
      }
      return byCell;
    });
  }
}

/** Where a family's cells go. */
export interface Family {
  readonly projection: string;
  /** Projection name for totals, `${projection}.${dimension}` otherwise. */
  readonly name: string;
  /** Totals are kept by minute, hour and day; dimensions, from quarter hours, by hour and day. */
  readonly base: 'minute' | 'quarter';
  /** Dimension values by number; undefined for totals. */
  readonly values: Names | undefined;
}

function prefixesOf(family: Family, gathering: Gathering, merchant: number, at: number): string[] {
  const merchantId = gathering.merchants.list[merchant]!;
  const utcMs = at * (family.base === 'minute' ? 60_000 : 15 * 60_000);
  const prefix = (granularity: Granularity, bucket: string): string => documentPrefix(merchantId, family.name, granularity, bucket);
  const prefixes = [prefix('hour', hourBucket(utcMs)), prefix('day', dayOf(gathering.settings[merchant]!.timezone, utcMs))];
  if (family.base === 'minute') prefixes.unshift(prefix('minute', minuteBucket(utcMs)));
  return prefixes;
}
