import type { BucketDocuments } from '../../projections/kit/bucket-documents';
import type { BucketDelta } from '../../projections/kit/projection';
import type { Checkpoint, FlushOutcome, ReadStore, StoredDocument } from '../stores/read-store';
import { collectionOf } from '../stores/records';
import type { DocumentShelf } from './document-cache';
import { Fenced, RebuildNeeded } from './faults';
import type { FoldingKit } from './folding-kit';

/** Prefixes merged and written in one go: bounds what is in memory as documents at once. */
const prefixesAtOnce = 2_000;
const idsAtOnce = 1_000;
const recordsAtOnce = 2_000;

/** What one range of the log changes, taken from the folder in one moment. */
export interface TakenRange {
  readonly r0: number;
  readonly r1: number;
  readonly fingerprint: string;
  readonly deltas: readonly BucketDelta[];
  /** Records that left memory. */
  readonly cold: { readonly collection: string; readonly documents: readonly StoredDocument[] };
  readonly state: { readonly collection: string; documents(): Promise<readonly StoredDocument[]> } | undefined;
  readonly checkpoint: Checkpoint;
}

export interface FlushTarget {
  readonly readStore: ReadStore;
  readonly kit: Pick<FoldingKit, 'merge' | 'idsToLoad' | 'documentsLoaded'>;
  readonly controlId: string;
  readonly generationId: string;
  readonly epoch: number;
  readonly shelf: DocumentShelf;
}

interface Slice {
  readonly collection: string;
  readonly merged: readonly { readonly prefix: string; readonly documents: BucketDocuments }[];
  /** As BSON. */
  readonly writes: readonly Uint8Array[];
}

/**
 * Flushes one range (r0, r1]: intent, documents, records that left memory, history, checkpoint, each only when what comes before it is certain.
 * `run` may be called again after a StoreUnavailable: it goes on with the very same writes where it was.
 */
export class RangeFlush {
  documentsWritten = 0;
  private intentSaved = false;
  private coldWritten = 0;
  private state: readonly StoredDocument[] = [];
  private stateWritten = false;
  private readonly slices: { collection: string; deltas: readonly BucketDelta[] }[];
  private slicesDone = 0;
  private prepared: Slice | undefined;

  constructor(
    private readonly target: FlushTarget,
    readonly range: TakenRange,
    /** The range is the one an intent in the store already names. */
    recovering = false,
  ) {
    this.intentSaved = recovering;
    this.slices = sliced(range.deltas, target.generationId);
  }

  /**
   * @throws Fenced another worker owns the partition
   * @throws RebuildNeeded a document contradicts the range
   * @throws StoreUnavailable the outcome of the last step is unknown: call again
   */
  async run(): Promise<void> {
    if (this.slices.length > 0 || this.range.state !== undefined) {
      await this.saveIntent();
      while (this.slicesDone < this.slices.length) await this.writeSlice(this.slices[this.slicesDone]!);
      await this.writeCold();
      await this.writeState();
    }
    const { readStore, controlId, epoch } = this.target;
    if (!(await readStore.control.saveCheckpoint(controlId, epoch, this.range.checkpoint))) throw fenced(controlId);
  }

  /** The history as it was written; none before `run` is through, or where nothing changed. */
  get stateDocuments(): readonly StoredDocument[] {
    return this.state;
  }

  private async saveIntent(): Promise<void> {
    if (this.intentSaved) return;
    const { readStore, controlId, epoch } = this.target;
    const { r0, r1, fingerprint } = this.range;
    if (!(await readStore.control.saveIntent(controlId, epoch, { r0, r1, fingerprint }))) throw fenced(controlId);
    this.intentSaved = true;
  }

  private async writeSlice({ collection, deltas }: { collection: string; deltas: readonly BucketDelta[] }): Promise<void> {
    this.prepared ??= await this.merge(collection, deltas);
    const { writes } = this.prepared;
    if (writes.length > 0) this.settle(collection, await this.target.readStore.documents.flushBytes(collection, writes, this.range));
    for (const { prefix, documents } of this.prepared.merged) this.target.shelf.set(collection, prefix, documents);
    this.prepared = undefined;
    this.slicesDone++;
  }

  private async writeCold(): Promise<void> {
    const { collection, documents } = this.range.cold;
    while (this.coldWritten < documents.length) {
      const some = documents.slice(this.coldWritten, this.coldWritten + recordsAtOnce);
      await this.write(collection, some);
      this.coldWritten += some.length;
    }
  }

  private async writeState(): Promise<void> {
    if (this.range.state === undefined || this.stateWritten) return;
    if (this.state.length === 0) this.state = await this.range.state.documents();
    await this.write(this.range.state.collection, this.state);
    this.stateWritten = true;
  }

  private async write(collection: string, documents: readonly StoredDocument[]): Promise<void> {
    if (documents.length === 0) return;
    this.settle(collection, await this.target.readStore.documents.flush(collection, documents, this.range));
  }

  private settle(collection: string, outcome: FlushOutcome): void {
    if (!outcome.ok) {
      throw new RebuildNeeded(
        `${collection}: document ${outcome.conflict} is folded to a revision inside (${this.range.r0}, ${this.range.r1}]: ` +
          'another range was flushed over it',
      );
    }
    this.documentsWritten += outcome.written;
  }

  private async merge(collection: string, deltas: readonly BucketDelta[]): Promise<Slice> {
    const { kit, shelf } = this.target;
    const found = new Map<BucketDelta, BucketDocuments>();
    const missing: BucketDelta[] = [];
    for (const delta of deltas) {
      const documents = shelf.get(collection, delta.prefix);
      if (documents === undefined) missing.push(delta);
      else found.set(delta, documents);
    }
    if (missing.length > 0) await this.load(collection, missing, found);
    const writes: Uint8Array[] = [];
    const merged = deltas.map((delta) => {
      const { written, documents } = kit.merge(delta, found.get(delta)!, this.range);
      for (const document of written) writes.push(document);
      return { prefix: delta.prefix, documents };
    });
    return { collection, merged, writes };
  }

  /** All documents of each delta: the first of every one, then those that the first ones lead to, and so on. */
  private async load(collection: string, deltas: readonly BucketDelta[], found: Map<BucketDelta, BucketDocuments>): Promise<void> {
    const { kit, readStore } = this.target;
    const loaded = new Map<BucketDelta, Uint8Array[]>(deltas.map((delta) => [delta, []]));
    let asking = deltas;
    for (let round = 0; asking.length > 0; round++) {
      const asked = asking.map((delta) => ({ delta, ids: kit.idsToLoad(delta, loaded.get(delta)!, round) }));
      const ids = asked.flatMap((one) => one.ids);
      const byId = new Map<string, Uint8Array>();
      for (let i = 0; i < ids.length; i += idsAtOnce) {
        const some = await readStore.documents.loadBytes(collection, ids.slice(i, i + idsAtOnce));
        for (const [id, document] of some) byId.set(id, document);
      }
      for (const one of asked) {
        for (const id of one.ids) {
          const document = byId.get(id);
          if (document !== undefined) loaded.get(one.delta)!.push(document);
        }
      }
      asking = asked.filter((one) => one.ids.length > 0).map(({ delta }) => delta);
    }
    for (const [delta, documents] of loaded) found.set(delta, kit.documentsLoaded(delta, documents));
  }
}

function sliced(deltas: readonly BucketDelta[], generationId: string): { collection: string; deltas: readonly BucketDelta[] }[] {
  const byCollection = new Map<string, BucketDelta[]>();
  for (const delta of deltas) {
    const collection = collectionOf(delta.projection, generationId);
    const some = byCollection.get(collection);
    if (some === undefined) byCollection.set(collection, [delta]);
    else some.push(delta);
  }
  const slices: { collection: string; deltas: readonly BucketDelta[] }[] = [];
  for (const [collection, all] of byCollection) {
    for (let i = 0; i < all.length; i += prefixesAtOnce) slices.push({ collection, deltas: all.slice(i, i + prefixesAtOnce) });
  }
  return slices;
}

const fenced = (controlId: string): Fenced => new Fenced(`${controlId} has a later owner`);
