import type { EventColumns } from '../../src/domain/columns';
import type { Funnel } from '../../src/domain/definitions';
import { rowMatcher } from '../../src/domain/matching';

/** Which steps the event of a row matches: bit k - 1 for step k. */
type StepsMatched = (row: number) => number;

/** Blocks are folded one after the other, and what is found out of a block goes with it. */
const known = new WeakMap<EventColumns, Map<Funnel, StepsMatched>>();

/** Asked row by row: the block may be of many merchants, each with a few rows and funnels of its own. */
export function stepsMatched(columns: EventColumns, funnel: Funnel): StepsMatched {
  let byFunnel = known.get(columns);
  if (byFunnel === undefined) known.set(columns, (byFunnel = new Map()));
  let matched = byFunnel.get(funnel);
  if (matched === undefined) byFunnel.set(funnel, (matched = matcherOf(columns, funnel)));
  return matched;
}

function matcherOf(columns: EventColumns, { steps }: Funnel): StepsMatched {
  const matchers = steps.map((step) => rowMatcher(columns, step));
  return (row) => {
    let mask = 0;
    for (let step = 0; step < matchers.length; step++) if (matchers[step]!(row)) mask |= 1 << step;
    return mask;
  };
}
