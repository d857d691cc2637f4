import { merchantOf, shardPrefix } from '../../projections/kit/document';
import type { BucketDelta, Folder } from '../../projections/kit/projection';
import { eventsStream } from '../domain/partition';
import { shardIn } from '../domain/spreading';
import type { EventColumns } from '../domain/columns';
import { BlockUnreadable, EVENT_BLOCK } from '../stores/block';
import type { EventStore, RecordedEvent } from '../stores/event-store';
import type { Checkpoint, ControlDocument, Intent, ReadStore } from '../stores/read-store';
import { coldCollectionOf, controlId, type GenerationRecord, stateCollectionOf } from '../stores/records';
import { ColdRecords } from './cold-records';
import { DedupWindow, type DedupResume } from './dedup-window';
import type { DocumentCache, DocumentShelf } from './document-cache';
import { Fenced, FoldStopped, messageOf, RebuildNeeded, Stopped } from './faults';
import { countsByRow, type Definition, type FoldingKit } from './folding-kit';
import type { MerchantDirectory, SettledGeneration } from './merchant-settings';
import { RangeFlush } from './range-flush';
import { firstSince, ScopeFilter } from './scope';
import { SettingsInUse } from './settings-in-use';
import { StateLog } from './state-log';
import { nextTurn } from './timing';

/** Log time between turns given to timers and sockets while folding without waiting for anything. */
const foldForMsMax = 20;

/** More than a record has rows. */
const positionsPerRecord = 2 ** 17;

interface Resume extends DedupResume {
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

/**
 * One partition of the log folded for one generation, exactly once: between `open` and the first error it alone may write the
 * partition's documents. Folding and flushing may go on at the same time, one of each.
 */
export class PartitionFold<D extends Definition> {
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
  private readonly settings: SettingsInUse;
  private lastTurnAt = 0;
  /** Undefined: everything matters. */
  private readonly within: ScopeFilter | undefined;

  private constructor(
    private readonly context: FoldContext<D>,
    private readonly control: ControlDocument,
    private readonly folder: Folder,
    private readonly stateLog: StateLog,
    private readonly coldRecords: ColdRecords,
    private readonly shelf: DocumentShelf,
    private readonly dedup: DedupWindow,
  ) {
    this.foldedTo = control.checkpoint.revision;
    this.events = control.checkpoint.events;
    this.resume = dedup.resume();
    this.settings = new SettingsInUse(context.merchants, context.generation, context.fingerprint);
    const { scope } = context.generation;
    this.within = scope && new ScopeFilter(scope, context.definitions.every(countsByRow));
  }

  /**
   * Takes the partition over and brings memory to the checkpoint; a flush that its last owner began is finished first.
   * @throws RebuildNeeded, FoldStopped, Fenced, StoreUnavailable
   */
  static async open<D extends Definition>(context: FoldContext<D>, signal: AbortSignal): Promise<PartitionFold<D>> {
    const { readStore, generation, partition, definitions, kit } = context;
    const control = await readStore.control.takeOver(controlId(generation.generationId, partition), context.owner);
    const { revision } = control.checkpoint;
    await mustReach(context, Math.max(revision, control.intent?.r1 ?? -1));

    const folder = kit.createFolder(definitions);
    const collection = stateCollectionOf(generation.generationId);
    const stateLog = new StateLog(readStore.documents, collection, partition, folder.keeps, context.snapshotAfterBytesMin);
    const parts = await stateLog.load(revision);
    const { hasCold } = control.checkpoint.resume as Partial<Resume>;
    if (parts.length > 0) folder.restore(parts, hasCold === true);
    const coldRecords = new ColdRecords(readStore.documents, coldCollectionOf(generation.generationId), partition);

    const shelf = context.cache.shelf(revision === -1 && control.intent === null);
    const fold = new PartitionFold(context, control, folder, stateLog, coldRecords, shelf, new DedupWindow());
    if (revision === -1 && control.intent === null) await fold.beginWhereItMatters();
    await fold.readBack(signal);
    if (control.intent !== null) await fold.finish(control.intent, signal);
    return fold;
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

  get windowBytes(): number {
    return this.dedup.bytes;
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
      const columns = this.decode(record);
      const only = this.within?.only(columns);
      if (only === 0) this.dedup.pass(record.createdAt, revision);
      else await this.foldRows(columns, record, only);
      this.events += columns.count;
      this.resume = this.dedup.resume();
    }
    this.foldedTo = revision;
    await this.giveTurns();
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
      return shard === 0 ? delta : { ...delta, prefix: shardPrefix(delta.prefix, shard) };
    });
  }

  /** Passes over the part of the log in which nothing can matter, once, before anything is folded. */
  private async beginWhereItMatters(): Promise<void> {
    const { within, control } = this;
    if (within === undefined) return;
    const { eventStore, readStore, merchants, partition } = this.context;
    const { merchantId } = within.scope;
    if (merchantId !== undefined) await this.settings.known([merchantId]);
    const earliest = within.earliest(merchantId === undefined ? undefined : merchants.registeredAt(merchantId), this.settings.timezoneOf);
    if (earliest === undefined) return;
    const { revision, timeBefore } = await firstSince(eventStore, partition, earliest);
    if (revision === 0) return;
    const checkpoint = { revision: revision - 1, logTime: timeBefore, resume: {}, events: 0 };
    if (!(await readStore.control.saveCheckpoint(control._id, control.epoch, checkpoint))) {
      throw new Fenced(`${control._id} has a later owner`);
    }
    control.checkpoint = checkpoint;
    this.foldedTo = checkpoint.revision;
  }

  /** Rebuilds the window of known ids from exactly the records it was built from. */
  private async readBack(signal: AbortSignal): Promise<void> {
    const from = DedupWindow.startOf(this.checkpoint.resume as Partial<DedupResume>);
    if (from === undefined) return;
    for await (const record of this.records(from, this.checkpoint.revision, signal)) {
      if (record.type !== EVENT_BLOCK) continue;
      const columns = this.decode(record);
      this.dedup.mark(columns, record.createdAt, Number(record.revision), this.within?.only(columns));
      await this.giveTurns();
    }
    this.resume = this.dedup.resume();
  }

  /** Folds the range of an intent again, which gives the same writes, and completes it. */
  private async finish(intent: Intent, signal: AbortSignal): Promise<void> {
    const { r0, r1, fingerprint } = intent;
    if (r0 !== this.checkpoint.revision) {
      throw new RebuildNeeded(`the flush of (${r0}, ${r1}] does not begin at the checkpoint, ${this.checkpoint.revision}`);
    }
    for await (const record of this.records(r0 + 1, r1, signal)) await this.fold(record);
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

  private async *records(from: number, to: number, signal: AbortSignal): AsyncIterable<RecordedEvent> {
    if (from > to) return;
    let last = -1;
    for await (const record of this.context.eventStore.read(this.stream, { from: BigInt(from), limit: to - from + 1, signal })) {
      if (signal.aborted) throw new Stopped();
      last = Number(record.revision);
      if (last > to) return;
      yield record;
      if (last === to) return;
    }
    if (signal.aborted) throw new Stopped();
    throw new RebuildNeeded(`${this.stream} gave ${last} as its last revision while ${to} was being read again`);
  }

  private decode(record: RecordedEvent): EventColumns {
    try {
      return this.context.kit.decode(record.data);
    } catch (error) {
      if (!(error instanceof BlockUnreadable)) throw error;
      throw new FoldStopped(`${record.stream} revision ${record.revision}: ${error.message}`, { cause: error });
    }
  }

  /** Waits until every merchant of the block that matters is known. */
  private async settle(columns: EventColumns, only: number | undefined): Promise<void> {
    const { values } = columns.text.merchantId;
    await this.settings.known(only === undefined ? values : [values[only]!]);
  }

  private async giveTurns(): Promise<void> {
    const now = performance.now();
    if (now - this.lastTurnAt < foldForMsMax) return;
    await nextTurn();
    this.lastTurnAt = performance.now();
  }

  private get stream(): string {
    return eventsStream(this.context.partition);
  }
}

/** A log that ends before what was counted is not the log that was counted. */
async function mustReach(context: FoldContext<Definition>, revision: number): Promise<void> {
  if (revision < 0) return;
  const stream = eventsStream(context.partition);
  const head = await context.eventStore.last(stream);
  if (head === undefined || Number(head.revision) < revision) {
    throw new RebuildNeeded(
      `${stream} ends at revision ${head?.revision ?? 'none'}, but it was counted up to ${revision}: the log was replaced or cut short`,
    );
  }
}
