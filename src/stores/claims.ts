import type { Checkpoint } from './read-store';
import { controlId, type Claim, type WorkerPartition, type WorkerRecord } from './records';

/** Everything a worker has claimed and not let go of. */
export function claimsOf({ partitions, claims = [] }: { partitions: readonly WorkerPartition[]; claims?: readonly Claim[] }): Claim[] {
  const made = partitions.flatMap(({ generation, partition, checkpoint, checkpointTime, caughtUpAt }) =>
    caughtUpAt > 0 ? [{ generation, partition, revision: checkpoint, logTime: checkpointTime, completeTo: caughtUpAt }] : [],
  );
  return [...made, ...claims];
}

/** Of which partition of which generation a claim was made. */
export const claimKey = ({ generation, partition }: Pick<Claim, 'generation' | 'partition'>): string => controlId(generation, partition);

/** Of a worker's clock and that of the log. */
const clocksApartMsMax = 60_000;

/**
 * The furthest that claims about a partition say of a generation that has this checkpoint. A claim holds wherever what it was made of is
 * flushed: of its own generation from its revision on, of any other at the very same record, by which the log is known to be the same.
 * Where a later record is older than what was seen, the log is another one.
 * @returns epoch ms; 0 where none holds
 */
export function completeTo(
  claims: readonly Claim[],
  { generation, partition }: Pick<Claim, 'generation' | 'partition'>,
  checkpoint: Pick<Checkpoint, 'revision' | 'logTime'>,
): number {
  let furthest = 0;
  for (const claim of claims) {
    if (claim.partition !== partition || claim.completeTo <= furthest) continue;
    const isAtRecord = claim.revision === checkpoint.revision && claim.logTime === checkpoint.logTime;
    const isBefore = claim.revision < checkpoint.revision && claim.completeTo <= checkpoint.logTime + clocksApartMsMax;
    if (isAtRecord || (isBefore && claim.generation === generation)) furthest = claim.completeTo;
  }
  return furthest;
}

/**
 * Those of one worker that no other says as much of. Only these must be kept: of claims that say the same the one of the worker whose
 * id sorts last, so that of several records that are let go of at the same time the last is never among them.
 */
export function notSaidByOthers(own: readonly Claim[], workerId: string, workers: readonly WorkerRecord[]): Claim[] {
  const furthest = new Map<string, Said>();
  for (const other of workers) {
    if (other.workerId === workerId) continue;
    for (const claim of claimsOf(other)) {
      const said = { completeTo: claim.completeTo, workerId: other.workerId };
      const key = claimKey(claim);
      if (isBehind(furthest.get(key), said)) furthest.set(key, said);
    }
  }
  return own.filter((claim) => isBehind(furthest.get(claimKey(claim)), { completeTo: claim.completeTo, workerId }));
}

interface Said {
  readonly completeTo: number;
  readonly workerId: string;
}

const isBehind = (one: Said | undefined, other: Said): boolean =>
  one === undefined || one.completeTo < other.completeTo || (one.completeTo === other.completeTo && one.workerId < other.workerId);
