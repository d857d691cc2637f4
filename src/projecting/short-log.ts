import { eventsStream } from '../domain/partition';
import type { EventStore } from '../stores/event-store';
import type { Versioned } from '../stores/read-store';
import type { WorkerRecord } from '../stores/records';
import type { Comparison, Revisions } from './promoting';

/** A log that ends before what readers may have seen was counted to: it was lost, or put back from an older backup. */
export interface ShortLog {
  /** What a rebuild can reach at all. */
  readonly reachable: Revisions;
  /** What that means, for people. */
  readonly warning: string;
}

/**
 * Asks the log only where the rebuild stands at its end without being level: everywhere else it has just to go on. What is required was
 * read before, so a log it was counted from ends there or later.
 * @throws StoreUnavailable
 */
export async function shortLogOf(
  eventStore: Pick<EventStore, 'last'>,
  generationId: string,
  { successor, required }: Pick<Comparison, 'successor' | 'required'>,
  workers: readonly Versioned<WorkerRecord>[],
): Promise<ShortLog | undefined> {
  const reached = (partition: number): number => successor.get(partition) ?? -1;
  const short: { stream: string; end: number; counted: number }[] = [];
  const reachable = new Map(required);
  for (const partition of partitionsAtEnd(generationId, workers)) {
    const counted = required.get(partition) ?? -1;
    if (reached(partition) >= counted) continue;
    const stream = eventsStream(partition);
    const last = await eventStore.last(stream);
    const end = last === undefined ? -1 : Number(last.revision);
    if (end >= counted) continue;
    short.push({ stream, end, counted });
    reachable.set(partition, end);
  }
  if (short.length === 0) return undefined;
  const [{ stream, end, counted }] = short as [(typeof short)[number]];
  const others = short.length === 1 ? '' : `, and ${short.length - 1} more partitions end early`;
  const warning =
    `the log was replaced or cut short: ${stream} ${end < 0 ? 'is empty' : `ends at revision ${end}`}, what serves has counted it up to ` +
    `${counted}${others}; promoting this one serves what the log holds, and what was counted beyond that is gone`;
  return { reachable, warning };
}

/** Those in which there is nothing behind what the generation has flushed, as their worker says. */
function partitionsAtEnd(generationId: string, workers: readonly Versioned<WorkerRecord>[]): Set<number> {
  const all = workers.flatMap(({ value }) => value.partitions).filter(({ generation }) => generation === generationId);
  return new Set(all.filter(({ caughtUpAt, head, checkpoint }) => caughtUpAt > 0 && head <= checkpoint).map(({ partition }) => partition));
}
