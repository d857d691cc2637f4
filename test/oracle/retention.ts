import type { AcceptedEvent } from '../../src/domain/columns';
import { localDay } from './buckets';
import { areWanted, byVisitor, eventsThatCount, type Bots } from './events';

/**
 * A naive retention table, written from docs/metrics.md and sharing no code with projections/: visitors of each cohort by the period
 * in which they have an event.
 */
export interface RetentionQuestion {
  merchantId: string;
  /** IANA name. */
  timezone: string;
  interval: 'day' | 'week' | 'month';
  bots: Bots;
}

/** By first day of the cohort and period, as `2026-11-02 3`; only what is not zero. */
export function retentionTable(log: readonly AcceptedEvent[], question: RetentionQuestion): Record<string, number> {
  const table: Record<string, number> = {};
  const counting = eventsThatCount(log, question).filter((event) => areWanted(event, question.bots));
  for (const events of byVisitor(counting)) {
    const starts = [...new Set(events.map((event) => startOf(question.interval, localDay(question.timezone, event.time))))].sort();
    const cohort = starts[0]!;
    for (const start of starts) {
      const cell = `${cohort} ${periodsBetween(question.interval, cohort, start)}`;
      table[cell] = (table[cell] ?? 0) + 1;
    }
  }
  return table;
}

/** First day of the interval that holds a day. */
export function startOf(interval: 'day' | 'week' | 'month', day: string): string {
  if (interval === 'day') return day;
  if (interval === 'month') return `${day.slice(0, 7)}-01`;
  const date = new Date(`${day}T12:00:00Z`);
  while (date.getUTCDay() !== 1) date.setUTCDate(date.getUTCDate() - 1);
  return date.toISOString().slice(0, 10);
}

/** Counted by walking the calendar. */
export function periodsBetween(interval: 'day' | 'week' | 'month', from: string, to: string): number {
  const date = new Date(`${from}T12:00:00Z`);
  let periods = 0;
  while (date.toISOString().slice(0, 10) < to) {
    if (interval === 'month') date.setUTCMonth(date.getUTCMonth() + 1);
    else date.setUTCDate(date.getUTCDate() + (interval === 'week' ? 7 : 1));
    periods++;
  }
  return periods;
}
