import { CellRefs, type CellContents } from './cell-contents';
import { documentPrefix, hourBucket, minuteBucket, type CellDelta } from './document';
import type { Gathering } from './gathering';
import { grown } from './grown';
import type { PairIndex } from './pair-index';
import type { BucketDelta, Granularity } from './projection';
import { dayMs, dayOf, isoDay } from './zone';

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
  /** By number of a value: the first one with the same text; undefined where all texts differ. */
  readonly firstEqual?: Uint32Array | undefined;
}

interface Place {
  readonly prefix: string;
  /** The document of an hour's minutes. */
  readonly isOfMinutes?: true;
  /** In the document of a recent minute: see BucketDelta. */
  readonly ofMinute?: string;
}

/** The cells of one family in a batch that was taken. */
export interface TakenCells {
  readonly family: Family;
  readonly gathering: Gathering;
  /** (side, value) by cell. */
  readonly index: PairIndex;
  readonly contents: CellContents;
}

const minuteNames = Array.from({ length: 60 }, (_, minute) => String(minute).padStart(2, '0'));

/**
 * What a batch changes in one bucket's documents. Until they are merged it is no more than numbers of cells: an object for every
 * value of every bucket would outlive the young generation, all at once.
 */
class Rolled implements BucketDelta {
  readonly projection: string;
  readonly prefix: string;
  readonly minutes: boolean;
  readonly ofMinute: string | undefined;
  /** In order of first appearance. */
  private readonly numbers: number[] = [];

  constructor(
    private readonly taken: TakenCells,
    { prefix, isOfMinutes, ofMinute }: Place,
  ) {
    this.projection = taken.family.projection;
    this.prefix = prefix;
    this.minutes = isOfMinutes === true;
    this.ofMinute = ofMinute;
  }

  add(cell: number): void {
    this.numbers.push(cell);
  }

  cells(): readonly (readonly [string, CellDelta])[] {
    const { family, index, contents } = this.taken;
    const cells: [string, { h?: CellRefs; b?: CellRefs }][] = [];
    for (const number of this.numbers) {
      const value = this.valueOf(number);
      if (value >= placeOf.length) placeOf = grown(placeOf, value * 2);
      let place = placeOf[value]! - 1;
      if (place === -1) {
        place = cells.push([this.minutes ? minuteNames[value]! : (family.values?.[value] ?? ''), {}]) - 1;
        placeOf[value] = place + 1;
      }
      const cell = cells[place]![1];
      const side = (index.firsts[number]! & 1) === 0 ? 'h' : 'b';
      const refs = cell[side];
      if (refs === undefined) cell[side] = new CellRefs(contents, [number]);
      else refs.add(number);
    }
    for (const number of this.numbers) placeOf[this.valueOf(number)] = 0;
    return cells;
  }

  /** The number of a cell's value, or its minute. */
  private valueOf(cell: number): number {
    const { family, gathering, index } = this.taken;
    if (this.minutes) return gathering.minutes.seconds[index.firsts[cell]! >>> 1]! % 60;
    const value = index.seconds[cell]!;
    return family.firstEqual === undefined ? value : family.firstEqual[value]!;
  }
}

/** By value, while cells are put together: where it is among them, plus one. */
let placeOf = new Uint32Array(1024);

/** One delta a bucket, in order of first appearance. */
export function rolledUp(taken: TakenCells): BucketDelta[] {
  const { family, gathering, index } = taken;
  const deltas = new Map<string, Rolled>();
  const buckets = gathering.bucketsOf(family.base);
  /** By bucket: where it counts, in every granularity. */
  const deltasOfBucket: (readonly Rolled[] | undefined)[] = [];
  for (let cell = 0; cell < index.size; cell++) {
    const bucket = index.firsts[cell]! >>> 1;
    const ofBucket = (deltasOfBucket[bucket] ??= placesOf(family, gathering, buckets.firsts[bucket]!, buckets.seconds[bucket]!).flatMap(
      (place) => {
        let delta = deltas.get(place.prefix);
        if (isOfEarlier(place, delta)) return [];
        if (delta === undefined || isOfEarlier(delta, place)) deltas.set(place.prefix, (delta = new Rolled(taken, place)));
        return [delta];
      },
    ));
    for (let i = 0; i < ofBucket.length; i++) ofBucket[i]!.add(cell);
  }
  return [...deltas.values()];
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
  if (family.base === 'minute') places.push({ prefix: prefix('minute', hour), isOfMinutes: true });
  return places;
}
