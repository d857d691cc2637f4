import type { RecordStore } from '../../src/stores/read-store';
import { type GenerationRecord, type LivePointer, recordKinds } from '../../src/stores/records';

/** What workers write when the first generation begins. */
export async function serving(records: RecordStore, generationId: string, names: string[], previous?: string): Promise<void> {
  const projections = names.map((name) => ({ name, version: 1 }));
  const generation: GenerationRecord = { generationId, projections, state: 'live', createdAt: 1, fingerprint: 'f' };
  await records.put(recordKinds.generations, generationId, generation);
  for (const projection of names) {
    const pointer: LivePointer = { projection, generationId, version: 1, since: 1 };
    if (previous !== undefined) pointer.previous = { generationId: previous, version: 1 };
    await records.put(recordKinds.live, projection, pointer);
  }
}
