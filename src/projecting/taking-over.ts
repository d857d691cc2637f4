import { eventsStream } from '../domain/partition';
import { EVENT_BLOCK } from '../stores/block';
import type { RecordedEvent } from '../stores/event-store';
import type { Checkpoint, ControlDocument, Intent } from '../stores/read-store';
import { coldCollectionOf, controlId, stateCollectionOf } from '../stores/records';
import { ColdRecords } from './cold-records';
import { type DedupResume, DedupWindow } from './dedup-window';
import { Fenced, RebuildNeeded, Stopped } from './faults';
import { countsByRow, decodeRecord, type Definition } from './folding-kit';
import { type FoldContext, type FoldParts, PartitionFold, type Resume } from './partition-fold';
import { firstSince, ScopeFilter } from './scope';
import { SettingsInUse } from './settings-in-use';
import { StateLog } from './state-log';
import { Turns } from './timing';

/**
 * Takes a partition over and brings memory to its checkpoint; a flush that its last owner began is finished first.
 * @throws RebuildNeeded, FoldStopped, Fenced, StoreUnavailable
 */
export async function takeOver<D extends Definition>(context: FoldContext<D>, signal: AbortSignal): Promise<PartitionFold<D>> {
  const { readStore, generation, partition, definitions } = context;
  const control = await readStore.control.takeOver(controlId(generation.generationId, partition), context.owner);
  const { intent } = control;
  await mustHold(context, control.checkpoint);
  if (intent !== null) await mustReach(context, intent.r1);

  const history = await restoreHistory(context, control.checkpoint);
  const settings = new SettingsInUse(context.merchants, generation, context.fingerprint);
  const within = generation.scope && new ScopeFilter(generation.scope, definitions.every(countsByRow));
  const isUntouched = control.checkpoint.revision === -1 && intent === null;
  if (isUntouched && within !== undefined) await beginWhereItMatters(context, control, within, settings);
  const dedup = await readBack(context, control.checkpoint, within, signal);

  const shelf = context.cache.shelf(isUntouched);
  const fold = new PartitionFold(context, { control, ...history, shelf, dedup, settings, within });
  if (intent !== null) await finish(context, fold, intent, signal);
  return fold;
}

/**
 * A log without the last record that was counted is not the log that was counted; nor is one that has a later record in its place, having
 * grown again since it was cut short.
 * @throws RebuildNeeded, StoreUnavailable
 */
export async function mustHold(
  context: Pick<FoldContext<Definition>, 'eventStore' | 'partition'>,
  { revision, logTime }: Pick<Checkpoint, 'revision' | 'logTime'>,
): Promise<void> {
  if (revision < 0) return;
  const stream = eventsStream(context.partition);
  for await (const { revision: found, type, createdAt } of context.eventStore.read(stream, { from: BigInt(revision), limit: 1 })) {
    // What retention took away cannot be compared.
    if (Number(found) !== revision) break;
    if (type !== EVENT_BLOCK || createdAt <= logTime) return;
    const [now, counted] = [createdAt, logTime].map((ms) => new Date(ms).toISOString());
    throw new RebuildNeeded(
      `${stream} has a record of ${now} as revision ${revision}, where one of ${counted} was counted: the log was replaced or cut short`,
    );
  }
  await mustReach(context, revision);
}

async function mustReach(context: Pick<FoldContext<Definition>, 'eventStore' | 'partition'>, revision: number): Promise<void> {
  const stream = eventsStream(context.partition);
  const head = await context.eventStore.last(stream);
  if (head === undefined || Number(head.revision) < revision) {
    throw new RebuildNeeded(
      `${stream} ends at revision ${head?.revision ?? 'none'}, but it was counted up to ${revision}: the log was replaced or cut short`,
    );
  }
}

/** What is remembered of visitors: in memory from the state log, or each for itself in the store. */
async function restoreHistory<D extends Definition>(
  { readStore, kit, definitions, generation, partition, snapshotAfterBytesMin }: FoldContext<D>,
  { revision, resume }: Checkpoint,
): Promise<Pick<FoldParts, 'folder' | 'stateLog' | 'coldRecords'>> {
  const { documents } = readStore;
  const { generationId } = generation;
  const folder = kit.createFolder(definitions);
  const stateLog = new StateLog(documents, stateCollectionOf(generationId), partition, folder.keeps, snapshotAfterBytesMin);
  const parts = await stateLog.load(revision);
  if (parts.length > 0) folder.restore(parts, (resume as Partial<Resume>).hasCold === true);
  return { folder, stateLog, coldRecords: new ColdRecords(documents, coldCollectionOf(generationId), partition) };
}

/** Passes over the part of the log in which nothing can matter, once, before anything is folded. */
async function beginWhereItMatters(
  { eventStore, readStore, merchants, partition }: FoldContext<Definition>,
  control: ControlDocument,
  within: ScopeFilter,
  settings: SettingsInUse,
): Promise<void> {
  const { merchantId } = within.scope;
  if (merchantId !== undefined) await settings.known([merchantId]);
  const earliest = within.earliest(merchantId === undefined ? undefined : merchants.registeredAt(merchantId), settings.timezoneOf);
  if (earliest === undefined) return;
  const { revision, timeBefore } = await firstSince(eventStore, partition, earliest);
  if (revision === 0) return;
  const checkpoint = { revision: revision - 1, logTime: timeBefore, resume: {}, events: 0 };
  if (!(await readStore.control.saveCheckpoint(control._id, control.epoch, checkpoint))) {
    throw new Fenced(`${control._id} has a later owner`);
  }
  control.checkpoint = checkpoint;
}

/** The window of known ids at a checkpoint, from exactly the records it was built from. */
async function readBack(
  context: FoldContext<Definition>,
  { revision, resume }: Checkpoint,
  within: ScopeFilter | undefined,
  signal: AbortSignal,
): Promise<DedupWindow> {
  const dedup = new DedupWindow();
  const from = DedupWindow.startOf(resume as Partial<DedupResume>);
  if (from === undefined) return dedup;
  const turns = new Turns();
  for await (const record of recordsOf(context, from, revision, signal)) {
    if (record.type !== EVENT_BLOCK) continue;
    const columns = decodeRecord(context.kit, record);
    dedup.mark(columns, record.createdAt, Number(record.revision), within?.only(columns));
    await turns.give();
  }
  return dedup;
}

/** Folds the range of an intent again, which gives the same writes, and completes it. */
async function finish<D extends Definition>(
  context: FoldContext<D>,
  fold: PartitionFold<D>,
  intent: Intent,
  signal: AbortSignal,
): Promise<void> {
  const { r0, r1 } = intent;
  if (r0 !== fold.checkpoint.revision) {
    throw new RebuildNeeded(`the flush of (${r0}, ${r1}] does not begin at the checkpoint, ${fold.checkpoint.revision}`);
  }
  for await (const record of recordsOf(context, r0 + 1, r1, signal)) await fold.fold(record);
  await fold.finishFlush(intent);
}

/** The records of a part of the log that was read before, both ends included. */
async function* recordsOf(
  { eventStore, partition }: FoldContext<Definition>,
  from: number,
  to: number,
  signal: AbortSignal,
): AsyncIterable<RecordedEvent> {
  if (from > to) return;
  const stream = eventsStream(partition);
  let last = -1;
  for await (const record of eventStore.read(stream, { from: BigInt(from), limit: to - from + 1, signal })) {
    if (signal.aborted) throw new Stopped();
    last = Number(record.revision);
    if (last > to) return;
    yield record;
    if (last === to) return;
  }
  if (signal.aborted) throw new Stopped();
  throw new RebuildNeeded(`${stream} gave ${last} as its last revision while ${to} was being read again`);
}
