import { sleep } from './figures';
import type { BenchedRecount } from './running';
import { figuresPerEvent, type ProcessFigures } from './usage';

export interface Rebuilt {
  projections: readonly string[];
  /** Of the log, which each projection reads once. */
  events: number;
  /** From the request until every one had caught up with the head of the log. */
  caughtUpSeconds: number;
  /** From the request until every one served. */
  liveSeconds: number;
  /** Of the log, over caughtUpSeconds. */
  eventsPerSecond: number;
  processes: Record<string, ProcessFigures>;
}

interface Standing {
  rebuildId: string;
  projection: string;
  state: string;
  eventsRead: number;
}

/** From the request for resets to the promotion of what was counted; several projections are counted at the same time. */
export async function benchRebuild(recount: BenchedRecount, projections: readonly string[]): Promise<Rebuilt> {
  const before = recount.begin();
  const from = Date.now();
  const seconds = (): number => (Date.now() - from) / 1000;
  const open = new Set<string>();
  for (const projection of projections) {
    const { rebuildId } = await recount.ask<{ rebuildId: string }>('POST', `/admin/projections/${projection}/reset`, {});
    open.add(rebuildId);
  }
  let events = 0;
  let caughtUpSeconds: number | undefined;
  while (open.size > 0) {
    // One answer for all of them, often enough to see and too rarely to weigh.
    const { rebuilds } = await recount.ask<{ rebuilds: Standing[] }>('GET', '/admin/rebuilds');
    const asked = rebuilds.filter(({ rebuildId }) => open.has(rebuildId));
    for (const { projection, rebuildId, state, eventsRead } of asked) {
      if (state === 'failed' || state === 'cancelled') throw new Error(`the rebuild of ${projection} is ${state}`);
      events = Math.max(events, eventsRead);
      if (state === 'live') open.delete(rebuildId);
    }
    if (asked.every(({ state }) => state !== 'building')) caughtUpSeconds ??= seconds();
    if (open.size > 0) await sleep(250);
  }
  return {
    projections,
    events,
    caughtUpSeconds: caughtUpSeconds!,
    liveSeconds: seconds(),
    eventsPerSecond: Math.round(events / caughtUpSeconds!),
    processes: figuresPerEvent(before, recount.end(), events),
  };
}
