import type { AcceptedEvent } from '../../src/domain/columns';
import type { Funnel } from '../../src/domain/definitions';
import { localDay } from './buckets';
import { areWanted, byVisitor, eventsThatCount, matches, type Bots } from './events';

/**
 * Naive funnels, written from docs/metrics.md and sharing no code with projections/: every way a visitor could have taken the steps
 * is tried, one event after the other.
 */
export interface FunnelQuestion {
  merchantId: string;
  /** IANA name. */
  timezone: string;
  funnel: Funnel;
  /** Entry days, `2026-11-22`, both included. */
  from: string;
  to: string;
  bots: Bots;
}

export interface FunnelStepCounted {
  visitors: number;
  skipped: number;
  /** Milliseconds from the step before, of every visitor and entry day that has both, ascending. */
  durations: number[];
}

export function countFunnel(log: readonly AcceptedEvent[], question: FunnelQuestion): FunnelStepCounted[] {
  const counted = question.funnel.steps.map(() => ({ reached: new Set<string>(), took: new Set<string>(), durations: [] as number[] }));
  const counting = eventsThatCount(log, question).filter((event) => areWanted(event, question.bots));
  for (const events of byVisitor(counting)) {
    // Counted by their id alone, as distinct visitors are everywhere.
    const visitor = events[0]!.visitorId;
    const days = new Set(events.map((event) => localDay(question.timezone, event.time)));
    for (const day of days) {
      if (day < question.from || day > question.to) continue;
      const { took, tookAt } = followed(events, question, day);
      const furthest = Math.max(0, ...took);
      counted.forEach((step, i) => {
        if (i + 1 <= furthest) step.reached.add(visitor);
        if (took.has(i + 1)) step.took.add(visitor);
        if (tookAt.has(i) && tookAt.has(i + 1)) step.durations.push(tookAt.get(i + 1)! - tookAt.get(i)!);
      });
    }
  }
  return counted.map(({ reached, took, durations }) => ({
    visitors: reached.size,
    skipped: [...reached].filter((visitor) => !took.has(visitor)).length,
    durations: durations.sort((a, b) => a - b),
  }));
}

/** Steps taken from any entry of the day, and when, from its earliest entry, each could be taken first. Steps count from 1. */
function followed(events: readonly AcceptedEvent[], { funnel, timezone }: FunnelQuestion, day: string) {
  const took = new Set<number>();
  const tookAt = new Map<number, number>();
  const entries = events.flatMap((event) =>
    funnel.steps.flatMap((step, i) =>
      localDay(timezone, event.time) === day && matches(event, step) && (funnel.open || i === 0) ? [{ event, step: i + 1 }] : [],
    ),
  );
  for (const { event, step } of entries) for (const { step: reached } of waysFrom(events, funnel, event, step)) took.add(reached);
  const earliest = Math.min(...entries.map(({ event }) => event.time));
  const first = entries.filter(({ event }) => event.time === earliest);
  const lowest = Math.min(...first.map(({ step }) => step));
  for (const { event, step } of first) {
    if (step !== lowest) continue;
    for (const { step: reached, time } of waysFrom(events, funnel, event, step))
      tookAt.set(reached, Math.min(tookAt.get(reached) ?? Infinity, time));
  }
  return { took, tookAt };
}

/** Every (step, time) at which some way from an entry can be. */
function waysFrom(
  events: readonly AcceptedEvent[],
  funnel: Funnel,
  entry: AcceptedEvent,
  entryStep: number,
): { step: number; time: number }[] {
  const until = entry.time + funnel.windowSeconds * 1000;
  const ways: { step: number; time: number }[] = [];
  const seen = new Set<string>();
  /** `used`: the events of this instant that are spent; those of earlier ones cannot come again anyway. */
  const go = (step: number, time: number, used: readonly AcceptedEvent[]): void => {
    const key = `${step} ${time} ${used
      .map((event) => event.id)
      .sort()
      .join()}`;
    if (seen.has(key)) return;
    seen.add(key);
    ways.push({ step, time });
    const next = funnel.steps[step];
    if (next === undefined) return;
    for (const event of events) {
      if (event.time < time || event.time > until || used.includes(event) || !matches(event, next)) continue;
      go(step + 1, event.time, event.time === time ? [...used, event] : [event]);
    }
  };
  go(entryStep, entry.time, [entry]);
  return ways;
}
