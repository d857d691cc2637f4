import { claimKey, claimsOf, notSaidByOthers } from '../stores/claims';
import type { Claim, WorkerPartition, WorkerRecord } from '../stores/records';

/**
 * What one worker ever told readers of how far partitions are complete, the furthest of each. It goes on telling what it gave up, or
 * took over anew, until it has told more itself or seen that another worker has: a reader who knows nothing yet is told no less.
 */
export class KeptClaims {
  private readonly told = new Map<string, Claim>();

  constructor(private readonly workerId: string) {}

  /** Takes in what the heartbeat is about to tell; gives what it must tell beside it. */
  beside(partitions: readonly WorkerPartition[]): Claim[] {
    const telling = new Map(claimsOf({ partitions }).map((claim) => [claimKey(claim), claim]));
    for (const [key, claim] of telling) if (claim.completeTo >= (this.told.get(key)?.completeTo ?? 0)) this.told.set(key, claim);
    return [...this.told].filter(([key, claim]) => telling.get(key) !== claim).map(([, claim]) => claim);
  }

  /** Lets go of what others have told as much of. */
  heard(workers: readonly WorkerRecord[]): void {
    const kept = new Set(notSaidByOthers([...this.told.values()], this.workerId, workers));
    for (const [key, claim] of this.told) if (!kept.has(claim)) this.told.delete(key);
  }

  /** Lets go of generations that nobody is answered from any more. */
  follow(generations: ReadonlySet<string>): void {
    for (const [key, { generation }] of this.told) if (!generations.has(generation)) this.told.delete(key);
  }
}
