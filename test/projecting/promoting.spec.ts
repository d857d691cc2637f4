import type { CoordinatorContext } from '../../src/projecting/coordination';
import type { GenerationsView } from '../../src/projecting/generations';
import type { Ledger } from '../../src/projecting/ledger';
import { Promoting, reaches } from '../../src/projecting/promoting';
import { controlId } from '../../src/stores/records';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { rebuildRecord } from '../stores/rebuild-record';

const view: GenerationsView = { generations: new Map(), live: new Map(), overlays: new Map(), rebuilds: [] };
const rebuild = rebuildRecord({ requestedAt: 0 });

let store: InMemoryReadStore;
let promoting: Promoting;
beforeEach(() => {
  store = new InMemoryReadStore();
  promoting = new Promoting({ readStore: store, partitions: 2, now: () => 1_000 } as unknown as CoordinatorContext, {} as Ledger);
});
async function flushed(generationId: string, partition: number, revision: number): Promise<void> {
  const id = controlId(generationId, partition);
  const { epoch } = await store.control.takeOver(id, 'w');
  await store.control.saveCheckpoint(id, epoch, { revision, logTime: 0, resume: {}, events: 0 });
}
const isLevel = async (asOf: 'round' | 'now'): Promise<boolean> => {
  const { successor, required } = await promoting.compare(asOf, rebuild, 'g1', view, []);
  return reaches(successor, required);
};

describe('a rebuild that is to serve', () => {
  it('must have flushed in every partition what readers may have seen, a flush that was only begun included', async () => {
    await flushed('g1', 0, 5);
    await flushed('g1', 1, 7);
    await flushed('g2', 0, 5);
    expect(await isLevel('now')).toBe(false);
    await flushed('g2', 1, 7);
    expect(await isLevel('now')).toBe(true);
    const { epoch } = await store.control.takeOver(controlId('g1', 1), 'w');
    await store.control.saveIntent(controlId('g1', 1), epoch, { r0: 7, r1: 9, fingerprint: 'f' });
    expect(await isLevel('now')).toBe(false);
    await flushed('g2', 1, 9);
    expect(await isLevel('now')).toBe(true);
  });

  it('is compared once a round by all who share its generation, and anew before readers are sent to it', async () => {
    await flushed('g1', 0, 5);
    await flushed('g2', 0, 5);
    expect(await isLevel('round')).toBe(true);
    await flushed('g1', 0, 6);
    expect([await isLevel('round'), await isLevel('now'), await isLevel('round')]).toEqual([true, false, true]);
    promoting.beginRound();
    expect(await isLevel('round')).toBe(false);
  });
});
