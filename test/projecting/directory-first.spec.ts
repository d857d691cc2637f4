import { randomUUID } from 'node:crypto';
import { merchantStream } from '../../src/domain/partition';
import { markDirectoryWhole } from '../../src/stores/directory-whole';
import { recordKinds } from '../../src/stores/records';
import { eventually, InstallationUnderTest } from './installation-under-test';

it('begins to count beside a log that knows merchants only once they can be looked up', async () => {
  const installation = new InstallationUnderTest();
  const { eventStore, readStore } = installation;
  const fact = { id: randomUUID(), type: 'merchant-registered.v1', data: new Uint8Array(), contentType: 'binary' as const };
  await eventStore.append(merchantStream('m1'), [fact]);
  const generations = (): Promise<unknown[]> => readStore.records.list(recordKinds.generations);
  try {
    const worker = await installation.worker();
    // By then it has coordinated some rounds.
    await eventually(
      () => worker.partitions.length,
      (held) => held === installation.partitions,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await generations()).toEqual([]);
    await markDirectoryWhole(readStore.records);
    await eventually(generations, ({ length }) => length === 1);
  } finally {
    await installation.end();
  }
});
