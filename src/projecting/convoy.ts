import type { RebuildRecord } from '../stores/records';
import { sleep } from './timing';

/** A generation that stands aside for longer than this does not hold the serving one up. */
const waitMsMax = 2_000;
const lookEveryMs = 5;

/** While two generations change places, the serving one flushes only what the other has flushed already. */
export interface Convoy {
  readonly serving: string;
  readonly successor: string;
}

/**
 * The pairs about to change places. Both fold the same partitions in the same process, each with flushes of its own; without
 * this the successor would almost never be ahead on every partition at once, and promoting it would let readers see less.
 */
export function convoysOf(rebuilds: readonly RebuildRecord[], servingOf: (projection: string) => string | undefined): Convoy[] {
  return rebuilds.flatMap((rebuild) => {
    const serving = servingOf(rebuild.projection);
    if (serving === undefined) return [];
    const forward = rebuild.state === 'caught-up' && (rebuild.promote === 'automatic' || rebuild.wish === 'promote');
    if (forward && serving !== rebuild.generationId) return [{ serving, successor: rebuild.generationId }];
    const back = rebuild.state === 'live' && rebuild.wish === 'rollback' && rebuild.previousGenerationId !== null;
    if (back && serving === rebuild.generationId) return [{ serving, successor: rebuild.previousGenerationId! }];
    return [];
  });
}

export interface Follower {
  readonly isFollowing: boolean;
  readonly status: { readonly checkpoint: number };
}

/** Waits until the successor has flushed to r1, as long as it is following the log and for a bounded time. */
export async function waitForSuccessor(follower: () => Follower | undefined, r1: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + waitMsMax;
  while (!signal.aborted && performance.now() < until) {
    const successor = follower();
    if (successor === undefined || !successor.isFollowing || successor.status.checkpoint >= r1) return;
    await sleep(lookEveryMs, signal);
  }
}
