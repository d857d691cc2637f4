import type { CoordinatorContext } from '../../src/projecting/coordination';
import { type GenerationsView, readGenerations } from '../../src/projecting/generations';
import { Ledger } from '../../src/projecting/ledger';
import { SettingsChanges } from '../../src/projecting/settings-changes';
import type { Starting } from '../../src/projecting/starting';
import { type RebuildRecord, recordKinds, settingsId } from '../../src/stores/records';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { rebuildRecord } from '../stores/rebuild-record';

const ofSettings = { merchantId: 'shop', settingsRevision: 7 };
const failed = (generationId: string, more: Partial<RebuildRecord> = {}): RebuildRecord =>
  rebuildRecord({ rebuildId: `${generationId}-${more.projection ?? 'traffic'}`, generationId, state: 'failed', ...ofSettings, ...more });

/** The changes of settings that wait once a rebuild is about to fail, beside what was counted before. */
async function asked(rebuild: RebuildRecord, before: readonly RebuildRecord[]): Promise<{ id: string; value: unknown }[]> {
  const { records } = new InMemoryReadStore();
  for (const one of [...before, rebuild]) await records.put(recordKinds.rebuilds, one.rebuildId, one);
  const view: GenerationsView = await readGenerations(records);
  await new SettingsChanges({} as CoordinatorContext, new Ledger(records), {} as Starting).again(rebuild, view);
  return (await records.list(recordKinds.settingsChanges)).map(({ id, value }) => ({ id, value }));
}
const building = failed('g9', { state: 'building' });
const again = [{ id: settingsId('shop', 7), value: { merchantId: 'shop' } }];

describe('a rebuild with new settings that fails', () => {
  it('is asked for again, twice at most', async () => {
    expect(await asked(building, [])).toEqual(again);
    expect(await asked(building, [failed('g2')])).toEqual(again);
    expect(await asked(building, [failed('g2'), failed('g3')])).toEqual([]);
  });

  it.each<[string, Partial<RebuildRecord>]>([
    ['of another merchant', { merchantId: 'other' }],
    ['of another projection', { projection: 'sessions' }],
    ['with other settings', { settingsRevision: 6 }],
    ['that was cancelled', { state: 'cancelled' }],
    ['that served', { state: 'retired' }],
  ])('is asked for again whatever became of one %s', async (_which, more) => {
    expect(await asked(building, [failed('g2'), failed('g3', more), failed('g4', more)])).toEqual(again);
  });

  it.each<[string, Partial<RebuildRecord>]>([
    ['somebody asked for', { settingsRevision: undefined }],
    ['counts everybody', { merchantId: undefined }],
  ])('is left alone where it is one that %s', async (_which, more) => {
    expect(await asked({ ...building, ...more }, [])).toEqual([]);
  });
});
