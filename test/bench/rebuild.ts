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
  state: string;
  eventsRead: number;
}

/** From the request for resets to the promotion of what was counted; several projections are counted at the same time. */
export async function benchRebuild(recount: BenchedRecount, projections: readonly string[]): Promise<Rebuilt> {
  const before = recount.begin();
  const from = Date.now();
  const seconds = (): number => (Date.now() - from) / 1000;
  let events = 0;
  const each = projections.map(async (projection) => {
    const { rebuildId } = await recount.ask<{ rebuildId: string }>('POST', `/admin/projections/${projection}/reset`, {});
    let caughtUpSeconds: number | undefined;
    for (;;) {
      const { state, eventsRead } = await recount.ask<Standing>('GET', `/admin/rebuilds/${rebuildId}`);
      if (state === 'failed' || state === 'cancelled') throw new Error(`the rebuild of ${projection} is ${state}`);
      if (state !== 'building') caughtUpSeconds ??= seconds();
      events = Math.max(events, eventsRead);
      if (state === 'live') return caughtUpSeconds!;
      // The answer reads as many control documents as there are partitions: often enough to see, too rarely to weigh.
      await sleep(100);
    }
  });
  const caughtUpSeconds = Math.max(...(await Promise.all(each)));
  return {
    projections,
    events,
    caughtUpSeconds,
    liveSeconds: seconds(),
    eventsPerSecond: Math.round(events / caughtUpSeconds),
    processes: figuresPerEvent(before, recount.end(), events),
  };
}
