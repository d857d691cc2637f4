import { Inject, Injectable } from '@nestjs/common';
import { StoreUnavailable } from '../stores/event-store';
import { READ_STORE, type BytesPage, type ReadStore } from '../stores/read-store';

/** Scans in the store at a time: each may bring a page of documents into memory, and more would not be faster. */
const scansAtOnceMax = 24;
/** Scans that may wait for their turn; beyond it questions are refused instead of answered ever later. */
const waitingMax = 5_000;

/** The documents of the read models, read by as many questions at a time as memory is meant for. */
@Injectable()
export class ReportDocuments {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(@Inject(READ_STORE) private readonly store: ReadStore) {}

  /**
   * Documents with from <= _id < to, in order of _id, as BSON: see stored-bytes.ts.
   * @throws StoreUnavailable also when too many questions wait already
   */
  async scan(collection: string, from: string, to: string, limit: number): Promise<BytesPage> {
    if (this.running >= scansAtOnceMax) {
      if (this.waiting.length >= waitingMax) throw new StoreUnavailable('more reports are asked for than the read store can answer');
      // Whoever ends hands its place over: `running` stays as it is.
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.running++;
    try {
      return await this.store.documents.scanBytes(collection, from, to, limit);
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
