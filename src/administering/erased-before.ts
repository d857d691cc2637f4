import { inFrontOf, isRange, overlaysOf } from '../stores/overlays';
import type { RecordStore } from '../stores/read-store';
import { type GenerationRecord, type LivePointer, type Overlay, recordKinds, settingsAt } from '../stores/records';
import { definitionsOf, settingsRevisions } from '../stores/settings';

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
  const settings = await settingsRevisions(records, merchantId);
  const erasedBy = async (revision: number | undefined): Promise<number> =>
    (revision === undefined ? undefined : await definitionsOf(records, merchantId, revision))?.erasedVisitors.length ?? 0;
  const erased = await erasedBy(settings.at(-1)?.revision);
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
  // Erasing cannot be taken back: who knows as many knows the same.
  return (await erasedBy(settingsRevision ?? settingsAt(settings, createdAt)?.revision)) < erased;
}
