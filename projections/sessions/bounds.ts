import type { Visit } from './visit';
import type { VisitorEvents } from './visitor-events';

interface Bounded {
  readonly runs: Visit[];
  readonly named: Visit[];
  readonly events: VisitorEvents;
  first(): Visit | undefined;
}

/** Events of a visitor that are kept apart, the latest. Within its earlier ones a session cannot be split. */
export const eventsMax = 1_000;
/** How many of them are kept when there are more: that happens seldom, not with every event. */
const eventsKept = 750;
/** Sessions of a visitor that may change, the latest and the first. What others counted stays counted. */
export const sessionsMax = 100;
/** Pages and origins that may be no event's any more. */
const surplusNamesMax = 32;

/** Only ever after settling. What is given up depends on the visitor's events alone. */
export function keepBounds(visits: Bounded): void {
  const { runs, named, events } = visits;
  if (runs.length + named.length > sessionsMax) forgetOldest(visits);
  let count = 0;
  for (let i = 0; i < runs.length; i++) count += runs[i]!.count;
  for (let i = 0; i < named.length; i++) count += named[i]!.count;
  if (count > eventsMax) {
    for (const visit of byStart([...runs, ...named])) {
      if (count <= eventsKept) break;
      const folded = Math.min(visit.count, count - eventsKept);
      visit.fold(folded, events);
      count -= folded;
    }
  }
  if (events.pageCount > count + surplusNamesMax || events.originCount > count + surplusNamesMax) events.compact([...runs, ...named]);
}

function forgetOldest(visits: Bounded): void {
  const { runs, named } = visits;
  const first = visits.first();
  const others = byStart([...runs, ...named].filter((visit) => visit !== first));
  for (const visit of others.slice(0, others.length + 1 - sessionsMax)) {
    const among = visit.id === '' ? runs : named;
    among.splice(among.indexOf(visit), 1);
  }
}

const byStart = (visits: Visit[]): Visit[] => visits.sort((a, b) => a.start - b.start);
