import { eventStoreContract } from './event-store';
import { InMemoryEventStore } from './in-memory-event-store';

eventStoreContract('memory', async () => ({ store: new InMemoryEventStore(), stop: async () => undefined }));
