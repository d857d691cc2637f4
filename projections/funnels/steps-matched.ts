import type { EventColumns } from '../../src/domain/columns';
import type { Funnel } from '../../src/domain/definitions';
import { rowMatcher } from '../../src/domain/matching';

/** Which steps the event of a row matches: bit k - 1 for step k. */
type StepsMatched = (row: number) => number;
type Funnels = readonly Funnel[];

/** Blocks are folded one after the other, and what is found out of a block goes with it. */
const known = new WeakMap<EventColumns, Map<Funnels, readonly StepsMatched[]>>();
// Rows come in runs of one merchant.
let lastColumns: EventColumns | undefined;
let lastFunnels: Funnels | undefined;
let last: readonly StepsMatched[] = [];

/** One a funnel; asked row by row, since the block may be of many merchants, each with a few rows and funnels of its own. */
export function stepsMatched(columns: EventColumns, funnels: Funnels): readonly StepsMatched[] {
  if (columns === lastColumns && funnels === lastFunnels) return last;
  let byFunnels = known.get(columns);
  if (byFunnels === undefined) known.set(columns, (byFunnels = new Map()));
  let matched = byFunnels.get(funnels);
  if (matched === undefined) byFunnels.set(funnels, (matched = funnels.map((funnel) => matcherOf(columns, funnel))));
  lastColumns = columns;
  lastFunnels = funnels;
  return (last = matched);
}

function matcherOf(columns: EventColumns, { steps }: Funnel): StepsMatched {
  const matchers = steps.map((step) => rowMatcher(columns, step));
  return (row) => {
    let mask = 0;
    for (let step = 0; step < matchers.length; step++) if (matchers[step]!(row)) mask |= 1 << step;
    return mask;
  };
}
