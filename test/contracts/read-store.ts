import type { ReadStore } from '../../src/stores/read-store';
import { controlContract } from './control';
import { documentsContract } from './documents';
import { recordsContract } from './records';

export interface ReadStoreUnderTest {
  store: ReadStore;
  stop(): Promise<void>;
}

/** What every adapter of the ReadStore port must do. */
export function readStoreContract(name: string, start: () => Promise<ReadStoreUnderTest>): void {
  describe(`${name} as a read store`, () => {
    let tested: ReadStoreUnderTest;
    let store: ReadStore;

    beforeAll(async () => {
      tested = await start();
      store = tested.store;
    });
    afterAll(async () => {
      await store.close();
      await tested.stop();
    });

    documentsContract(() => store.documents);
    controlContract(() => store.control);
    recordsContract(() => store.records);

    it('answers a ping', async () => {
      await expect(store.ping(2_000)).resolves.toBeUndefined();
    });
  });
}
