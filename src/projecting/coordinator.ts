import type { RecordStore, Versioned } from '../stores/read-store';
import { controlId, type GenerationRecord, type LivePointer, type RebuildRecord, recordKinds, type WorkerRecord } from '../stores/records';
import type { Definition } from './folding-kit';
import { type GenerationsView, hasLeft, isOpen, newestOf, readGenerations } from './generations';
import type { CoordinatorContext } from './coordination';
import { Retirement } from './retirement';

/** Automatic rebuilds of one version that failed before it is left to people. */
const failuresMax = 3;

/** A record changed under the coordinator's hands: the next round sees it as it is. */
class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** Log revisions by partition number. */
type Revisions = readonly number[];

/**
 * Moves generations along: the first one, rebuilds, promotion, rollback, retirement. One worker holds its lease, but every step is
 * a compare-and-set that a second coordinator, or a crash between two steps, cannot spoil.
 */
export class Coordinator {
  private readonly records: RecordStore;
  private readonly retirement: Retirement;
  /** What the serving generation had reached a round ago, by rebuild: to be past it is to be one flush behind at most. */
  private readonly seen = new Map<string, Revisions>();
  /** Since when each rebuild, by id, is about to change places with what serves, or back: epoch ms. */
  private readonly changingSince = new Map<string, number>();
  /** Open rebuilds as of the last round. */
  private progress: { rebuildId: string; projection: string; fraction: number }[] = [];

  constructor(private readonly context: CoordinatorContext) {
    this.records = context.readStore.records;
    this.retirement = new Retirement(context, (kind, entry, value) => this.save(kind, entry, value));
  }

  /** Part of the log each open rebuild has read, 0 to 1. */
  get rebuilds(): readonly { rebuildId: string; projection: string; fraction: number }[] {
    return this.progress;
  }

  /** @throws StoreUnavailable; the next round goes on */
  async round(): Promise<void> {
    this.progress = [];
    try {
      const [view, workers] = await Promise.all([readGenerations(this.records), this.records.list<WorkerRecord>(recordKinds.workers)]);
      await this.begin(view);
      await this.startDue(view, workers);
      for (const rebuild of view.rebuilds) await this.step(rebuild, view, workers);
      await this.retirement.round(view);
      await this.forgetWorkers(workers);
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
    }
  }

  /** The first generation of an installation serves from the start; a pointer that a crash left out is written now. */
  private async begin(view: GenerationsView): Promise<void> {
    const { catalog, fingerprint, now } = this.context;
    if (view.generations.size === 0) {
      const projections = newestOf(catalog).map(({ name, version }) => ({ name, version }));
      const first: GenerationRecord = { generationId: 'g1', projections, state: 'live', createdAt: now(), fingerprint };
      await this.create(recordKinds.generations, 'g1', first);
      view.generations.set('g1', { id: 'g1', rev: 1, value: first });
    }
    const first = view.generations.get('g1')?.value;
    if (first === undefined || first.state !== 'live') return;
    for (const { name, version } of first.projections) {
      const isServedElsewhere = view.live.has(name) || view.rebuilds.some(({ value }) => value.projection === name);
      if (isServedElsewhere || hasLeft(first, name)) continue;
      const pointer: LivePointer = { projection: name, generationId: 'g1', version, since: now() };
      await this.create(recordKinds.live, name, pointer);
      view.live.set(name, { id: name, rev: 1, value: pointer });
    }
  }

  /** Rebuilds nobody has to ask for: new versions, new projections, and what stopped because it could not be continued exactly. */
  private async startDue(view: GenerationsView, workers: readonly Versioned<WorkerRecord>[]): Promise<void> {
    const stopped = stoppedGenerations(workers);
    const due = newestOf(this.context.catalog).filter(({ name, version }) => {
      const pointer = view.live.get(name)?.value;
      const known = view.rebuilds.filter(({ value }) => value.projection === name);
      if (known.some(({ value }) => isOpen(value))) return false;
      const ofVersion = known.filter(({ value }) => value.version === version);
      if (ofVersion.filter(({ value }) => value.state === 'failed').length >= failuresMax) return false;
      if (pointer !== undefined && stopped.has(pointer.generationId)) return true;
      // Once it was tried it is the operator's choice: what was cancelled or rolled back does not come back by itself.
      const isTried = ofVersion.some(({ value }) => value.state !== 'failed');
      return !isTried && (pointer === undefined || pointer.version < version);
    });
    if (due.length > 0) await this.startRebuild(due, view);
  }

  private async startRebuild(due: readonly Definition[], view: GenerationsView): Promise<void> {
    const { logger, now } = this.context;
    const generationId = nextGenerationId(view);
    const projections = due.map(({ name, version }) => ({ name, version }));
    for (const { name, version } of due) {
      const rebuildId = `${generationId}-${name}`;
      const rebuild: RebuildRecord = {
        rebuildId,
        projection: name,
        version,
        state: 'building',
        generationId,
        previousGenerationId: view.live.get(name)?.value.generationId ?? null,
        promote: 'automatic',
        requestedAt: now(),
      };
      await this.create(recordKinds.rebuilds, rebuildId, rebuild);
      view.rebuilds.push({ id: rebuildId, rev: 1, value: rebuild });
      logger.info({ rebuildId, version }, `counting ${name} again from the log`);
    }
    await this.createGeneration(generationId, projections, view);
  }

  private async createGeneration(generationId: string, projections: GenerationRecord['projections'], view: GenerationsView): Promise<void> {
    const { fingerprint, now } = this.context;
    const generation: GenerationRecord = { generationId, projections, state: 'building', createdAt: now(), fingerprint };
    await this.create(recordKinds.generations, generationId, generation);
    view.generations.set(generationId, { id: generationId, rev: 1, value: generation });
  }

  private async step(entry: Versioned<RebuildRecord>, view: GenerationsView, workers: readonly Versioned<WorkerRecord>[]): Promise<void> {
    const rebuild = entry.value;
    if (isOpen(rebuild)) await this.stepOpen(entry, view, workers);
    else if (rebuild.state === 'live' && rebuild.wish === 'rollback') await this.rollBack(entry, view, workers);
    else if (rebuild.wish !== undefined)
      await this.refuseWish(entry, `a rebuild that is ${rebuild.state} cannot ${describe(rebuild.wish)}`);
  }

  private async stepOpen(
    entry: Versioned<RebuildRecord>,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<void> {
    const { now } = this.context;
    const rebuild = entry.value;
    const generation = view.generations.get(rebuild.generationId);
    const pointer = view.live.get(rebuild.projection);
    // A crash came between the pointer and the rest of a promotion.
    if (generation !== undefined && pointer?.value.generationId === rebuild.generationId) return this.finishPromotion(entry, generation);
    if (rebuild.wish === 'cancel') return this.end(entry, 'cancelled');
    if (rebuild.wish === 'rollback') return this.refuseWish(entry, `a rebuild that is ${rebuild.state} cannot be rolled back`);
    if (generation === undefined) {
      if (now() - rebuild.requestedAt < this.context.times.completeAfterMs) return;
      const together = view.rebuilds.filter(({ value }) => value.generationId === rebuild.generationId && isOpen(value));
      const projections = together.map(({ value }) => ({ name: value.projection, version: value.version }));
      return this.createGeneration(rebuild.generationId, projections, view);
    }
    if (hasLeft(generation.value, rebuild.projection)) return this.end(entry, 'failed', 'its generation no longer counts this projection');
    const stopped = stoppedGenerations(workers).get(rebuild.generationId);
    if (stopped !== undefined) return this.end(entry, 'failed', stopped);

    const servingId = pointer?.value.generationId ?? this.anyServing(view);
    const { successor, required } = await this.compare(rebuild.generationId, servingId, workers);
    this.progress.push({ rebuildId: entry.id, projection: rebuild.projection, fraction: fractionOf(successor, required) });
    if (rebuild.state === 'building') {
      const before = this.seen.get(entry.id);
      this.seen.set(entry.id, required);
      if (before === undefined || !reaches(successor, before)) return;
      await this.save(recordKinds.rebuilds, entry, { ...rebuild, state: 'caught-up' });
    }
    const isToServe = rebuild.promote === 'automatic' || rebuild.wish === 'promote';
    if (!isToServe) this.changingSince.delete(entry.id);
    else if ((pointer === undefined || this.goTogether(entry.id)) && reaches(successor, required)) {
      await this.promote(entry, generation, pointer);
    }
  }

  private async promote(
    entry: Versioned<RebuildRecord>,
    generation: Versioned<GenerationRecord>,
    pointer: Versioned<LivePointer> | undefined,
  ): Promise<void> {
    const { projection, version, generationId } = entry.value;
    const previous = pointer && { generationId: pointer.value.generationId, version: pointer.value.version };
    const next: LivePointer = { projection, generationId, version, since: this.context.now(), ...(previous && { previous }) };
    if (pointer === undefined) await this.create(recordKinds.live, projection, next);
    else await this.save(recordKinds.live, pointer, next);
    await this.finishPromotion(entry, generation);
  }

  private async finishPromotion(entry: Versioned<RebuildRecord>, generation: Versioned<GenerationRecord>): Promise<void> {
    this.seen.delete(entry.id);
    this.changingSince.delete(entry.id);
    if (generation.value.state === 'building') await this.save(recordKinds.generations, generation, { ...generation.value, state: 'live' });
    const { wish: _wish, ...rebuild } = entry.value;
    await this.save(recordKinds.rebuilds, entry, { ...rebuild, state: 'live', promotedAt: this.context.now() });
    this.context.logger.info({ rebuildId: entry.id }, `${rebuild.projection} is served from ${rebuild.generationId}`);
  }

  /** The pointer back to what served before; the rebuild stays caught up, to be promoted again or cancelled. */
  private async rollBack(
    entry: Versioned<RebuildRecord>,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<void> {
    const { wish: _wish, ...rebuild } = entry.value;
    const back = { ...rebuild, state: 'caught-up' as const, promote: 'manual' as const };
    const pointer = view.live.get(rebuild.projection);
    if (pointer?.value.previous?.generationId === rebuild.generationId) return this.save(recordKinds.rebuilds, entry, back);
    const previous = pointer?.value.previous;
    const generation = previous && view.generations.get(previous.generationId)?.value;
    if (pointer?.value.generationId !== rebuild.generationId) return this.refuseWish(entry, 'it does not serve any more');
    if (previous === undefined || generation === undefined) return this.refuseWish(entry, 'what served before it is no longer kept');
    if (hasLeft(generation, rebuild.projection)) {
      return this.refuseWish(entry, `version ${previous.version} is no longer counted: its code is gone`);
    }
    const { successor, required } = await this.compare(previous.generationId, rebuild.generationId, workers);
    if (!this.goTogether(entry.id) || !reaches(successor, required)) return;
    const { generationId, version } = pointer.value;
    const next: LivePointer = {
      projection: rebuild.projection,
      ...previous,
      since: this.context.now(),
      previous: { generationId, version },
    };
    await this.save(recordKinds.live, pointer, next);
    this.changingSince.delete(entry.id);
    await this.save(recordKinds.rebuilds, entry, back);
    this.context.logger.info({ rebuildId: entry.id }, `${rebuild.projection} is served from ${previous.generationId} again`);
  }

  /** Whether every worker has had the time to see that the two are to change places, and flushes them as a convoy. */
  private goTogether(rebuildId: string): boolean {
    const now = this.context.now();
    const since = this.changingSince.get(rebuildId) ?? now;
    this.changingSince.set(rebuildId, since);
    return now - since >= 2 * this.context.times.generationsRoundMs;
  }

  /**
   * What the successor has flushed, and what readers of the serving generation may have seen. The successor is read first:
   * it can only have more by the time the other is read.
   */
  private async compare(
    successorId: string,
    servingId: string | undefined,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<{ successor: Revisions; required: Revisions }> {
    const successor = await this.revisions(successorId, false);
    const required = [...(servingId === undefined ? [] : await this.revisions(servingId, true))];
    // Where serving stands still, being level with it is not enough: the head of the log is to be reached.
    for (const { value } of workers) {
      for (const { generation, partition, stopped, head } of value.partitions) {
        if (generation === servingId && stopped !== undefined) required[partition] = Math.max(required[partition] ?? -1, head);
      }
    }
    return { successor, required };
  }

  private async revisions(generationId: string, withIntent: boolean): Promise<Revisions> {
    const controls = await this.context.readStore.control.list(`${generationId}|`);
    const byId = new Map(controls.map((control) => [control._id, control]));
    return Array.from({ length: this.context.partitions }, (_, partition) => {
      const control = byId.get(controlId(generationId, partition));
      if (control === undefined) return -1;
      return Math.max(control.checkpoint.revision, withIntent ? (control.intent?.r1 ?? -1) : -1);
    });
  }

  /** A projection that never served is level when it has reached what others serve. */
  private anyServing(view: GenerationsView): string | undefined {
    return [...view.live.values()][0]?.value.generationId;
  }

  private async end(entry: Versioned<RebuildRecord>, state: 'cancelled' | 'failed', failure?: string): Promise<void> {
    this.seen.delete(entry.id);
    this.changingSince.delete(entry.id);
    const { wish: _wish, ...rebuild } = entry.value;
    await this.save(recordKinds.rebuilds, entry, { ...rebuild, state, finishedAt: this.context.now(), ...(failure && { failure }) });
    this.context.logger.info({ rebuildId: entry.id, failure }, `the rebuild of ${rebuild.projection} is ${state}`);
  }

  private async refuseWish(entry: Versioned<RebuildRecord>, failure: string): Promise<void> {
    this.changingSince.delete(entry.id);
    const { wish: _wish, ...rebuild } = entry.value;
    await this.save(recordKinds.rebuilds, entry, { ...rebuild, failure });
  }

  private async forgetWorkers(workers: readonly Versioned<WorkerRecord>[]): Promise<void> {
    const { now, times } = this.context;
    for (const { id, value } of workers) {
      if (now() - value.at > times.forgetWorkerAfterMs) await this.records.delete(recordKinds.workers, id);
    }
  }

  private async create<T extends object>(kind: string, id: string, value: T): Promise<void> {
    if (!(await this.records.putIf(kind, id, value, 0))) throw new Overtaken(`${kind} ${id} exists already`);
  }

  private async save<T extends object>(kind: string, entry: Versioned<T>, value: T): Promise<void> {
    if (!(await this.records.putIf(kind, entry.id, value, entry.rev))) throw new Overtaken(`${kind} ${entry.id} has changed`);
    entry.value = value;
    entry.rev++;
  }
}

const reaches = (successor: Revisions, required: Revisions): boolean =>
  required.every((revision, partition) => (successor[partition] ?? -1) >= revision);

function fractionOf(successor: Revisions, required: Revisions): number {
  let read = 0;
  let all = 0;
  required.forEach((revision, partition) => {
    read += Math.min(revision, successor[partition] ?? -1) + 1;
    all += revision + 1;
  });
  return all === 0 ? 1 : read / all;
}

const describe = (wish: 'promote' | 'cancel' | 'rollback'): string =>
  ({ promote: 'be promoted', cancel: 'be cancelled', rollback: 'be rolled back' })[wish];

function nextGenerationId(view: GenerationsView): string {
  const used = [...view.generations.keys(), ...view.rebuilds.map(({ value }) => value.generationId)];
  const numbers = used.map((id) => Number(/^g(\d+)$/.exec(id)?.[1] ?? 0));
  return `g${Math.max(1, ...numbers) + 1}`;
}

/** Generations that some worker could not continue exactly, with the reason. */
function stoppedGenerations(workers: readonly Versioned<WorkerRecord>[]): Map<string, string> {
  const stopped = new Map<string, string>();
  for (const { value } of workers) {
    for (const { generation, partition, stopped: reason, rebuildNeeded } of value.partitions) {
      if (rebuildNeeded === true) stopped.set(generation, `partition ${partition}: ${reason ?? 'stopped'}`);
    }
  }
  return stopped;
}
