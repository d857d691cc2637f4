import { dayMs, dayNumberOf } from '../kit/zone';
import type { Course } from './course';
import { stepsAfter } from './same-instant';
import { placeAtOrAfter, stepsMax, stepsOf, timeOf, type Trail } from './trail';

/** Local days begin and end this near to UTC's. */
const zoneMarginMs = 15 * 3_600_000;

/** How far a visitor got from the entries of one day. */
export class Passage {
  /** Bit k - 1: step k was taken. Of a closed funnel the steps before it were as well; of an open one they may have been skipped. */
  taken = 0;
  /** Along the day's earliest entry, each step as early as possible: when it was taken, epoch ms; -1 where it was not. */
  readonly tookAt = new Float64Array(stepsMax);

  /** The furthest step, from 1; 0 where nothing was entered that day. */
  get reached(): number {
    return 32 - Math.clz32(this.taken);
  }

  clear(): void {
    this.taken = 0;
    this.tookAt.fill(-1);
  }
}

/** By number of steps done: when the latest entry of the day that got there began; -1 where none did. */
let latest = new Float64Array(stepsMax + 1);
let later = new Float64Array(stepsMax + 1);

/**
 * Follows the entries of a local day through the first `count` events of a trail; writes into `passage`. Of all entries that have done
 * the same steps only the latest matters for what is still to come, since its window ends last: so the trail is walked once, whatever
 * the entries.
 */
export function followDay(trail: Trail, count: number, course: Course, timezone: string, day: number, passage: Passage): void {
  passage.clear();
  if (count === 0) return;
  const { steps, open, windowMs } = course;
  const entering = open ? -1 : 1;
  const entriesEnd = (day + 1) * dayMs + zoneMarginMs;
  latest.fill(-1);
  let entered = -1;
  let done = 0;
  for (let from = placeAtOrAfter(trail, count, day * dayMs - zoneMarginMs), to: number; from < count; from = to) {
    const time = timeOf(trail[from]!);
    if (time > entriesEnd + windowMs) break;
    let any = 0;
    for (to = from; to < count && timeOf(trail[to]!) === time; to++) any |= stepsOf(trail[to]!);

    const enters = (any & entering) !== 0 && time <= entriesEnd && dayNumberOf(timezone, time) === day;
    if (entered < 0) {
      if (!enters) continue;
      entered = time;
      done = 31 - Math.clz32(any & entering & -(any & entering));
    }
    if (done < steps && time - entered <= windowMs) {
      const before = done;
      done = stepsAfter(trail, from, to, done);
      for (let step = before; step < done; step++) passage.tookAt[step] = time;
    }
    advance(trail, from, to, course, enters, passage);
    if (done === steps && passage.taken === (1 << steps) - 1) break;
  }
}

/** Takes the events at `from` up to `to`, all of one instant, into `latest`. */
function advance(trail: Trail, from: number, to: number, course: Course, enters: boolean, passage: Passage): void {
  const { steps, open, windowMs } = course;
  const time = timeOf(trail[from]!);
  later.set(latest);
  for (let done = 0; done < steps; done++) {
    const began = enters && (open || done === 0) ? time : latest[done]!;
    if (began < 0 || time - began > windowMs) continue;
    const reached = stepsAfter(trail, from, to, done);
    for (let step = done + 1; step <= reached; step++) {
      if (later[step]! < began) later[step] = began;
      passage.taken |= 1 << (step - 1);
    }
  }
  [latest, later] = [later, latest];
}
