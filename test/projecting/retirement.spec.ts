import pino from 'pino';
import type { CoordinatorContext } from '../../src/projecting/coordination';
import { readGenerations } from '../../src/projecting/generations';
import { Ledger } from '../../src/projecting/ledger';
import { Retirement } from '../../src/projecting/retirement';
import { overlayId } from '../../src/stores/overlays';
import { type GenerationRecord, type LivePointer, type Overlay, recordKinds } from '../../src/stores/records';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';

const dayMs = 24 * 3_600_000;
const now = 100 * dayMs;
const longAgo = now - dayMs;
const recently = now - dayMs + 1;
const shop = { merchantId: 'shop' };

const pointer = (generationId: string, since: number, previous?: string): LivePointer => ({
  ...{ projection: 'traffic', generationId, version: 1, since },
  ...(previous !== undefined && { previous: { generationId: previous, version: 1 } }),
});
const overlay = (generationId: string, since: number, more: Partial<Overlay> = {}): Overlay => ({
  ...{ projection: 'traffic', generationId, version: 1, scope: shop, since },
  ...more,
});

/** Whether a merchant's overlay of generation g5 is let go of in a round, beside what else there is. */
async function isLetGoOf(
  { live = pointer('g1', 0), others = [], settings = {} }: { live?: LivePointer; others?: Overlay[]; settings?: Record<string, number> },
  scope = shop as Overlay['scope'],
): Promise<boolean> {
  const readStore = new InMemoryReadStore();
  const { records } = readStore;
  const own = overlay('g5', 0, { scope });
  for (const generationId of ['g1', 'g3', 'g5', 'g7', 'g9', 'g10']) {
    const settingsRevision = settings[generationId];
    const generation: GenerationRecord = {
      ...{ generationId, projections: [{ name: 'traffic', version: 1 }], state: 'live', createdAt: 0, fingerprint: '' },
      ...(settingsRevision !== undefined && { settingsRevision }),
    };
    await records.put(recordKinds.generations, generationId, generation);
  }
  await records.put(recordKinds.live, 'traffic', live);
  for (const one of [own, ...others]) await records.put(recordKinds.overlays, overlayId(one), one);
  const context = {
    ...{ readStore, partitions: 2, catalog: [], now: () => now, logger: pino({ level: 'silent' }) },
    times: { retireAfterMs: dayMs, dropAfterMs: dayMs, forgetScopedAfterMs: dayMs },
  } as unknown as CoordinatorContext;
  await new Retirement(context, new Ledger(records)).round(await readGenerations(records));
  return (await records.get<Overlay>(recordKinds.overlays, overlayId(own)))!.value.withdrawnAt !== undefined;
}

describe('numbers counted apart', () => {
  it('stay while they are the youngest there are', async () => {
    expect(await isLetGoOf({})).toBe(false);
    expect(await isLetGoOf({ live: pointer('g3', 0), others: [overlay('g3', 0)] })).toBe(false);
  });

  it.each([
    ['are let go of behind what has served everybody for a day', pointer('g10', longAgo, 'g1'), true],
    ['stay for a day: a rollback of it would bring them back in front', pointer('g10', recently, 'g1'), false],
    ['are let go of where a rollback would not bring them back either', pointer('g10', recently, 'g7'), true],
    ['are let go of only a day after what nothing can be rolled back from', pointer('g10', recently), false],
  ])('%s', async (_what, live, expected) => {
    expect(await isLetGoOf({ live })).toBe(expected);
  });

  it.each<[string, Overlay, boolean]>([
    ['are let go of behind younger ones of the same merchant after a day', overlay('g10', longAgo), true],
    ['stay for that day', overlay('g10', recently), false],
    ['stay behind what was rolled back', overlay('g10', longAgo, { withdrawnAt: recently }), false],
    ['stay beside those of another projection', overlay('g10', longAgo, { projection: 'sessions' }), false],
    ['stay beside those of another merchant', overlay('g10', longAgo, { scope: { merchantId: 'other' } }), false],
    ['stay behind those of some days only', overlay('g10', longAgo, { scope: { ...shop, from: '2026-01-01' } }), false],
    ['stay in front of older ones', overlay('g3', longAgo), false],
  ])('%s', async (_what, other, expected) => {
    expect(await isLetGoOf({ others: [other] })).toBe(expected);
  });

  it('of some days are let go of behind those of all', async () => {
    expect(await isLetGoOf({ others: [overlay('g10', longAgo)] }, { ...shop, from: '2026-01-01' })).toBe(true);
  });

  it.each<[string, number, Record<string, number>, boolean]>([
    ['with older settings are let go of once readers have followed', now - 2_000, { g5: 3, g10: 4 }, true],
    ['with older settings stay until readers have followed', now - 1_999, { g5: 3, g10: 4 }, false],
    ['with the same settings stay for the day', now - 2_000, { g5: 4, g10: 4 }, false],
    ['with no settings of their own stay for the day', now - 2_000, { g10: 4 }, false],
    ['stay for the day behind what has none', now - 2_000, { g5: 3 }, false],
  ])('%s', async (_what, since, settings, expected) => {
    expect(await isLetGoOf({ others: [overlay('g10', since)], settings })).toBe(expected);
  });
});
