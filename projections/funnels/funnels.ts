import type { HistoryProjection } from '../kit/history';
import { funnelSteps, type FunnelChange } from './funnel-steps';

const steps = 0;
const times = 1;
const visitors = 0;
const takers = 1;

/** Which steps of the merchant's funnels visitors reach from their entries of a day, and how long each step took them. */
export const funnels: HistoryProjection<FunnelChange> = {
  kind: 'history',
  name: 'funnels',
  version: 2,
  history: funnelSteps,
  families: [
    { dimension: '', base: 'day', counters: [], members: ['visitors', 'takers'], money: [] },
    { dimension: 'times', base: 'day', counters: ['visitors'], members: [], money: [] },
  ],
  tell({ kind, course, step, day, bin, by }, _visitor, cells): void {
    if (kind === 'time') cells.count(times, cells.onDay(times, day, course.timeValueOf(step, bin)), 0, by);
    else cells.member(steps, cells.onDay(steps, day, course.valueOf(step)), kind === 'reached' ? visitors : takers, 1);
  },
};
