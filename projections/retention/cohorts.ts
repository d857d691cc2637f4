import { dayMs } from '../kit/zone';

/** How cohorts are cut: by day, by week from Monday, by month. Days are numbered from 1970-01-01, a Thursday. */
export interface CohortInterval {
  readonly name: 'day' | 'week' | 'month';
  /** The number of the interval a day lies in; neighbours differ by one, so periods are differences. */
  numberOf(day: number): number;
  firstDay(number: number): number;
}

export const cohortIntervals: readonly CohortInterval[] = [
  { name: 'day', numberOf: (day) => day, firstDay: (number) => number },
  { name: 'week', numberOf: (day) => Math.floor((day + 3) / 7), firstDay: (number) => number * 7 - 3 },
  { name: 'month', numberOf: monthOf, firstDay: firstDayOfMonth },
];

// Events come in runs of one day.
let lastDay = NaN;
let lastMonth = NaN;
function monthOf(day: number): number {
  if (day !== lastDay) {
    const date = new Date(day * dayMs);
    lastDay = day;
    lastMonth = date.getUTCFullYear() * 12 + date.getUTCMonth();
  }
  return lastMonth;
}

let lastNumber = NaN;
let lastFirstDay = NaN;
function firstDayOfMonth(number: number): number {
  if (number !== lastNumber) {
    lastNumber = number;
    lastFirstDay = Date.UTC(Math.floor(number / 12), number % 12, 1) / dayMs;
  }
  return lastFirstDay;
}
