import { cpuPerEvent, sleep, type BenchedRecount } from './running';

export interface Rebuilt {
  projection: string;
  events: number;
  seconds: number;
  eventsPerSecond: number;
  processes: Record<string, string>;
}

/** From the request for a reset to the promotion of what it counted. */
export async function benchRebuild(recount: BenchedRecount, projection: string): Promise<Rebuilt> {
  const before = recount.usage();
  const from = Date.now();
  const { rebuildId } = await recount.ask<{ rebuildId: string }>('POST', `/admin/projections/${projection}/reset`, {});
  for (;;) {
    const { state, eventsRead } = await recount.ask<{ state: string; eventsRead: number }>('GET', `/admin/rebuilds/${rebuildId}`);
    if (state === 'failed' || state === 'cancelled') throw new Error(`the rebuild of ${projection} is ${state}`);
    if (state === 'live') {
      const seconds = (Date.now() - from) / 1000;
      return {
        projection,
        events: eventsRead,
        seconds,
        eventsPerSecond: Math.round(eventsRead / seconds),
        processes: cpuPerEvent(before, recount.usage(), eventsRead),
      };
    }
    await sleep(50);
  }
}
