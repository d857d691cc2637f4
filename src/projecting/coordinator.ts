import type { Versioned } from '../stores/read-store';
import { claimsOf, notSaidByOthers } from '../stores/claims';
import { isPartOf, supersederOf } from '../stores/gathering';
import { scopeOf } from '../stores/overlays';
import type { RebuildProgress } from '../stores/rebuild-progress';
import { generationNumber, type GenerationRecord, type RebuildRecord, recordKinds, type WorkerRecord } from '../stores/records';
import type { CoordinatorContext } from './coordination';
import { type GenerationsView, hasLeft, isOpen, isServed, keptOf, readGenerations } from './generations';
import { Ledger, Overtaken } from './ledger';
import { type Comparison, Promoting, reaches } from './promoting';
import { Reaching } from './reaching';
import { Retirement } from './retirement';
import { SettingsChanges } from './settings-changes';
import { type ShortLog, shortLogOf } from './short-log';
import { Starting, stoppedGenerations } from './starting';

export interface OpenRebuild extends RebuildProgress {
  readonly rebuildId: string;
  readonly projection: string;
}

/**
 * Moves generations along: the first one, rebuilds, promotion, rollback, retirement. One worker holds its lease, but every step is
 * a compare-and-set that a second coordinator, or a crash between two steps, cannot spoil.
 */
export class Coordinator {
  private readonly ledger: Ledger;
  private readonly starting: Starting;
  private readonly settingsChanges: SettingsChanges;
  private readonly promoting: Promoting;
  private readonly retirement: Retirement;
  private readonly reaching: Reaching;
  /** What the serving generations had reached a round ago, by rebuild: to be past it is to be one flush behind at most. */
  private readonly seen = new Map<string, ReadonlyMap<number, number>>();
  /** Open rebuilds as of the last round. */
  private progress: OpenRebuild[] = [];

  constructor(private readonly context: CoordinatorContext) {
    this.ledger = new Ledger(context.readStore.records);
    this.starting = new Starting(context, this.ledger);
    this.settingsChanges = new SettingsChanges(context, this.ledger, this.starting);
    this.promoting = new Promoting(context, this.ledger);
    this.retirement = new Retirement(context, this.ledger);
    this.reaching = new Reaching(context, this.ledger);
  }

  /** How far each open rebuild is. */
  get rebuilds(): readonly OpenRebuild[] {
    return this.progress;
  }

  /** @throws StoreUnavailable; the next round goes on */
  async round(): Promise<void> {
    const { records } = this.ledger;
    const progress: OpenRebuild[] = [];
    this.promoting.beginRound();
    try {
      const [view, workers] = await Promise.all([readGenerations(records), records.list<WorkerRecord>(recordKinds.workers)]);
      if (!(await this.starting.begin(view))) return;
      await this.starting.startDue(view, workers);
      await this.settingsChanges.round(view);
      await this.reaching.round(view);
      for (const rebuild of view.rebuilds) {
        const open = await this.step(rebuild, view, workers);
        if (open !== undefined) progress.push(open);
      }
      await this.retirement.round(view);
      await this.forgetWorkers(workers, view);
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
    }
    this.progress = progress;
  }

  private async step(
    entry: Versioned<RebuildRecord>,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<OpenRebuild | undefined> {
    const rebuild = entry.value;
    if (isOpen(rebuild)) return this.stepOpen(entry, view, workers);
    if (rebuild.state === 'live' && rebuild.wish === 'rollback') await this.rollBack(entry, view, workers);
    else if (rebuild.wish !== undefined)
      await this.refuseWish(entry, `a rebuild that is ${rebuild.state} cannot ${describe(rebuild.wish)}`);
    return undefined;
  }

  private async stepOpen(
    entry: Versioned<RebuildRecord>,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<OpenRebuild | undefined> {
    const rebuild = entry.value;
    const generation = view.generations.get(rebuild.generationId);
    // A crash came between the pointer and the rest of a promotion.
    if (generation !== undefined && isServed(view, rebuild)) return this.finishPromotion(entry, generation);
    const ending = reasonToEnd(rebuild, generation?.value, view, workers);
    if (ending !== undefined) {
      if (ending.state === 'failed') await this.settingsChanges.again(rebuild, view);
      return this.end(entry, ending.state, ending.failure);
    }
    if (rebuild.wish === 'rollback') return this.refuseWish(entry, `a rebuild that is ${rebuild.state} cannot be rolled back`);
    if (generation === undefined) return this.starting.createGathered(rebuild.generationId, view).then(() => undefined);
    if (!isPartOf(generation.value, rebuild)) return this.starting.moveOn(entry, view).then(() => undefined);
    const pointer = view.live.get(rebuild.projection);
    const servingId = pointer?.value.generationId ?? anyServing(view);
    const { successor, required, progress, short } = await this.compare('round', rebuild, servingId, view, workers);
    const open = { ...progress, rebuildId: entry.id, projection: rebuild.projection };
    const isWarned = short === undefined || rebuild.warning !== undefined;
    if (rebuild.state === 'building') {
      const before = this.seen.get(entry.id);
      this.seen.set(entry.id, required);
      if (before === undefined || !reaches(successor, before)) return open;
      if (isWarned) await this.ledger.save(recordKinds.rebuilds, entry, { ...rebuild, state: 'caught-up' });
    }
    if (!isWarned) return this.leaveToOperator(entry, short.warning).then(() => open);
    const isToServe = rebuild.promote === 'automatic' || rebuild.wish === 'promote';
    if (!isToServe) this.promoting.forget(entry.id);
    else if ((pointer === undefined || this.promoting.goTogether(rebuild)) && reaches(successor, required)) {
      // Once more, since what this round compared for others as well is older by now.
      const latest = await this.compare('now', rebuild, servingId, view, workers);
      if (!reaches(latest.successor, latest.required)) return open;
      await this.promoting.promote(entry, pointer, view);
      await this.finishPromotion(entry, generation);
    }
    return open;
  }

  /** What is required is what can be reached: a log that was lost, or is older than the read store, ends before that. */
  private async compare(
    asOf: 'round' | 'now',
    rebuild: RebuildRecord,
    servingId: string | undefined,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<Comparison & { readonly short: ShortLog | undefined }> {
    const comparison = await this.promoting.compare(asOf, rebuild, servingId, view, workers);
    const short = await shortLogOf(this.context.eventStore, rebuild.generationId, comparison, workers);
    return { ...comparison, required: short?.reachable ?? comparison.required, short };
  }

  /**
   * What the log does not hold cannot be counted again: whether readers are to lose it is not for the coordinator to say, nor for a wish
   * that was made before this was known.
   */
  private async leaveToOperator(entry: Versioned<RebuildRecord>, warning: string): Promise<void> {
    this.promoting.forget(entry.id);
    const { wish: _wish, ...rebuild } = entry.value;
    await this.ledger.save(recordKinds.rebuilds, entry, { ...rebuild, state: 'caught-up', promote: 'manual', warning });
    this.context.logger.warn({ rebuildId: entry.id, ...scopeOf(rebuild) }, `${rebuild.projection} waits to be promoted: ${warning}`);
  }

  private async finishPromotion(entry: Versioned<RebuildRecord>, generation: Versioned<GenerationRecord>): Promise<undefined> {
    this.forget(entry.id);
    if (generation.value.state === 'building') {
      await this.ledger.save(recordKinds.generations, generation, { ...generation.value, state: 'live' });
    }
    const { wish: _wish, ...rebuild } = entry.value;
    await this.ledger.save(recordKinds.rebuilds, entry, { ...rebuild, state: 'live', promotedAt: this.context.now() });
    this.context.logger.info({ rebuildId: entry.id, ...scopeOf(rebuild) }, `${rebuild.projection} is served from ${rebuild.generationId}`);
  }

  /** Readers back to what served before; the rebuild stays caught up, to be promoted again, cancelled or superseded. */
  private async rollBack(
    entry: Versioned<RebuildRecord>,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<void> {
    const outcome = await this.promoting.rollBack(entry, view, workers);
    if (outcome === 'waiting') return;
    if (outcome !== 'done') return this.refuseWish(entry, outcome.refused).then(() => undefined);
    this.promoting.forget(entry.id);
    const { wish: _wish, ...rebuild } = entry.value;
    await this.ledger.save(recordKinds.rebuilds, entry, { ...rebuild, state: 'caught-up', promote: 'manual' });
    this.context.logger.info({ rebuildId: entry.id }, `${rebuild.projection} is served from what served before`);
  }

  private async end(entry: Versioned<RebuildRecord>, state: 'cancelled' | 'failed', failure?: string): Promise<undefined> {
    this.forget(entry.id);
    const { wish: _wish, ...rebuild } = entry.value;
    const finishedAt = this.context.now();
    await this.ledger.save(recordKinds.rebuilds, entry, { ...rebuild, state, finishedAt, ...(failure && { failure }) });
    this.context.logger.info({ rebuildId: entry.id, failure }, `the rebuild of ${rebuild.projection} is ${state}`);
  }

  private async refuseWish(entry: Versioned<RebuildRecord>, failure: string): Promise<undefined> {
    this.promoting.forget(entry.id);
    const { wish: _wish, ...rebuild } = entry.value;
    await this.ledger.save(recordKinds.rebuilds, entry, { ...rebuild, failure });
  }

  private forget(rebuildId: string): void {
    this.seen.delete(rebuildId);
    this.promoting.forget(rebuildId);
  }

  /** What readers were told on the word of one that is gone holds on: its claims stay until others have claimed as much. */
  private async forgetWorkers(workers: readonly Versioned<WorkerRecord>[], view: GenerationsView): Promise<void> {
    const { now, times } = this.context;
    const { records } = this.ledger;
    const generations = keptOf(view);
    const all = workers.map(({ value }) => value);
    for (const { id, rev, value } of workers) {
      if (now() - value.at <= times.forgetWorkerAfterMs) continue;
      const own = claimsOf(value).filter(({ generation }) => generations.has(generation));
      const claims = notSaidByOthers(own, id, all);
      if (claims.length === 0) await records.delete(recordKinds.workers, id);
      else if (value.partitions.length > 0) await records.putIf(recordKinds.workers, id, { ...value, partitions: [], claims }, rev);
    }
  }
}

function reasonToEnd(
  rebuild: RebuildRecord,
  generation: GenerationRecord | undefined,
  view: GenerationsView,
  workers: readonly Versioned<WorkerRecord>[],
): { state: 'cancelled' | 'failed'; failure?: string } | undefined {
  if (rebuild.wish === 'cancel') return { state: 'cancelled' };
  const superseder = supersederOf(
    rebuild,
    view.rebuilds.map(({ value }) => value),
  );
  if (superseder !== undefined) return { state: 'cancelled', failure: `superseded by ${superseder.rebuildId}: it had been rolled back` };
  if (generation === undefined) return undefined;
  const { projection, generationId } = rebuild;
  if (!isPartOf(generation, rebuild)) return undefined;
  if (hasLeft(generation, projection)) return { state: 'failed', failure: 'its generation no longer counts this projection' };
  const stopped = stoppedGenerations(workers).get(generationId);
  if (stopped !== undefined) return { state: 'failed', failure: stopped };
  const serving = view.live.get(projection)?.value.generationId;
  if (scopeOf(rebuild) !== undefined && serving !== undefined && generationNumber(serving) > generationNumber(generationId)) {
    return { state: 'cancelled', failure: `${serving}, which was begun later and counts everything, serves by now` };
  }
  return undefined;
}

/** A projection that never served is level when it has reached what others serve. */
const anyServing = (view: GenerationsView): string | undefined => [...view.live.values()][0]?.value.generationId;

const describe = (wish: 'promote' | 'cancel' | 'rollback'): string =>
  ({ promote: 'be promoted', cancel: 'be cancelled', rollback: 'be rolled back' })[wish];
