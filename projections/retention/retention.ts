import type { HistoryProjection } from '../kit/history';
import { activeDays, type CellChange } from './active-days';
import { cohortIntervals } from './cohorts';

/** Cohorts by the day, week and month in which visitors were first seen, and in which periods after it they were there again. */
export const retention: HistoryProjection<CellChange> = {
  kind: 'history',
  name: 'retention',
  version: 1,
  history: activeDays,
  families: cohortIntervals.map(({ name }) => ({ dimension: name, base: 'day', counters: ['visitors'], members: [], money: [] })),
  tell({ interval, cohortDay, period, by }, _visitor, cells): void {
    cells.count(interval, cells.onDay(interval, cohortDay, String(period)), 0, by);
  },
};
