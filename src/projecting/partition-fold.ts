import { merchantOf, shardPrefix } from '../../projections/kit/document';
import type { BucketDelta, Folder } from '../../projections/kit/projection';
import { shardIn } from '../domain/spreading';
import type { EventColumns } from '../domain/columns';
import { EVENT_BLOCK } from '../stores/block';
import type { EventStore, RecordedEvent } from '../stores/event-store';
import type { Checkpoint, ControlDocument, Intent, ReadStore } from '../stores/read-store';
import { type GenerationRecord, stateCollectionOf } from '../stores/records';
import type { ColdRecords } from './cold-records';
import type { DedupResume, DedupWindow } from './dedup-window';
import type { DocumentCache, DocumentShelf } from './document-cache';
import { FoldStopped, messageOf, RebuildNeeded } from './faults';
import { decodeRecord, type Definition, type FoldingKit } from './folding-kit';
import type { MerchantDirectory, SettledGeneration } from './merchant-settings';
import { RangeFlush } from './range-flush';
import type { ScopeFilter } from './scope';
import type { SettingsInUse } from './settings-in-use';
import type { StateLog } from './state-log';
import { Turns } from './timing';

/** More than a record has rows. */
const positionsPerRecord = 2 ** 17;

export interface Resume extends DedupResume {
  /** Some histories are documents of their own. */
  readonly hasCold?: true;
}

export interface FoldContext<D extends Definition> {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly kit: FoldingKit<D>;
  readonly merchants: MerchantDirectory;
  readonly cache: DocumentCache;
  readonly generation: SettledGeneration & Pick<GenerationRecord, 'scope'>;
  /** Everything the generation folds; history is kept for all but the declared ones among them. */
  readonly definitions: readonly D[];
  /** Names of those whose documents are written; the others are folded only for the history they share. */
  readonly serving: ReadonlySet<string>;
  readonly partition: number;
  /** Of the whole installation. */
  readonly partitions: number;
  readonly owner: string;
  /** Of the code; the settings a range used are added to it. */
  readonly fingerprint: string;
  /** See StateLog. */
  readonly snapshotAfterBytesMin?: number;
  readonly now: () => number;
}

/** What a fold works with, all of it as of the checkpoint. */
export interface FoldParts {
  readonly control: ControlDocument;
  readonly folder: Folder;
  readonly stateLog: StateLog;
  readonly coldRecords: ColdRecords;
  readonly shelf: DocumentShelf;
  readonly dedup: DedupWindow;
  readonly settings: SettingsInUse;
  /** Undefined: everything matters. */
  readonly within: ScopeFilter | undefined;
}

/**
 * One partition of the log folded for one generation, exactly once: between `takeOver` and the first error it alone may write the
 * partition's documents. Folding and flushing may go on at the same time, one of each.
 */
export class PartitionFold<D extends Definition> {
  private readonly control: ControlDocument;
  private readonly folder: Folder;
  private readonly stateLog: StateLog;
  private readonly coldRecords: ColdRecords;
  private readonly shelf: DocumentShelf;
  private readonly dedup: DedupWindow;
  private readonly settings: SettingsInUse;
  private readonly within: ScopeFilter | undefined;
  private readonly turns = new Turns();
  /** Log revision folded in memory; documents reach `checkpoint.revision`. */
  private foldedTo: number;
  private events: number;
  private duplicates = 0;
  private flushing: RangeFlush | undefined;
  private flushingState: { kind: 'snapshot' | 'delta'; bytes: number } | undefined;
  /** The window of known ids as of `foldedTo`. */
  private resume: DedupResume;
  /** A record whose ids are in the window already while it waits to be folded. */
  private marked: { revision: number; skip: Uint8Array; duplicates: number } | undefined;

  constructor(
    private readonly context: FoldContext<D>,
    parts: FoldParts,
  ) {
    this.control = parts.control;
    this.folder = parts.folder;
    this.stateLog = parts.stateLog;
    this.coldRecords = parts.coldRecords;
    this.shelf = parts.shelf;
    this.dedup = parts.dedup;
    this.settings = parts.settings;
    this.within = parts.within;
    this.foldedTo = parts.control.checkpoint.revision;
    this.events = parts.control.checkpoint.events;
    this.resume = parts.dedup.resume();
  }

  get checkpoint(): Checkpoint {
    return this.control.checkpoint;
  }

  get revision(): number {
    return this.foldedTo;
  }

  /** Newest log time folded, epoch ms. */
  get logTime(): number {
    return this.resume.logTime;
  }

  get duplicatesDropped(): number {
    return this.duplicates;
  }

  get eventsRead(): number {
    return this.events;
  }

  get pendingBytes(): number {
    return this.folder.pendingBytes;
  }

  /** Folded and not yet taken for a flush. */
  get hasPending(): boolean {
    return this.foldedTo > (this.flushing?.range.r1 ?? this.checkpoint.revision);
  }

  /**
   * Folds one record of the stream; records already folded are passed over.
   * @throws FoldStopped the record cannot be folded; memory is then worthless
   * @throws StoreUnavailable nothing was folded: call again
   */
  async fold(record: RecordedEvent): Promise<void> {
    const revision = Number(record.revision);
    if (revision <= this.foldedTo) return;
    if (record.type === EVENT_BLOCK) {
      const columns = decodeRecord(this.context.kit, record);
      const only = this.within?.only(columns);
      if (only === 0) this.dedup.pass(record.createdAt, revision);
      else await this.foldRows(columns, record, only);
      this.events += columns.count;
      this.resume = this.dedup.resume();
    }
    this.foldedTo = revision;
    await this.turns.give();
  }

  /**
   * Takes what is folded, for `completeFlush`. Only when none is being flushed.
   * @returns the revision the flush will bring the documents to
   */
  beginFlush(): number {
    if (this.flushing !== undefined) throw new Error('the flush before must be completed first');
    this.flushing = this.take();
    return this.flushing.range.r1;
  }

  /**
   * Writes what `beginFlush` took, to the checkpoint. After a StoreUnavailable it must be called again and goes on where it was.
   * @returns documents written
   * @throws Fenced, RebuildNeeded, StoreUnavailable
   */
  async completeFlush(): Promise<number> {
    const flush = this.flushing;
    if (flush === undefined) return 0;
    await flush.run();
    this.control.checkpoint = flush.range.checkpoint;
    this.control.intent = null;
    this.folder.flushed();
    const state = this.flushingState;
    this.flushing = this.flushingState = undefined;
    if (state !== undefined) await this.stateLog.committed(state.kind, flush.stateDocuments, state.bytes);
    return flush.documentsWritten;
  }

  /**
   * Completes a flush that the last owner began, once all records of its range are folded again: that gives the same writes.
   * @throws RebuildNeeded it was begun by other code or settings
   */
  async finishFlush({ r0, r1, fingerprint }: Intent): Promise<void> {
    this.foldedTo = r1;
    if (this.settings.fingerprint !== fingerprint) {
      throw new RebuildNeeded(
        `the flush of (${r0}, ${r1}] was begun by other code or settings (${fingerprint}, now ${this.settings.fingerprint}): ` +
          'it cannot be finished exactly',
      );
    }
    this.flushing = this.take(true);
    await this.completeFlush();
  }

  /** Gives the memory of the documents back; the fold is over. */
  close(): void {
    this.shelf.clear();
  }

  private async foldRows(columns: EventColumns, record: RecordedEvent, only: number | undefined): Promise<void> {
    const revision = Number(record.revision);
    await this.settle(columns, only);
    if (this.marked?.revision !== revision) {
      this.marked = { revision, ...this.dedup.mark(columns, record.createdAt, revision, only) };
      this.within?.narrow(columns, this.marked.skip, this.settings.timezoneOf);
    }
    const { skip, duplicates } = this.marked;
    await this.recall(columns, skip);
    this.settings.use(columns, only);
    try {
      this.folder.fold(columns, skip, this.settings.of, revision * positionsPerRecord);
    } catch (error) {
      throw new FoldStopped(`${record.stream} revision ${revision}: folding failed: ${messageOf(error)}`, { cause: error });
    }
    this.duplicates += duplicates;
  }

  /** Brings the histories the block needs into memory. Some may leave it while others are loaded, so it looks again. */
  private async recall(columns: EventColumns, skip: Uint8Array): Promise<void> {
    for (;;) {
      const keys = this.folder.absent(columns, skip, this.settings.of);
      if (keys.length === 0) return;
      await this.coldRecords.load(keys, this.checkpoint.revision, (key, bytes) => this.folder.admit(key, bytes));
    }
  }

  private take(recovering = false): RangeFlush {
    const { readStore, kit, generation, serving } = this.context;
    const r1 = this.foldedTo;
    const { deltas, state: change, cold } = this.folder.take();
    let state: { collection: string; documents: () => ReturnType<StateLog['documentsOf']> } | undefined;
    if (change !== undefined) {
      // In the same moment as the take: what is folded next must not be in it.
      const kind = this.stateLog.isSnapshotDue(change.length) ? 'snapshot' : 'delta';
      const bytes = kind === 'snapshot' ? this.folder.snapshot() : change;
      const documents = (): ReturnType<StateLog['documentsOf']> => this.stateLog.documentsOf(kind, bytes, r1, this.control.epoch);
      state = { collection: stateCollectionOf(generation.generationId), documents };
      this.flushingState = { kind, bytes: bytes.length };
    }
    const resume: Resume = { ...this.resume, ...(this.folder.hasCold && { hasCold: true }) };
    const range = {
      r0: this.checkpoint.revision,
      r1,
      fingerprint: this.settings.fingerprint,
      deltas: this.placed(
        deltas.filter(
          ({ projection, prefix }) => serving.has(projection) && this.within?.keeps(prefix, this.settings.timezoneOf) !== false,
        ),
      ),
      cold: { collection: this.coldRecords.collection, documents: this.coldRecords.documentsOf(cold, r1) },
      state,
      checkpoint: { revision: r1, logTime: resume.logTime, resume: { ...resume }, events: this.events },
    };
    this.settings.taken();
    const target = {
      readStore,
      kit,
      controlId: this.control._id,
      generationId: generation.generationId,
      epoch: this.control.epoch,
      shelf: this.shelf,
    };
    return new RangeFlush(target, range, recovering);
  }

  /** Merchants who are spread have documents of the same buckets in several partitions, which never write the same ones. */
  private placed(deltas: readonly BucketDelta[]): readonly BucketDelta[] {
    const { partition, partitions } = this.context;
    return deltas.map((delta) => {
      const shard = shardIn(partition, merchantOf(delta.prefix), partitions);
      return shard === 0 ? delta : { ...delta, prefix: shardPrefix(delta.prefix, shard), cells: () => delta.cells() };
    });
  }

  /** Waits until every merchant of the block that matters is known. */
  private async settle(columns: EventColumns, only: number | undefined): Promise<void> {
    const { values } = columns.text.merchantId;
    await this.settings.known(only === undefined ? values : [values[only]!]);
  }
}
