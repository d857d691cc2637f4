import type { ByteReader, ByteWriter } from '../kit/bytes';
import type { History, HistoryEvent } from '../kit/history';
import { dayNumberOf } from '../kit/zone';
import { cohortIntervals, type CohortInterval } from './cohorts';

/**
 * Days remembered of a visitor, a byte each for most: eleven years of coming every day. Further days count nowhere, so that
 * whatever was counted can be taken back.
 */
export const activeDaysMax = 4_096;

/** Local days, numbered from 1970-01-01. */
export interface ActiveDays {
  /** Those that are counted, ascending. */
  days: number[];
  /** Those that came since, each once. */
  fresh: number[];
}

/** A visitor belongs to a cell of the triangle, or (by = -1) no longer does. */
export interface CellChange {
  /** Number among `cohortIntervals`. */
  interval: number;
  /** First day of the cohort. */
  cohortDay: number;
  /** Days, weeks or months after it. */
  period: number;
  by: 1 | -1;
}

/** The days on which a visitor was there: all that retention rests on. */
export const activeDays: History<ActiveDays, CellChange> = {
  name: 'days',

  create: () => ({ days: [], fresh: [] }),

  add(state: ActiveDays, event: HistoryEvent): void {
    const { days, fresh } = state;
    const day = dayNumberOf(event.settings.timezone, event.time);
    if (day === days[days.length - 1] || fresh.includes(day)) return;
    if (days[placeOf(days, day)] === day || days.length + fresh.length >= activeDaysMax) return;
    fresh.push(day);
  },

  settle(state, _visitor, emit): void {
    const { days, fresh } = state;
    if (fresh.length === 0) return;
    fresh.sort((a, b) => a - b);
    const merged = mergedOf(days, fresh);
    for (let i = 0; i < cohortIntervals.length; i++) {
      const interval = cohortIntervals[i]!;
      const cohort = interval.numberOf(merged[0]!);
      if (days.length > 0 && interval.numberOf(days[0]!) === cohort) {
        emitPeriods(i, interval, cohort, fresh, 1, emit, days);
        continue;
      }
      // An earlier day came late: the visitor leaves every cell of the cohort counted so far.
      if (days.length > 0) emitPeriods(i, interval, interval.numberOf(days[0]!), days, -1, emit);
      emitPeriods(i, interval, cohort, merged, 1, emit);
    }
    state.days = merged;
    state.fresh = [];
  },

  /** How many, then the first and the distances from each to the next. */
  write({ days }, out: ByteWriter): void {
    out.varint(days.length);
    for (let i = 0; i < days.length; i++) out.varint(i === 0 ? days[0]! : days[i]! - days[i - 1]!);
  },

  read(from: ByteReader): ActiveDays {
    const days = new Array<number>(from.varint());
    for (let i = 0; i < days.length; i++) days[i] = from.varint() + (i === 0 ? 0 : days[i - 1]!);
    return { days, fresh: [] };
  },
};

/** Each period that holds any of `days`, once; those that also hold one of `counted` are left out. */
function emitPeriods(
  number: number,
  interval: CohortInterval,
  cohort: number,
  days: readonly number[],
  by: 1 | -1,
  emit: (change: CellChange) => void,
  counted: readonly number[] = [],
): void {
  const cohortDay = interval.firstDay(cohort);
  let last = -1;
  for (let i = 0; i < days.length; i++) {
    const at = interval.numberOf(days[i]!);
    if (at === last) continue;
    last = at;
    if (!holdsAny(interval, at, counted, days[i]!)) emit({ interval: number, cohortDay, period: at - cohort, by });
  }
}

/** Days are in order, so a day of the same interval would be a neighbour of where `day` belongs. */
function holdsAny(interval: CohortInterval, number: number, days: readonly number[], day: number): boolean {
  const place = placeOf(days, day);
  return (
    (place < days.length && interval.numberOf(days[place]!) === number) || (place > 0 && interval.numberOf(days[place - 1]!) === number)
  );
}

/** Where a day stands in ascending days, or would. */
function placeOf(days: readonly number[], day: number): number {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (days[middle]! < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mergedOf(a: readonly number[], b: readonly number[]): number[] {
  const merged = new Array<number>(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let at = 0; at < merged.length; at++) merged[at] = j >= b.length || (i < a.length && a[i]! < b[j]!) ? a[i++]! : b[j++]!;
  return merged;
}
