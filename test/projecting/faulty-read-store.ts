import { StoreUnavailable } from '../../src/stores/event-store';
import type { ControlStore, DocumentStore, ReadStore } from '../../src/stores/read-store';

/** What happens to one call: answered; refused; done but the answer lost; done for some documents only; and the caller's death. */
export type Fate = 'done' | 'refused' | 'answer lost' | 'half done' | 'caller dies before' | 'caller dies after' | 'caller dies half way';

export interface WaitingCall {
  readonly caller: string;
  readonly what: string;
  decide(fate: Fate): void;
}

/** Every write and read waits here until its fate is decided: any interleaving of any owners can be played. */
export class FaultyReadStore {
  readonly waiting: WaitingCall[] = [];
  readonly dead = new Set<string>();

  constructor(
    private readonly store: ReadStore,
    /** Which half of a batch is done, and in which order. */
    private readonly some: <T>(batch: readonly T[]) => T[],
  ) {}

  as(caller: string): ReadStore {
    const { store } = this;
    const call = <T>(what: string, action: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> =>
      this.call(caller, what, action, half ?? action);
    const documents: DocumentStore = {
      load: (collection, ids) => call(`load ${ids.length}`, () => store.documents.load(collection, ids)),
      loadBytes: (collection, ids) => call(`load ${ids.length}`, () => store.documents.loadBytes(collection, ids)),
      scanBytes: (...given) => call('scanBytes', () => store.documents.scanBytes(...given)),
      scan: (...given) => call('scan', () => store.documents.scan(...given)),
      flush: (collection, all, range) =>
        call(
          `flush ${collection} ${all.length} to ${range.r1}`,
          () => store.documents.flush(collection, all, range),
          () => store.documents.flush(collection, this.some(all), range),
        ),
      flushBytes: (collection, all, range) =>
        call(
          `flush ${collection} ${all.length} to ${range.r1}`,
          () => store.documents.flushBytes(collection, all, range),
          () => store.documents.flushBytes(collection, this.some(all), range),
        ),
      remove: (collection, ids) =>
        call(
          `remove ${ids.length}`,
          () => store.documents.remove(collection, ids),
          () => store.documents.remove(collection, this.some(ids)),
        ),
      drop: (collection) => store.documents.drop(collection),
      collections: (prefix) => store.documents.collections(prefix),
    };
    const control: ControlStore = {
      takeOver: (id, owner) => call('take over', () => store.control.takeOver(id, owner)),
      saveIntent: (id, epoch, intent) => call(`intent ${intent.r1}`, () => store.control.saveIntent(id, epoch, intent)),
      saveCheckpoint: (id, epoch, checkpoint) =>
        call(`checkpoint ${checkpoint.revision}`, () => store.control.saveCheckpoint(id, epoch, checkpoint)),
      get: (id) => store.control.get(id),
      list: (prefix) => store.control.list(prefix),
      remove: (prefix) => store.control.remove(prefix),
    };
    return { documents, control, records: store.records, ping: (ms) => store.ping(ms), close: () => store.close() };
  }

  private call<T>(caller: string, what: string, action: () => Promise<T>, half: () => Promise<unknown>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const lost = (): void => reject(new StoreUnavailable(`${what}: no answer`));
      const decide = (fate: Fate): void => {
        this.waiting.splice(this.waiting.indexOf(waiting), 1);
        if (fate.startsWith('caller dies')) this.dead.add(caller);
        switch (fate) {
          case 'done':
            return void action().then(resolve, reject);
          case 'refused':
            return lost();
          case 'answer lost':
            return void action().then(lost, reject);
          case 'half done':
            return void half().then(lost, reject);
          case 'caller dies before':
            return;
          case 'caller dies after':
            return void action();
          case 'caller dies half way':
            return void half();
        }
      };
      const waiting: WaitingCall = { caller, what, decide };
      this.waiting.push(waiting);
    });
  }
}
