import type { LivePointer, RebuildRecord } from '../stores/records';
import { sleep } from './timing';

/** A generation that stands aside for longer than this does not hold the serving one up. */
const waitMsMax = 2_000;
const lookEveryMs = 5;

/** Readers keep the pointer they read for half a second, and may still be answering when they let go of it. */
const readersFollowMs = 2_000;

/** While two generations change places, the one readers come from flushes only what the other has flushed already. */
export interface Convoy {
  readonly serving: string;
  readonly successor: string;
}

/**
 * The pairs about to change places, and those that just did: a reader who has not noticed yet must not see more from the old one
 * than the new one will show. Both fold the same partitions in the same process, each with flushes of its own; without
 * this the successor would almost never be ahead on every partition at once, and promoting it would let readers see less.
 */
export function convoysOf(rebuilds: readonly RebuildRecord[], live: readonly LivePointer[], now: number): Convoy[] {
  const changed = live.flatMap(({ generationId, previous, since }) =>
    previous === undefined || now - since >= readersFollowMs ? [] : [{ serving: previous.generationId, successor: generationId }],
  );
  const changing = rebuilds.flatMap((rebuild) => {
    const serving = live.find(({ projection }) => projection === rebuild.projection)?.generationId;
    if (serving === undefined) return [];
    const forward = rebuild.state === 'caught-up' && (rebuild.promote === 'automatic' || rebuild.wish === 'promote');
    if (forward && serving !== rebuild.generationId) return [{ serving, successor: rebuild.generationId }];
    const back = rebuild.state === 'live' && rebuild.wish === 'rollback' && rebuild.previousGenerationId !== null;
    if (back && serving === rebuild.generationId) return [{ serving, successor: rebuild.previousGenerationId! }];
    return [];
  });
  return [...changed, ...changing];
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
