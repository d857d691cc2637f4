import type { RebuildRecord } from '../../src/stores/records';

/** Of a whole projection, just asked for. */
export const rebuildRecord = (more: Partial<RebuildRecord> = {}): RebuildRecord => ({
  rebuildId: 'g2-traffic',
  projection: 'traffic',
  version: 1,
  state: 'building',
  generationId: 'g2',
  previousGenerationId: 'g1',
  promote: 'automatic',
  requestedAt: 1,
  ...more,
});
