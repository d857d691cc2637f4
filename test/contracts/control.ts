import type { ControlStore } from '../../src/stores/read-store';
import { fresh } from './fresh';

/** What every adapter must do with control documents. */
export function controlContract(store: () => ControlStore): void {
  describe('control documents', () => {
    const checkpoint = (revision: number) => ({ revision, logTime: 1_760_000_000_000, resume: { window: [1, 2] }, events: 10 });
    const intent = { r0: 4, r1: 9, fingerprint: 'abc' };

    it('begin before the first record when a partition is first taken', async () => {
      const id = `${fresh('g')}|00`;
      expect(await store().get(id)).toBeUndefined();
      const taken = await store().takeOver(id, 'worker-1');
      expect(taken).toEqual({
        _id: id,
        epoch: 1,
        owner: 'worker-1',
        checkpoint: { revision: -1, logTime: 0, resume: {}, events: 0 },
        intent: null,
      });
      expect(await store().get(id)).toEqual(taken);
    });

    it('hand the intent and checkpoint of the one before to the next owner', async () => {
      const id = `${fresh('g')}|00`;
      await store().takeOver(id, 'worker-1');
      expect(await store().saveCheckpoint(id, 1, checkpoint(4))).toBe(true);
      expect(await store().saveIntent(id, 1, intent)).toBe(true);
      expect(await store().takeOver(id, 'worker-2')).toEqual({
        _id: id,
        epoch: 2,
        owner: 'worker-2',
        checkpoint: checkpoint(4),
        intent,
      });
    });

    it('clear the intent with the checkpoint', async () => {
      const id = `${fresh('g')}|00`;
      await store().takeOver(id, 'worker-1');
      await store().saveIntent(id, 1, intent);
      await store().saveCheckpoint(id, 1, checkpoint(9));
      expect(await store().get(id)).toMatchObject({ checkpoint: checkpoint(9), intent: null });
    });

    it('accept nothing from an owner that was replaced, nor for what was never taken', async () => {
      const id = `${fresh('g')}|00`;
      await store().takeOver(id, 'worker-1');
      await store().takeOver(id, 'worker-2');
      expect(await store().saveIntent(id, 1, intent)).toBe(false);
      expect(await store().saveCheckpoint(id, 1, checkpoint(9))).toBe(false);
      expect(await store().get(id)).toMatchObject({ epoch: 2, checkpoint: { revision: -1 }, intent: null });
      expect(await store().saveIntent(fresh('g'), 1, intent)).toBe(false);
    });

    it('give each of many owners that take over at once an epoch of its own', async () => {
      const id = `${fresh('g')}|00`;
      const taken = await Promise.all(Array.from({ length: 8 }, (_, i) => store().takeOver(id, `worker-${i}`)));
      expect(taken.map(({ epoch }) => epoch).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('are listed and removed by prefix', async () => {
      const generation = fresh('g');
      for (const partition of ['01', '00', '10']) await store().takeOver(`${generation}|${partition}`, 'w');
      await store().takeOver(`${generation}x|00`, 'w');
      const ids = async (prefix: string): Promise<string[]> => (await store().list(prefix)).map(({ _id }) => _id);
      expect(await ids(`${generation}|`)).toEqual([`${generation}|00`, `${generation}|01`, `${generation}|10`]);
      await store().remove(`${generation}|`);
      expect(await ids(generation)).toEqual([`${generation}x|00`]);
    });
  });
}
