/**
 * Events of one visitor that match any step of one funnel, each as one number: its time (epoch ms), and in the lowest ten bits the
 * steps it matches, bit k - 1 for step k. As numbers they are in order of time; good until the year 2248.
 */
export type Trail = readonly number[];

export const stepsMax = 10;
const timeUnit = 1 << stepsMax;

export const trailEvent = (time: number, steps: number): number => time * timeUnit + steps;
export const timeOf = (event: number): number => Math.floor(event / timeUnit);
export const stepsOf = (event: number): number => event - timeOf(event) * timeUnit;

/** Place of the first event at or after `time` among the first `count`, which ascend. */
export function placeAtOrAfter(trail: Trail, count: number, time: number): number {
  const least = time * timeUnit;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (trail[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Keeps the latest `max` events of each step, in place: an event is forgotten for the steps of which it is not among them, and
 * altogether when none is left.
 * @returns the time of the latest event forgotten for any step, -1 where there was none
 */
export function keepLatest(trail: number[], max: number): number {
  if (trail.length <= max) return -1;
  const kept = new Uint16Array(stepsMax);
  let forgottenAt = -1;
  let to = trail.length;
  for (let from = trail.length - 1; from >= 0; from--) {
    const time = timeOf(trail[from]!);
    let steps = stepsOf(trail[from]!);
    for (let rest = steps; rest !== 0; rest &= rest - 1) {
      const step = 31 - Math.clz32(rest & -rest);
      if (kept[step]! < max) kept[step]!++;
      else {
        steps &= ~(1 << step);
        forgottenAt = Math.max(forgottenAt, time);
      }
    }
    if (steps !== 0) trail[--to] = trailEvent(time, steps);
  }
  trail.splice(0, to);
  return forgottenAt;
}
