import { InMemoryReadStore } from './in-memory-read-store';
import { readStoreContract } from './read-store';

readStoreContract('memory', async () => ({ store: new InMemoryReadStore(), stop: async () => undefined }));
