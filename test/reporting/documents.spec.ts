import { ReportDocuments } from '../../src/reporting/documents';
import { StoreUnavailable } from '../../src/stores/event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';

describe('reading documents for reports', () => {
  it('keeps few scans in the store at a time, answers all in turn, and goes on after a failure', async () => {
    const store = new InMemoryReadStore();
    let open = 0;
    let most = 0;
    store.documents.scanBytes = async (_collection, from) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      if (from === '7') throw new StoreUnavailable('gone');
      return { documents: [], more: undefined };
    };
    const documents = new ReportDocuments(store);
    const asked = Array.from({ length: 200 }, (_, i) => String(i));
    const answers = await Promise.allSettled(asked.map((from) => documents.scan('c', from, '~', 1)));
    const failed = answers.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []));
    expect(failed).toEqual([7]);
    expect(most).toBe(24);
    expect(open).toBe(0);
  });

  it('refuses at once what would wait too long', async () => {
    const store = new InMemoryReadStore();
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    store.documents.scanBytes = async () => gate.then(() => ({ documents: [], more: undefined }));
    const documents = new ReportDocuments(store);
    const patient = Array.from({ length: 5_024 }, () => documents.scan('c', 'a', 'b', 1));
    await expect(documents.scan('c', 'a', 'b', 1)).rejects.toThrow(StoreUnavailable);
    go();
    expect((await Promise.all(patient)).length).toBe(5_024);
  });
});
