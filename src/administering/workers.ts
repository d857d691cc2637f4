import { controlId, type WorkerPartition, type WorkerRecord } from '../stores/records';

/** A worker that was not heard of for this long does not count: it rewrites its record about once a second. */
const heartbeatMaxMs = 10_000;

/** One partition of one generation, as the worker that folds it says. */
export interface PartitionStanding extends WorkerPartition {
  workerId: string;
  /** Epoch ms. */
  at: number;
}

/** By control id; where two workers claim a partition, the one heard of last. */
export function standings(workers: readonly WorkerRecord[], now: number): Map<string, PartitionStanding> {
  const found = new Map<string, PartitionStanding>();
  for (const { workerId, at, partitions } of workers) {
    if (now - at > heartbeatMaxMs) continue;
    for (const partition of partitions) {
      const id = controlId(partition.generation, partition.partition);
      const other = found.get(id);
      if (other === undefined || other.at < at) found.set(id, { ...partition, workerId, at });
    }
  }
  return found;
}

/** Seconds the counts lie behind the log: 0 at its head, otherwise since the newest record counted. Null before the first. */
export function lagSeconds(
  standing: Pick<WorkerPartition, 'checkpoint' | 'checkpointTime' | 'caughtUpAt' | 'head'>,
  now: number,
): number | null {
  if (standing.checkpoint >= standing.head) return 0;
  const completeTo = Math.max(standing.checkpointTime, standing.caughtUpAt);
  return completeTo === 0 ? null : Math.max(0, Math.round((now - completeTo) / 100) / 10);
}
