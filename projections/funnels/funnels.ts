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
  version: 1,
  history: funnelSteps,
  families: [
    { dimension: '', base: 'day', counters: [], members: ['visitors', 'takers'], money: [] },
    { dimension: 'times', base: 'day', counters: ['visitors'], members: [], money: [] },
  ],
  tell(change, _visitor, cells): void {
    const { funnelId, step, day } = change;
    switch (change.kind) {
      case 'reached':
        cells.member(steps, cells.onDay(steps, day, stepValue(funnelId, step)), visitors, 1);
        return;
      case 'taken':
        cells.member(steps, cells.onDay(steps, day, stepValue(funnelId, step)), takers, 1);
        return;
      case 'time':
        cells.count(times, cells.onDay(times, day, `${stepValue(funnelId, step)}|${change.bin}`), 0, change.by);
        return;
    }
  },
};

/** The dimension value of a step in family `funnels`; in `funnels.times` the bin follows. */
export const stepValue = (funnelId: string, step: number | ''): string => `${funnelId}|${step}`;
