import type { Funnel } from '../../src/domain/definitions';
import type { ByteReader, ByteWriter } from '../kit/bytes';
import type { History, HistoryEvent, VisitorOf } from '../kit/history';
import { dayNumberOf } from '../kit/zone';
import { followDay, Passage, type Course } from './passage';
import { stepsMatched } from './steps-matched';
import { binOf } from './time-bins';
import { emptyTrail, latestOfTrail, mergedTrail, placeAtOrAfter, sortedTrail, type Trail } from './trail';

/**
 * Events remembered of a visitor per step of a funnel, the latest. With more of them an event that comes late may find that those
 * it would have gone with are forgotten; what was counted stays counted.
 */
export const eventsPerStepMax = 200;

/** By place of the funnel in the merchant's definitions; undefined where no event matched any step. */
export interface FunnelSteps {
  readonly trails: (FunnelTrail | undefined)[];
}

interface FunnelTrail {
  /** What is counted. */
  counted: Trail;
  /** What came since, in order of the log. */
  fresh: { times: number[]; masks: number[] };
  /** Time of the latest event that is forgotten; -1 for none. Durations of days up to there stay as they were counted. */
  forgottenAt: number;
}

/** What is so of a visitor and an entry day: step k is reached, step k was taken, or (by = -1: no longer) took that long. */
export type FunnelChange =
  /** Taken, or in an open funnel skipped by entering later. */
  | { readonly kind: 'reached'; readonly funnelId: string; readonly step: number; readonly day: number }
  /** Told of open funnels alone: in closed ones what is reached was taken. */
  | { readonly kind: 'taken'; readonly funnelId: string; readonly step: number; readonly day: number }
  /** From the step before to this one. */
  | {
      readonly kind: 'time';
      readonly funnelId: string;
      readonly step: number;
      readonly day: number;
      readonly bin: number;
      readonly by: 1 | -1;
    };

/** The events that match steps of the merchant's funnels, from which all of a funnel follows. */
export const funnelSteps: History<FunnelSteps, FunnelChange> = {
  name: 'funnel-steps',

  create: () => ({ trails: [] }),

  add({ trails }: FunnelSteps, event: HistoryEvent): void {
    const funnels = event.settings.definitions?.funnels;
    if (funnels === undefined) return;
    for (let f = 0; f < funnels.length; f++) {
      const mask = stepsMatched(event.columns, funnels[f]!)(event.row);
      if (mask === 0) continue;
      const { fresh } = (trails[f] ??= { counted: emptyTrail, fresh: { times: [], masks: [] }, forgottenAt: -1 });
      fresh.times.push(event.time);
      fresh.masks.push(mask);
    }
  },

  settle({ trails }, visitor, emit): void {
    for (let f = 0; f < trails.length; f++) {
      const trail = trails[f];
      if (trail !== undefined && trail.fresh.times.length > 0) settleTrail(trail, visitor.settings.definitions!.funnels[f]!, visitor, emit);
    }
  },

  /** How many, then of each its place, when it last forgot, how many events, and of each the time since the one before, and its steps. */
  write({ trails }, out: ByteWriter): void {
    out.varint(trails.filter((trail) => trail !== undefined).length);
    trails.forEach((trail, place) => {
      if (trail === undefined) return;
      const { times, masks } = trail.counted;
      out.varint(place);
      out.varint(trail.forgottenAt + 1);
      out.varint(times.length);
      for (let i = 0; i < times.length; i++) {
        out.varint(i === 0 ? times[0]! : times[i]! - times[i - 1]!);
        out.varint(masks[i]!);
      }
    });
  },

  read(from: ByteReader): FunnelSteps {
    const trails: (FunnelTrail | undefined)[] = [];
    for (let left = from.varint(); left > 0; left--) {
      const place = from.varint();
      while (trails.length < place) trails.push(undefined);
      const forgottenAt = from.varint() - 1;
      const times = new Array<number>(from.varint());
      const masks = new Array<number>(times.length);
      for (let i = 0; i < times.length; i++) {
        times[i] = from.varint() + (i === 0 ? 0 : times[i - 1]!);
        masks[i] = from.varint();
      }
      trails.push({ counted: { times, masks }, fresh: { times: [], masks: [] }, forgottenAt });
    }
    return { trails };
  },
};

const passageBefore = new Passage();
const passageAfter = new Passage();

function settleTrail(trail: FunnelTrail, funnel: Funnel, { settings }: VisitorOf, emit: (change: FunnelChange) => void): void {
  const course: Course = { steps: funnel.steps.length, open: funnel.open, windowMs: funnel.windowSeconds * 1000 };
  const fresh = sortedTrail(trail.fresh);
  const all = mergedTrail(trail.counted, fresh);
  for (const day of entryDays(all, course, settings.timezone, fresh.times[0]! - course.windowMs, fresh.times.at(-1)!)) {
    followDay(trail.counted, course, settings.timezone, day, passageBefore);
    followDay(all, course, settings.timezone, day, passageAfter);
    emitSteps(funnel, day, emit);
    if (trail.forgottenAt < 0 || day > dayNumberOf(settings.timezone, trail.forgottenAt)) emitTimes(funnel, day, emit);
  }
  const latest = latestOfTrail(all, eventsPerStepMax);
  trail.counted = latest.trail;
  trail.forgottenAt = Math.max(trail.forgottenAt, latest.forgottenAt);
  trail.fresh = { times: [], masks: [] };
}

/** The local days of the entries in a span of time: only from those can its events be reached. */
function entryDays(trail: Trail, course: Course, timezone: string, from: number, to: number): number[] {
  const days: number[] = [];
  for (let i = placeAtOrAfter(trail.times, from); i < trail.times.length && trail.times[i]! <= to; i++) {
    if (!course.open && (trail.masks[i]! & 1) === 0) continue;
    const day = dayNumberOf(timezone, trail.times[i]!);
    if (day !== days.at(-1) && !days.includes(day)) days.push(day);
  }
  return days;
}

/** More events never lead less far, so nothing is taken back. */
function emitSteps({ funnelId, open }: Funnel, day: number, emit: (change: FunnelChange) => void): void {
  for (let step = passageBefore.reached + 1; step <= passageAfter.reached; step++) emit({ kind: 'reached', funnelId, step, day });
  if (!open) return;
  for (let rest = passageAfter.taken & ~passageBefore.taken; rest !== 0; rest &= rest - 1)
    emit({ kind: 'taken', funnelId, step: 32 - Math.clz32(rest & -rest), day });
}

/** An earlier entry, or an earlier way on from it, takes other times. */
function emitTimes({ funnelId, steps }: Funnel, day: number, emit: (change: FunnelChange) => void): void {
  for (let step = 2; step <= steps.length; step++) {
    const before = binOfStep(passageBefore, step);
    const after = binOfStep(passageAfter, step);
    if (before === after) continue;
    if (before >= 0) emit({ kind: 'time', funnelId, step, day, bin: before, by: -1 });
    if (after >= 0) emit({ kind: 'time', funnelId, step, day, bin: after, by: 1 });
  }
}

/** -1 where the step or the one before it was not taken. */
function binOfStep({ tookAt }: Passage, step: number): number {
  const from = tookAt[step - 2]!;
  const to = tookAt[step - 1]!;
  return from < 0 || to < 0 ? -1 : binOf(to - from);
}
