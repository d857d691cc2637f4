import type { Granularity } from '../../projections/kit/projection';
import { dayOf, dayStart } from '../../projections/kit/zone';
import { addDays, dayMs, hourMs, isDayStart, minuteMs, type Span } from './calendar';
import { refused, type Refused } from './refusal';

/** Consecutive documents to read: all of one granularity, `to` exclusive, both at the start of a bucket. */
export interface Stretch extends Span {
  readonly granularity: Granularity;
}

/** Documents one answer may read per projection. */
export const documentsMax = 20_000;

const stepMs = { minute: minuteMs, hour: hourMs, day: dayMs };

/**
 * The fewest documents that cover a span exactly, none of them straddling two rows: days where every row begins with a day of the
 * documents' timezone, hours where every row begins with a UTC hour, minutes otherwise, and finer ones at ragged ends.
 *
 * @param starts where rows begin, ascending; the first may lie before the span
 * @param foldedIn the timezone the day documents were counted in
 * @param finest the finest granularity there are documents of
 */
export function coverage(span: Span, starts: readonly number[], foldedIn: string, finest: Granularity): Stretch[] | Refused {
  const inner = starts.filter((start) => start > span.from);
  const possible: Granularity[] = ['minute'];
  if (inner.every((start) => start % hourMs === 0)) possible.unshift('hour');
  if (inner.every((start) => isDayStart(foldedIn, start))) possible.unshift('day');
  const isKept = ({ granularity }: Stretch): boolean => order.indexOf(granularity) <= order.indexOf(finest);
  const covers = possible.map((coarsest) => cover(span, coarsest, foldedIn));
  if (covers[0] === undefined) return refused('from, to', 'must lie on whole minutes');
  // Days that begin at half past cut hours in two: where no row begins with them, hours alone may do.
  const stretches = covers.find((each) => each?.every(isKept));
  if (stretches === undefined) {
    return refused(
      'from, to, interval, timezone',
      `productViews and numbers by dimension are kept by UTC hour and by day in ${foldedIn}, not by the minute: choose rows of an hour or more that begin on UTC hours, or days in that timezone`,
    );
  }
  const documents = documentsIn(stretches);
  if (documents > documentsMax) {
    const finestUsed = stretches.reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a)).granularity;
    const days = Math.floor((documentsMax * stepMs[finestUsed]) / dayMs);
    return refused(
      'from, to',
      `these rows do not begin with the days of ${foldedIn} and have to be counted from single ${finestUsed}s: ask for at most ${days} days, or for days in that timezone`,
    );
  }
  return stretches;
}

/** Buckets of a span: at most that many documents of totals. */
export function documentsIn(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { from, to, granularity }) => sum + (to - from) / stepMs[granularity], 0);
}

/** What covers one bucket from the next finer granularity on; undefined where that would be finer than `finest`. */
export function finerStretches(bucket: Stretch, foldedIn: string, finest: Granularity): Stretch[] | undefined {
  const finer = order[order.indexOf(bucket.granularity) + 1];
  const stretches = finer && cover(bucket, finer, foldedIn);
  return stretches?.every(({ granularity }) => order.indexOf(granularity) <= order.indexOf(finest)) ? stretches : undefined;
}

/** From coarse to fine. */
const order: readonly Granularity[] = ['day', 'hour', 'minute'];

function cover(span: Span, granularity: Granularity, foldedIn: string): Stretch[] | undefined {
  if (span.from >= span.to) return [];
  const first = ceil(span.from, granularity, foldedIn);
  const last = floor(span.to, granularity, foldedIn);
  const finer = order[order.indexOf(granularity) + 1];
  if (finer === undefined) return first === span.from && last === span.to ? [{ granularity, from: first, to: last }] : undefined;
  if (first > last) return cover(span, finer, foldedIn);
  // A bucket begins inside the span even where none fits in whole: nothing finer may reach over that start, which may be a row's.
  const head = cover({ from: span.from, to: first }, finer, foldedIn);
  const tail = cover({ from: last, to: span.to }, finer, foldedIn);
  const whole: Stretch[] = first < last ? [{ granularity, from: first, to: last }] : [];
  return head && tail && joined([...head, ...whole, ...tail]);
}

/** Neighbours of one granularity as one stretch: fewer scans. */
export function joined(stretches: readonly Stretch[]): Stretch[] {
  const whole: Stretch[] = [];
  for (const stretch of stretches) {
    const last = whole.at(-1);
    if (last !== undefined && last.granularity === stretch.granularity && last.to === stretch.from)
      whole[whole.length - 1] = { ...last, to: stretch.to };
    else whole.push(stretch);
  }
  return whole;
}

function floor(at: number, granularity: Granularity, foldedIn: string): number {
  if (granularity === 'day') return dayStart(foldedIn, dayOf(foldedIn, at));
  return Math.floor(at / stepMs[granularity]) * stepMs[granularity];
}

function ceil(at: number, granularity: Granularity, foldedIn: string): number {
  const floored = floor(at, granularity, foldedIn);
  if (floored === at) return at;
  return granularity === 'day' ? dayStart(foldedIn, addDays(dayOf(foldedIn, at), 1)) : floored + stepMs[granularity];
}
