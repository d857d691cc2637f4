import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../../src/embedded/mongodb';
import { MongoReadStore } from '../../src/stores/mongodb';
import { readStoreContract } from './read-store';

readStoreContract('MongoDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recount-contract-'));
  const server = await start({ folder, port: 0 });
  return {
    store: new MongoReadStore(server.connectionString),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
