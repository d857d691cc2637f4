import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../../src/embedded/eventstoredb';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { eventStoreContract } from './event-store';

eventStoreContract('EventStoreDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recount-contract-'));
  const server = await start({ folder, port: 0 });
  return {
    store: new EventStoreDb(server.connectionString),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
