import { CellRefs, type CellContents } from './cell-contents';
import { documentPrefix, familyOfLabel, type CellDelta } from './document';
import type { Gathering } from './gathering';
import { grown } from './grown';
import type { PairIndex } from './pair-index';
import type { Base, Place } from './places';
import type { BucketDelta } from './projection';

/** Where a family's cells go. */
export interface Family {
  readonly projection: string;
  /** Projection name for totals, `${projection}.${dimension}` otherwise. */
  readonly name: string;
  readonly base: Base;
  /** Dimension values, or labels of totals, by number; undefined for totals without. */
  readonly values: readonly string[] | undefined;
  /** By number of a value: the first one with the same text; undefined where all texts differ. */
  readonly firstEqual?: Uint32Array | undefined;
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
    { merchantId, granularity, bucket, isOfMinutes, ofMinute }: Place,
    /** Whose minutes these are. */
    label: string | undefined,
  ) {
    const { projection, name } = taken.family;
    this.projection = projection;
    this.prefix = documentPrefix(merchantId, label === undefined ? name : familyOfLabel(name, label), granularity, bucket);
    this.minutes = isOfMinutes;
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

/** One delta a bucket, or a bucket and label where it is of minutes, in order of first appearance. */
export function rolledUp(taken: TakenCells): BucketDelta[] {
  const { family, gathering, index } = taken;
  const places = gathering.placesOf(family.base);
  const labels = family.base === 'minute' ? family.values : undefined;
  const deltas: Rolled[] = [];
  const rolled = (place: number, label?: number): Rolled => {
    const delta = new Rolled(taken, places.list[place]!, label === undefined ? undefined : labels![label]);
    deltas.push(delta);
    return delta;
  };
  /** By place. */
  const known: (Rolled | undefined)[] = [];
  /** By place and label. */
  const ofLabels = new Map<number, Rolled>();
  for (let cell = 0; cell < index.size; cell++) {
    const numbers = places.of(index.firsts[cell]! >>> 1);
    for (let i = 0; i < numbers.length; i++) {
      const place = numbers[i]!;
      let delta: Rolled | undefined;
      if (labels !== undefined && places.list[place]!.isOfMinutes) {
        const label = index.seconds[cell]!;
        const key = place * labels.length + label;
        delta = ofLabels.get(key);
        if (delta === undefined) ofLabels.set(key, (delta = rolled(place, label)));
      } else delta = known[place] ??= rolled(place);
      delta.add(cell);
    }
  }
  return family.base === 'recent' ? latest(deltas) : deltas;
}

/** Of the minutes of several hours that have one place, the last. */
function latest(deltas: readonly Rolled[]): Rolled[] {
  const byPrefix = new Map<string, Rolled>();
  for (const delta of deltas) {
    const other = byPrefix.get(delta.prefix);
    if (other === undefined || other.ofMinute! < delta.ofMinute!) byPrefix.set(delta.prefix, delta);
  }
  return [...byPrefix.values()];
}
