/** The events of one visitor that match any step of one funnel, ascending by time; at equal times in order of the log. */
export interface Trail {
  /** Epoch ms. */
  readonly times: readonly number[];
  /** Bit k - 1: the event matches step k. */
  readonly masks: readonly number[];
}

export const emptyTrail: Trail = { times: [], masks: [] };

/** Place of the first event at or after `time`. */
export function placeAtOrAfter(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Both together; at equal times those of `a`, which stood before in the log, come first. */
export function mergedTrail(a: Trail, b: Trail): Trail {
  const times: number[] = [];
  const masks: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.times.length || j < b.times.length) {
    const first = j >= b.times.length || (i < a.times.length && a.times[i]! <= b.times[j]!);
    times.push(first ? a.times[i]! : b.times[j]!);
    masks.push(first ? a.masks[i++]! : b.masks[j++]!);
  }
  return { times, masks };
}

/** In order of time, those of equal times as they were. */
export function sortedTrail({ times, masks }: Trail): Trail {
  let ascending = true;
  for (let i = 1; i < times.length && ascending; i++) ascending = times[i - 1]! <= times[i]!;
  if (ascending) return { times, masks };
  const order = times.map((_, i) => i).sort((a, b) => times[a]! - times[b]!);
  return { times: order.map((i) => times[i]!), masks: order.map((i) => masks[i]!) };
}

/**
 * The latest `max` events of each step: an event is forgotten for the steps of which it is not among them, and altogether when none
 * is left. `forgottenAt` is the time of the latest event forgotten for any step, -1 where there was none.
 */
export function latestOfTrail(trail: Trail, max: number): { trail: Trail; forgottenAt: number } {
  if (trail.times.length <= max) return { trail, forgottenAt: -1 };
  const kept: number[] = [];
  let forgottenAt = -1;
  const times: number[] = [];
  const masks: number[] = [];
  for (let i = trail.times.length - 1; i >= 0; i--) {
    let mask = 0;
    for (let rest = trail.masks[i]!; rest !== 0; rest &= rest - 1) {
      const step = 31 - Math.clz32(rest & -rest);
      if ((kept[step] ?? 0) >= max) {
        forgottenAt = Math.max(forgottenAt, trail.times[i]!);
        continue;
      }
      kept[step] = (kept[step] ?? 0) + 1;
      mask |= 1 << step;
    }
    if (mask === 0) continue;
    times.push(trail.times[i]!);
    masks.push(mask);
  }
  return { trail: { times: times.reverse(), masks: masks.reverse() }, forgottenAt };
}
