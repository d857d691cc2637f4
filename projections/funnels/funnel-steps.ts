import type { ByteReader, ByteWriter } from '../kit/bytes';
import type { History, HistoryEvent } from '../kit/history';
import { dayNumberOf } from '../kit/zone';
import { courseOf, type Course } from './course';
import { followDay, Passage } from './passage';
import { stepsMatched } from './steps-matched';
import { binOf } from './time-bins';
import { keepLatest, placeAtOrAfter, stepsOf, timeOf, trailEvent, type Trail } from './trail';

/**
 * Events remembered of a visitor per step of a funnel, the latest. With more of them an event that comes late may find that those
 * it would have gone with are forgotten; what was counted stays counted.
 */
export const eventsPerStepMax = 200;

/** By place of the funnel in the merchant's definitions; undefined where no event matched any step. */
export type FunnelSteps = (FunnelTrail | undefined)[];

interface FunnelTrail {
  /** First those that are counted, ascending, then those that came since. */
  readonly events: number[];
  counted: number;
  /** Time of the latest event that is forgotten; -1 for none. Durations of days up to there stay as they were counted. */
  forgottenAt: number;
}

/** What is so of a visitor and an entry day. The same object is handed out again with the next change. */
export interface FunnelChange {
  /**
   * reached: the step was taken, or in an open funnel skipped by entering later. taken: told of open funnels alone, since in closed ones
   * what is reached was taken. time: it took that long from the step before, or (by = -1) no longer does.
   */
  kind: 'reached' | 'taken' | 'time';
  course: Course;
  /** From 1. */
  step: number;
  day: number;
  /** Of the duration: see time-bins.ts. */
  bin: number;
  by: 1 | -1;
}
type Emit = (change: FunnelChange) => void;

/** The events that match steps of the merchant's funnels, from which all of a funnel follows. */
export const funnelSteps: History<FunnelSteps, FunnelChange> = {
  name: 'funnel-steps',

  create: () => [],

  clear(trails) {
    trails.length = 0;
  },

  add(trails: FunnelSteps, event: HistoryEvent): void {
    const funnels = event.settings.definitions?.funnels;
    if (funnels === undefined || funnels.length === 0) return;
    const matched = stepsMatched(event.columns, funnels);
    for (let f = 0; f < matched.length; f++) {
      const steps = matched[f]!(event.row);
      if (steps !== 0) (trails[f] ??= newTrail()).events.push(trailEvent(event.time, steps));
    }
  },

  settle(trails, { settings }, emit): void {
    for (let f = 0; f < trails.length; f++) {
      const trail = trails[f];
      if (trail === undefined || trail.events.length === trail.counted) continue;
      settleTrail(trail, courseOf(settings.definitions!.funnels[f]!), settings.timezone, emit);
    }
  },

  /** How many, then of each its place, when it last forgot, how many events, and of each the time since the one before, and its steps. */
  write(trails, out: ByteWriter): void {
    let places = 0;
    for (const trail of trails) if (trail !== undefined) places++;
    if (places > 0) out.varint(places);
    for (let place = 0; place < trails.length; place++) {
      const trail = trails[place];
      if (trail === undefined) continue;
      out.varint(place);
      out.varint(trail.forgottenAt + 1);
      out.varint(trail.counted);
      let time = 0;
      for (const event of trail.events) {
        out.varint(timeOf(event) - time);
        out.varint(stepsOf(event));
        time = timeOf(event);
      }
    }
  },

  read(from: ByteReader, trails: FunnelSteps): void {
    for (let left = from.varint(); left > 0; left--) {
      const place = from.varint();
      while (trails.length < place) trails.push(undefined);
      const trail = newTrail();
      trail.forgottenAt = from.varint() - 1;
      trail.counted = from.varint();
      for (let i = 0, time = 0; i < trail.counted; i++) {
        time += from.varint();
        trail.events.push(trailEvent(time, from.varint()));
      }
      trails.push(trail);
    }
  },
};

const newTrail = (): FunnelTrail => ({ events: [], counted: 0, forgottenAt: -1 });

const before = new Passage();
const after = new Passage();
const days: number[] = [];

function settleTrail(trail: FunnelTrail, course: Course, timezone: string, emit: Emit): void {
  const { events, counted } = trail;
  let first = events[counted]!;
  let last = first;
  let ascending = true;
  for (let i = counted; i < events.length; i++) {
    const event = events[i]!;
    if (i > 0 && event < events[i - 1]!) ascending = false;
    if (event < first) first = event;
    if (event > last) last = event;
  }
  const countedEvents = ascending ? events : events.slice(0, counted);
  if (!ascending) events.sort((a, b) => a - b);

  findEntryDays(events, course, timezone, timeOf(first) - course.windowMs, timeOf(last));
  const forgottenDay = trail.forgottenAt < 0 ? -1 : dayNumberOf(timezone, trail.forgottenAt);
  for (const day of days) {
    followDay(countedEvents, counted, course, timezone, day, before);
    followDay(events, events.length, course, timezone, day, after);
    emitSteps(course, day, emit);
    if (day > forgottenDay) emitTimes(course, day, emit);
  }
  trail.forgottenAt = Math.max(trail.forgottenAt, keepLatest(events, eventsPerStepMax));
  trail.counted = events.length;
}

/** The local days of the entries in a span of time, into `days`: only from those can its events be reached. */
function findEntryDays(trail: Trail, { open }: Course, timezone: string, from: number, to: number): void {
  days.length = 0;
  for (let i = placeAtOrAfter(trail, trail.length, from); i < trail.length; i++) {
    const time = timeOf(trail[i]!);
    if (time > to) return;
    if (!open && (stepsOf(trail[i]!) & 1) === 0) continue;
    const day = dayNumberOf(timezone, time);
    if (day !== days[days.length - 1] && !days.includes(day)) days.push(day);
  }
}

/** More events never lead less far, so nothing is taken back. */
function emitSteps(course: Course, day: number, emit: Emit): void {
  for (let step = before.reached + 1; step <= after.reached; step++) tell('reached', course, step, day, 0, 1, emit);
  if (!course.open) return;
  for (let rest = after.taken & ~before.taken; rest !== 0; rest &= rest - 1)
    tell('taken', course, 32 - Math.clz32(rest & -rest), day, 0, 1, emit);
}

/** An earlier entry, or an earlier way on from it, takes other times. */
function emitTimes(course: Course, day: number, emit: Emit): void {
  for (let step = 2; step <= course.steps; step++) {
    const was = binOfStep(before, step);
    const is = binOfStep(after, step);
    if (was === is) continue;
    if (was >= 0) tell('time', course, step, day, was, -1, emit);
    if (is >= 0) tell('time', course, step, day, is, 1, emit);
  }
}

/** -1 where the step or the one before it was not taken. */
function binOfStep({ tookAt }: Passage, step: number): number {
  const from = tookAt[step - 2]!;
  const to = tookAt[step - 1]!;
  return from < 0 || to < 0 ? -1 : binOf(to - from);
}

let change: FunnelChange | undefined;

function tell(kind: FunnelChange['kind'], course: Course, step: number, day: number, bin: number, by: 1 | -1, emit: Emit): void {
  change ??= { kind, course, step, day, bin, by };
  change.kind = kind;
  change.course = course;
  change.step = step;
  change.day = day;
  change.bin = bin;
  change.by = by;
  emit(change);
}
