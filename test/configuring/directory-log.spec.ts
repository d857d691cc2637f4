import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { start, type StartedServer } from '../../src/embedded/eventstoredb/start';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { recordKinds } from '../../src/stores/records';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { run } from './running';

/** The directory over the log as it really is: another process, gRPC, a filtered subscription. */
describe('The directory over a real log', () => {
  let folder: string;
  let server: StartedServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recount-directory-'));
    server = await start({ folder, port: 0 });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const values = async (store: InMemoryReadStore, kind: string) => (await store.records.list(kind)).map(({ id, value }) => ({ id, value }));

  it('is built again, the same, for a read store that lost everything', async () => {
    const log = new EventStoreDb(server.connectionString);
    const store = new InMemoryReadStore();
    const first = await run([ConfiguringModule], { log, store });
    for (const merchantId of ['a', 'b']) {
      await first.send('post', '/v1/merchants', { merchantId, name: merchantId }).expect(201);
      const { body } = await first.send('post', `/v1/merchants/${merchantId}/sources`, { name: 'web' }).expect(201);
      await first.send('post', `/v1/merchants/${merchantId}/sources/${body.sourceId}/rotate-key`).expect(200);
      await first.send('post', `/v1/merchants/${merchantId}/tokens`, { name: 'x', role: 'viewer' }).expect(201);
    }
    await first.send('delete', '/v1/merchants/b').expect(204);
    await first.close();

    const empty = new InMemoryReadStore();
    const second = await run([ConfiguringModule], { log, store: empty });
    const expected = [await values(store, recordKinds.merchants), await values(store, recordKinds.keys)];
    let found: unknown;
    for (let attempt = 0; attempt < 100; attempt++) {
      found = [await values(empty, recordKinds.merchants), await values(empty, recordKinds.keys)];
      if (JSON.stringify(found) === JSON.stringify(expected)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(found).toEqual(expected);
    await second.close();
    expect(await empty.records.get('directory', 'position')).toBeDefined();
    await log.close();
  });
});
