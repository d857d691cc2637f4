import { stepsOf, type Trail } from './trail';

/**
 * Events at the same instant may be taken in any order, each once: how many steps they complete is a matching of steps with events
 * (Kuhn's algorithm, a step at a time: a step that finds no event ends it, since later ones need it).
 */

/** Of more events that match the same steps than there are steps, the others change nothing. */
const alikeMax = 10;

/** Steps taken when `done` are and the events at `from` up to `to`, all of one instant, come next. */
export function stepsAfter(trail: Trail, from: number, to: number, done: number): number {
  if (to - from === 1) return done + ((stepsOf(trail[from]!) >> done) & 1);
  return furthest(withoutSurplus(trail, from, to), done);
}

/** The steps of each event. */
function withoutSurplus(trail: Trail, from: number, to: number): number[] {
  const group: number[] = [];
  let alike = 0;
  for (let i = from; i < to; i++) {
    const steps = stepsOf(trail[i]!);
    // Those that match the same are neighbours.
    alike = steps === group[group.length - 1] ? alike + 1 : 1;
    if (alike <= alikeMax) group.push(steps);
  }
  return group;
}

function furthest(group: readonly number[], done: number): number {
  /** Step that an event is taken for; -1 for none. */
  const stepOf = new Int8Array(group.length).fill(-1);
  const tried = new Uint8Array(group.length);
  const take = (step: number): boolean => {
    for (let event = 0; event < group.length; event++) {
      if (tried[event] === 1 || ((group[event]! >> step) & 1) === 0) continue;
      tried[event] = 1;
      if (stepOf[event] !== -1 && !take(stepOf[event]!)) continue;
      stepOf[event] = step;
      return true;
    }
    return false;
  };
  let step = done;
  while (take(step)) {
    tried.fill(0);
    step++;
  }
  return step;
}
