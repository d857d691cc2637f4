import type { ByteReader, ByteWriter } from '../kit/bytes';
import type { History, HistoryEvent } from '../kit/history';
import { dayNumberOf } from '../kit/zone';
import { cohortIntervals, type CohortInterval } from './cohorts';

/**
 * Days remembered of a visitor, a byte each for most: eleven years of coming every day. Further days count nowhere, so that
 * whatever was counted can be taken back.
 */
export const activeDaysMax = 4_096;

export interface ActiveDays {
  /** Local days, numbered from 1970-01-01, each once: first those that are counted, ascending, then those that came since. */
  days: number[];
  counted: number;
}

/** A visitor belongs to a cell of the triangle, or (by = -1) no longer does. The same object is handed out again with the next change. */
export interface CellChange {
  /** Number among `cohortIntervals`. */
  interval: number;
  /** First day of the cohort. */
  cohortDay: number;
  /** Days, weeks or months after it. */
  period: number;
  by: 1 | -1;
}

const change: CellChange = { interval: 0, cohortDay: 0, period: 0, by: 1 };
type Emit = (change: CellChange) => void;

/** The days on which a visitor was there: all that retention rests on. */
export const activeDays: History<ActiveDays, CellChange> = {
  name: 'days',

  create: () => ({ days: [], counted: 0 }),

  clear(state) {
    while (state.days.length > 0) state.days.pop();
    state.counted = 0;
  },

  add(state: ActiveDays, event: HistoryEvent): void {
    const { days, counted } = state;
    const day = dayNumberOf(event.settings.timezone, event.time);
    if (day === days[days.length - 1] || days.length >= activeDaysMax) return;
    if (days[placeOf(days, counted, day)] === day || days.includes(day, counted)) return;
    days.push(day);
  },

  settle(state, _visitor, emit): void {
    const { days, counted } = state;
    if (days.length === counted) return;
    if (counted === 0 && days.length === 1) {
      for (let i = 0; i < cohortIntervals.length; i++) {
        const interval = cohortIntervals[i]!;
        tell(i, interval.firstDay(interval.numberOf(days[0]!)), 0, 1, emit);
      }
    } else {
      restate(days.slice(0, counted), days.slice(counted).sort(ascending), days.sort(ascending), emit);
    }
    state.counted = days.length;
  },

  /** How many, then the first and the distances from each to the next. */
  write({ days }, out: ByteWriter): void {
    out.varint(days.length);
    for (let i = 0; i < days.length; i++) out.varint(i === 0 ? days[0]! : days[i]! - days[i - 1]!);
  },

  read(from: ByteReader, state: ActiveDays): void {
    const { days } = state;
    state.counted = from.varint();
    for (let i = 0; i < state.counted; i++) days.push(from.varint() + (i === 0 ? 0 : days[i - 1]!));
  },
};

const ascending = (a: number, b: number): number => a - b;

/** All three ascending: what is counted, what came since, and both together. */
function restate(counted: readonly number[], fresh: readonly number[], all: readonly number[], emit: Emit): void {
  for (let i = 0; i < cohortIntervals.length; i++) {
    const interval = cohortIntervals[i]!;
    const cohort = interval.numberOf(all[0]!);
    const before = counted.length === 0 ? cohort : interval.numberOf(counted[0]!);
    if (before === cohort) {
      tellPeriods(i, interval, cohort, fresh, 1, emit, counted);
      continue;
    }
    // An earlier day came late: the visitor leaves every cell of the cohort counted so far.
    tellPeriods(i, interval, before, counted, -1, emit);
    tellPeriods(i, interval, cohort, all, 1, emit);
  }
}

/** Each period that holds any of `days`, once; those that also hold one of `counted` are left out. */
function tellPeriods(
  number: number,
  interval: CohortInterval,
  cohort: number,
  days: readonly number[],
  by: 1 | -1,
  emit: Emit,
  counted: readonly number[] = [],
): void {
  const cohortDay = interval.firstDay(cohort);
  let last = -1;
  for (let i = 0; i < days.length; i++) {
    const at = interval.numberOf(days[i]!);
    if (at === last) continue;
    last = at;
    if (!holdsAny(interval, at, counted, days[i]!)) tell(number, cohortDay, at - cohort, by, emit);
  }
}

function tell(interval: number, cohortDay: number, period: number, by: 1 | -1, emit: Emit): void {
  change.interval = interval;
  change.cohortDay = cohortDay;
  change.period = period;
  change.by = by;
  emit(change);
}

/** Days are in order, so a day of the same interval would be a neighbour of where `day` belongs. */
function holdsAny(interval: CohortInterval, number: number, days: readonly number[], day: number): boolean {
  const place = placeOf(days, days.length, day);
  return (
    (place < days.length && interval.numberOf(days[place]!) === number) || (place > 0 && interval.numberOf(days[place - 1]!) === number)
  );
}

/** Where a day stands among the first `count`, which ascend, or would. */
function placeOf(days: readonly number[], count: number, day: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (days[middle]! < day) low = middle + 1;
    else high = middle;
  }
  return low;
}
