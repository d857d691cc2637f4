import { convoysOf as convoysIn, waitForSuccessor, type Convoy, type Follower } from '../../src/projecting/convoy';
import { overlayId } from '../../src/stores/overlays';
import type { LivePointer, Overlay, RebuildRecord } from '../../src/stores/records';
import { rebuildRecord } from '../stores/rebuild-record';

const now = 1_700_000_000_000;
const serves = (generationId: string, more: Partial<LivePointer> = {}): LivePointer => ({
  projection: 'traffic',
  generationId,
  version: 1,
  since: now - 3_600_000,
  ...more,
});
const rebuild = (state: RebuildRecord['state'], more: Partial<RebuildRecord> = {}): RebuildRecord =>
  rebuildRecord({ state, requestedAt: now - 60_000, ...more });

const convoysOf = (rebuilds: RebuildRecord[], live: LivePointer[], at: number, overlays: Overlay[] = []): Convoy[] =>
  convoysIn(
    {
      rebuilds: rebuilds.map((value) => ({ id: value.rebuildId, rev: 1, value })),
      live: new Map(live.map((value) => [value.projection, { id: value.projection, rev: 1, value }])),
      overlays: new Map(overlays.map((value) => [overlayId(value), { id: overlayId(value), rev: 1, value }])),
    },
    at,
  );

describe('generations that change places', () => {
  it('go together from the moment the new one is to serve', () => {
    expect(convoysOf([rebuild('building')], [serves('g1')], now)).toEqual([]);
    expect(convoysOf([rebuild('caught-up', { promote: 'manual' })], [serves('g1')], now)).toEqual([]);
    expect(convoysOf([rebuild('caught-up')], [serves('g1')], now)).toEqual([{ serving: 'g1', successor: 'g2' }]);
  });

  it('go on together until every reader has noticed, and no longer', () => {
    const promoted = serves('g2', { since: now, previous: { generationId: 'g1', version: 1 } });
    const together = [{ serving: 'g1', successor: 'g2' }];
    // The pointer is written before the rebuild says so.
    expect(convoysOf([rebuild('caught-up')], [promoted], now + 10)).toEqual(together);
    expect(convoysOf([rebuild('live')], [promoted], now + 1_000)).toEqual(together);
    expect(convoysOf([rebuild('live')], [promoted], now + 10_000)).toEqual([]);
  });

  it('do the same on the way back', () => {
    const promoted = serves('g2', { previous: { generationId: 'g1', version: 1 } });
    expect(convoysOf([rebuild('live', { wish: 'rollback' })], [promoted], now)).toEqual([{ serving: 'g2', successor: 'g1' }]);
    const back = serves('g1', { since: now, previous: { generationId: 'g2', version: 1 } });
    expect(convoysOf([rebuild('caught-up', { promote: 'manual' })], [back], now + 500)).toEqual([{ serving: 'g2', successor: 'g1' }]);
  });

  it('take along what stands in front of the older one', () => {
    const scope = { merchantId: 'shop' };
    const overlay = { projection: 'traffic', generationId: 'g2', version: 1, scope, since: now };
    const ofMerchant = rebuild('caught-up', { merchantId: 'shop' });
    expect(convoysOf([ofMerchant], [serves('g1')], now)).toEqual([{ serving: 'g1', successor: 'g2' }]);
    expect(convoysOf([], [serves('g1')], now + 500, [overlay])).toEqual([{ serving: 'g1', successor: 'g2' }]);
    expect(convoysOf([], [serves('g1')], now + 9_000, [overlay])).toEqual([]);
    const whole = rebuild('caught-up', { generationId: 'g3' });
    expect(convoysOf([whole], [serves('g1')], now + 9_000, [overlay])).toEqual([
      { serving: 'g1', successor: 'g3' },
      { serving: 'g2', successor: 'g3' },
    ]);
    const withdrawn = { ...overlay, withdrawnAt: now + 9_000 };
    expect(convoysOf([], [serves('g1')], now + 9_500, [withdrawn])).toEqual([{ serving: 'g2', successor: 'g1' }]);
  });
});

describe('whoever is to give way', () => {
  const signal = new AbortController().signal;
  /** How often it is looked at until the wait is over. */
  const looksUntil = async (seen: readonly (Follower | undefined)[], r1: number): Promise<number> => {
    let looks = 0;
    await waitForSuccessor(() => seen[Math.min(looks++, seen.length - 1)], r1, signal);
    return looks;
  };
  const at = (checkpoint: number, isFollowing = true): Follower => ({ isFollowing, status: { checkpoint } });

  it('waits until its successor has flushed as much', async () => {
    expect(await looksUntil([at(6), at(6), at(7)], 7)).toBe(3);
    expect(await looksUntil([at(8)], 7)).toBe(1);
  });

  it('does not wait for one that is gone or has stopped following the log', async () => {
    expect(await looksUntil([at(6), undefined], 7)).toBe(2);
    expect(await looksUntil([at(6), at(6, false)], 7)).toBe(2);
  });
});
