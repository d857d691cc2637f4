import { convoysOf } from '../../src/projecting/convoy';
import type { LivePointer, RebuildRecord } from '../../src/stores/records';

const now = 1_700_000_000_000;
const serves = (generationId: string, more: Partial<LivePointer> = {}): LivePointer => ({
  projection: 'traffic',
  generationId,
  version: 1,
  since: now - 3_600_000,
  ...more,
});
const rebuild = (state: RebuildRecord['state'], more: Partial<RebuildRecord> = {}): RebuildRecord => ({
  rebuildId: 'g2-traffic',
  projection: 'traffic',
  version: 1,
  state,
  generationId: 'g2',
  previousGenerationId: 'g1',
  promote: 'automatic',
  requestedAt: now - 60_000,
  ...more,
});

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
});
