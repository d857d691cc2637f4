import { type WorkerRecord, recordKinds } from '../../src/stores/records';
import { append, events } from './shop-log';
import { eventually, InstallationUnderTest } from './installation-under-test';

const merchants = Array.from({ length: 12 }, (_, i) => `shop-${i}`);
const blocks = 6;

it('a rebuild stands aside while what serves is far behind in another process, and goes on when it is not', async () => {
  const installation = new InstallationUnderTest();
  const { records, control } = installation.readStore;
  let isBehind = true;
  let isOver = false;
  try {
    const worker = await installation.worker();
    for (let i = 0; i < blocks; i++) {
      await append(
        installation.eventStore,
        4,
        merchants.flatMap((merchantId) => events(1, { merchantId })),
      );
    }
    await eventually(
      async () => (await control.list('g1|')).map(({ checkpoint }) => checkpoint.revision),
      (reached) => reached.length === 4 && reached.every((revision) => revision === blocks - 1),
    );
    const other = (async () => {
      while (!isOver) {
        const now = Date.now();
        const folded = { checkpoint: 5, checkpointTime: now - 20_000, caughtUpAt: 0, head: isBehind ? 9 : 5, eventsFolded: 1 };
        const record: WorkerRecord = {
          workerId: 'other',
          pid: 1,
          startedAt: 1,
          at: now,
          partitions: [{ partition: 3, generation: 'g1', ...folded }],
        };
        await records.put(recordKinds.workers, 'other', record);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await eventually(
      () => worker.partitions.length,
      (held) => held === 2,
    );
    await installation.reset('traffic');
    const read = async () => (await control.list('g2|')).map(({ checkpoint }) => checkpoint.revision);
    await eventually(read, (reached) => reached.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const revision of await read()) expect(revision).toBeLessThan(blocks - 1);
    isBehind = false;
    await eventually(read, (reached) => reached.every((revision) => revision === blocks - 1));
    isOver = true;
    await other;
  } finally {
    isOver = true;
    await installation.end();
  }
});
