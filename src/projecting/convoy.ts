import { scopeOf } from '../stores/overlays';
import { generationNumber } from '../stores/records';
import { behind, type GenerationsView } from './generations';
import { sleep } from './timing';

/** A generation that stands aside for longer than this does not hold the serving one up. */
const waitMsMax = 2_000;
const lookEveryMs = 5;

/** Readers keep the pointer they read for half a second, and may still be answering when they let go of it. */
export const readersFollowMs = 2_000;

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
export function convoysOf(view: Pick<GenerationsView, 'live' | 'overlays' | 'rebuilds'>, now: number): Convoy[] {
  return [...changed(view, now), ...changing(view)];
}

type View = Parameters<typeof convoysOf>[0];

function changed(view: View, now: number): Convoy[] {
  const live = [...view.live.values()].flatMap(({ value: { projection, generationId, previous, since } }) => {
    if (previous === undefined || now - since >= readersFollowMs) return [];
    const isBack = generationNumber(previous.generationId) > generationNumber(generationId);
    const [older, younger] = isBack ? [generationId, previous.generationId] : [previous.generationId, generationId];
    return behind(view, { projection, generationId: younger, scope: undefined }, older).map((other) =>
      isBack ? { serving: younger, successor: other } : { serving: other, successor: younger },
    );
  });
  const overlaid = [...view.overlays.values()].flatMap(({ value }) => {
    const { generationId, since, withdrawnAt } = value;
    const pointer = view.live.get(value.projection)?.value;
    if (pointer === undefined || now - (withdrawnAt ?? since) >= readersFollowMs) return [];
    return behind(view, value, pointer.generationId).map((other) =>
      withdrawnAt === undefined ? { serving: other, successor: generationId } : { serving: generationId, successor: other },
    );
  });
  return [...live, ...overlaid];
}

function changing(view: View): Convoy[] {
  return view.rebuilds.flatMap(({ value: rebuild }) => {
    const { generationId, projection, state, promote, wish, previousGenerationId } = rebuild;
    const serving = view.live.get(projection)?.value.generationId;
    if (serving === undefined) return [];
    const scope = scopeOf(rebuild);
    if (state === 'caught-up' && (promote === 'automatic' || wish === 'promote')) {
      return behind(view, { projection, generationId, scope }, serving).map((other) => ({ serving: other, successor: generationId }));
    }
    if (state !== 'live' || wish !== 'rollback') return [];
    const beneath = scope === undefined ? previousGenerationId : serving;
    if (beneath === null || (scope === undefined && serving !== generationId)) return [];
    return behind(view, { projection, generationId, scope }, beneath).map((other) => ({ serving: generationId, successor: other }));
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
