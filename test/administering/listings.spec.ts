import { AdministeringModule } from '../../src/administering/administering.module';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { partitionOf } from '../../src/domain/partition';
import { recordKinds, type WorkerPartition, type WorkerRecord } from '../../src/stores/records';
import { run, type Running } from '../configuring/running';
import { serving } from './serving';

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule, AdministeringModule]);
  await serving(running.store.records, 'g1', ['traffic', 'sessions', 'commerce']);
});
afterEach(() => running.close());

const working = (partition: number, generation: string, change: Partial<WorkerPartition> = {}): WorkerPartition => ({
  partition,
  generation,
  checkpoint: 9,
  checkpointTime: Date.now(),
  head: 9,
  caughtUpAt: Date.now(),
  eventsFolded: 100,
  ...change,
});
async function worker(workerId: string, partitions: WorkerPartition[], at = Date.now()): Promise<void> {
  const record: WorkerRecord = { workerId, pid: 1, startedAt: 1, at, partitions };
  await running.store.records.put(recordKinds.workers, workerId, record);
}

describe('The list of projections', () => {
  const projection = async (name: string) => {
    const { body } = await running.send('get', '/admin/projections').expect(200);
    return body.projections.find((one: { name: string }) => one.name === name);
  };

  it('shows what serves, how far behind it is and what is being rebuilt', async () => {
    const behind = working(1, 'g1', { checkpoint: 3, checkpointTime: Date.now() - 30_000, caughtUpAt: Date.now() - 60_000 });
    await worker('w1', [working(0, 'g1'), behind]);
    await running.send('post', '/admin/projections/commerce/reset', {}).expect(202);
    const traffic = await projection('traffic');
    expect(traffic).toMatchObject({ version: 1, generation: 'g1', state: 'live', recordsBehind: 6, rebuild: null });
    expect(traffic.lagSeconds).toBeGreaterThanOrEqual(30);
    expect(traffic.lagSeconds).toBeLessThan(40);
    expect(await projection('commerce')).toMatchObject({ rebuild: { rebuildId: 'g2-commerce', state: 'building' } });
  });

  it('says when one has stopped and why', async () => {
    await worker('w1', [working(0, 'g1', { stopped: 'a document was found between two revisions' })]);
    expect(await projection('traffic')).toMatchObject({ state: 'stopped', stopped: 'a document was found between two revisions' });
  });

  it('does not believe a worker that has gone silent', async () => {
    await worker('w1', [working(0, 'g1')], Date.now() - 60_000);
    expect(await projection('traffic')).toMatchObject({ lagSeconds: null });
  });
});

describe('The list of partitions', () => {
  it('shows who folds each, and asks the stores about those nobody folds', async () => {
    await worker('w1', [working(0, 'g1'), working(1, 'g1', { head: 12 })]);
    const control = running.store.control;
    const { epoch } = await control.takeOver('g1|02', 'gone');
    await control.saveCheckpoint('g1|02', epoch, { revision: 0, logTime: Date.now() - 5_000, resume: {}, events: 3 });
    const record = { type: 'event-block.v1', data: Buffer.from('x'), contentType: 'binary' as const };
    for (const last of ['0', '1']) {
      await running.log.append('events-02', [{ ...record, id: `c0ffee00-0000-4000-8000-00000000000${last}` }]);
    }
    const { body } = await running.send('get', '/admin/partitions').expect(200);
    expect(body.partitions).toEqual([
      { partition: 0, generation: 'g1', owner: 'w1', checkpoint: 9, head: 9, lag: 0, lagSeconds: 0 },
      expect.objectContaining({ partition: 1, owner: 'w1', checkpoint: 9, head: 12, lag: 3 }),
      expect.objectContaining({ partition: 2, owner: null, checkpoint: 0, head: 1, lag: 1 }),
      { partition: 3, generation: 'g1', owner: null, checkpoint: -1, head: -1, lag: 0, lagSeconds: 0 },
    ]);
    expect(body.partitions[2].lagSeconds).toBeGreaterThanOrEqual(5);
  });

  it('shows of a generation that counts one merchant the one partition it folds', async () => {
    const mine = partitionOf('shop', 4);
    await worker('w1', [working(mine, 'g1'), working(mine, 'g2')]);
    const generation = {
      generationId: 'g2',
      projections: [],
      state: 'live',
      createdAt: 1,
      fingerprint: 'f',
      scope: { merchantId: 'shop' },
    };
    await running.store.records.put(recordKinds.generations, 'g2', generation);
    const { body } = await running.send('get', '/admin/partitions').expect(200);
    const rows = body.partitions.map(({ generation, partition }: { generation: string; partition: number }) => [generation, partition]);
    expect(rows).toEqual([...[0, 1, 2, 3].map((partition) => ['g1', partition]), ['g2', mine]]);
  });
});
