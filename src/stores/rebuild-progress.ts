import type { ControlDocument } from './read-store';
import { scopeOf } from './overlays';
import type { RebuildRecord } from './records';

export interface RebuildProgress {
  /** Events of the log the new generation has read, duplicates included. */
  eventsRead: number;
  /**
   * What there is to read: the events the serving generation has read. It grows while events arrive. A rebuild of one merchant or of a
   * range passes over a part of the log: what it has read, and an estimate of what is still before it. Where the log ends before what
   * serves was counted to: what it has read.
   */
  eventsTotal: number;
  /** Average since the rebuild was asked for. */
  eventsPerSecond: number;
  /** 0 once there is nothing left; null while no rate is known. */
  secondsRemaining: number | null;
}

type Control = Pick<ControlDocument, '_id' | 'checkpoint'>;

/**
 * How far a rebuild is, from the two generations' control documents.
 * @param controls of the generation being built
 * @param liveControls of the generation that serves meanwhile, the same partitions; none when nothing serves yet
 * @param now epoch ms
 */
export function rebuildProgress(
  rebuild: Pick<RebuildRecord, 'requestedAt' | 'promotedAt' | 'finishedAt' | 'merchantId' | 'from' | 'to' | 'warning'>,
  controls: readonly Control[],
  liveControls: readonly Control[],
  now: number,
): RebuildProgress {
  const eventsRead = eventsOf(controls);
  const isWhole = scopeOf(rebuild) === undefined;
  const left = isWhole ? Math.max(0, eventsOf(liveControls) - eventsRead) : ahead(controls, liveControls);
  const eventsTotal = eventsRead + (rebuild.warning === undefined ? left : 0);
  const until = rebuild.promotedAt ?? rebuild.finishedAt ?? now;
  const seconds = Math.max(0.001, (until - rebuild.requestedAt) / 1000);
  const eventsPerSecond = Math.round(eventsRead / seconds);
  const secondsRemaining = eventsTotal === eventsRead ? 0 : eventsPerSecond === 0 ? null : Math.ceil(left / eventsPerSecond);
  return { eventsRead, eventsTotal, eventsPerSecond, secondsRemaining };
}

function eventsOf(controls: readonly Control[]): number {
  return controls.reduce((sum, { checkpoint }) => sum + checkpoint.events, 0);
}

/** Records between the two, at the serving generation's events per record. */
function ahead(controls: readonly Control[], liveControls: readonly Control[]): number {
  const revisions = new Map(controls.map(({ _id, checkpoint }) => [partitionIn(_id), checkpoint.revision]));
  let events = 0;
  for (const { _id, checkpoint } of liveControls) {
    const records = checkpoint.revision - (revisions.get(partitionIn(_id)) ?? -1);
    if (records > 0) events += (records * checkpoint.events) / (checkpoint.revision + 1);
  }
  return Math.round(events);
}

const partitionIn = (controlId: string): string => controlId.slice(controlId.indexOf('|') + 1);
