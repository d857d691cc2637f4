import { inFrontOf, isRange, overlaysOf } from '../stores/overlays';
import type { RecordStore } from '../stores/read-store';
import {
  type GenerationRecord,
  type LivePointer,
  type Overlay,
  recordKinds,
  settingsAt,
  settingsIdPrefix,
  type SettingsRecord,
  settingsRevisionOf,
} from '../stores/records';

/**
 * Whether what would be read of a merchant without one overlay still counts a visitor who was erased. Rolling back everybody's numbers
 * brings nobody back: the overlays of merchants stand in front of what served before as well.
 */
export async function countsErasedVisitors(
  records: RecordStore,
  without: Pick<Overlay, 'projection' | 'generationId'> & { merchantId: string },
  pointer: LivePointer,
): Promise<boolean> {
  const { projection, generationId, merchantId } = without;
  const settings = (await records.list<SettingsRecord>(recordKinds.settings, settingsIdPrefix(merchantId))).map(({ id, value }) => ({
    revision: settingsRevisionOf(id),
    ...value,
  }));
  const erased = settings.at(-1)?.definitions.erasedVisitors.length ?? 0;
  if (erased === 0) return false;
  const overlays = (await records.list<Overlay>(recordKinds.overlays, overlaysOf(projection, merchantId))).map(({ value }) => value);
  const left = inFrontOf(
    pointer.generationId,
    overlays.filter((overlay) => overlay.generationId !== generationId && !isRange(overlay.scope)),
  );
  const read = left.at(-1)?.generationId ?? pointer.generationId;
  const generation = (await records.get<GenerationRecord>(recordKinds.generations, read))?.value;
  if (generation === undefined) return true;
  const { settingsRevision, createdAt } = generation;
  const folded =
    settingsRevision === undefined ? settingsAt(settings, createdAt) : settings.find((one) => one.revision === settingsRevision);
  // Erasing cannot be taken back: who knows as many knows the same.
  return (folded?.definitions.erasedVisitors.length ?? 0) < erased;
}
