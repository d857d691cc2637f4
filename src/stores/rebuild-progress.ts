import type { ControlDocument } from './read-store';
import type { RebuildRecord } from './records';

export interface RebuildProgress {
  /** Events of the log the new generation has read, duplicates included. */
  eventsRead: number;
  /** Events the serving generation has read: what there is to reach. It grows while events arrive. */
  eventsTotal: number;
  /** Average since the rebuild was asked for. */
  eventsPerSecond: number;
  /** 0 once there is nothing left; null while no rate is known. */
  secondsRemaining: number | null;
}

/**
 * How far a rebuild is, from the two generations' control documents.
 * @param controls of the generation being built
 * @param liveControls of the generation that serves meanwhile; none when nothing serves yet
 * @param now epoch ms
 */
export function rebuildProgress(
  rebuild: Pick<RebuildRecord, 'requestedAt' | 'promotedAt' | 'finishedAt'>,
  controls: readonly Pick<ControlDocument, 'checkpoint'>[],
  liveControls: readonly Pick<ControlDocument, 'checkpoint'>[],
  now: number,
): RebuildProgress {
  const eventsRead = eventsOf(controls);
  const eventsTotal = Math.max(eventsRead, eventsOf(liveControls));
  const until = rebuild.promotedAt ?? rebuild.finishedAt ?? now;
  const seconds = Math.max(0.001, (until - rebuild.requestedAt) / 1000);
  const eventsPerSecond = Math.round(eventsRead / seconds);
  const left = eventsTotal - eventsRead;
  const secondsRemaining = left === 0 ? 0 : eventsPerSecond === 0 ? null : Math.ceil(left / eventsPerSecond);
  return { eventsRead, eventsTotal, eventsPerSecond, secondsRemaining };
}

function eventsOf(controls: readonly Pick<ControlDocument, 'checkpoint'>[]): number {
  return controls.reduce((sum, { checkpoint }) => sum + checkpoint.events, 0);
}
