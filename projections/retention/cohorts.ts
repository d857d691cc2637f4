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
  {
    name: 'month',
    numberOf: (day) => {
      const date = new Date(day * dayMs);
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    },
    firstDay: (number) => Date.UTC(Math.floor(number / 12), number % 12, 1) / dayMs,
  },
];
