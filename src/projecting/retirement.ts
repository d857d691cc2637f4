import type { Versioned } from '../stores/read-store';
import { covers, partitionsWithin, scopeOf } from '../stores/overlays';
import {
  coldCollectionOf,
  collectionOf,
  controlId,
  type GenerationRecord,
  generationNumber,
  type LivePointer,
  type Overlay,
  type RebuildRecord,
  recordKinds,
  stateCollectionOf,
} from '../stores/records';
import { readersFollowMs } from './convoy';
import type { CoordinatorContext } from './coordination';
import { type GenerationsView, hasLeft, isOpen, newestOf, servedBy } from './generations';
import type { Ledger } from './ledger';

/**
 * Ends what is needed no more, in steps that may be interrupted: what was replaced is kept for a while, then leaves its generation
 * (nobody folds it), then its collection is dropped, and with the last one the generation.
 */
export class Retirement {
  constructor(
    private readonly context: CoordinatorContext,
    private readonly ledger: Ledger,
  ) {}

  async round(view: GenerationsView): Promise<void> {
    await this.letGoOfPrevious(view);
    for (const overlay of view.overlays.values()) await this.letGoOfOverlay(overlay, view);
    const needed = this.neededIn(view);
    for (const generation of view.generations.values()) {
      if (generation.value.state === 'retired') continue;
      await this.hold(generation, view);
      await this.leave(generation, needed, view);
      await this.drop(generation, needed);
    }
    await this.forgetScoped(view);
  }

  /**
   * Rebuilds of merchants are many, and every worker reads all there are: those that ended long ago leave no record. Whole
   * rebuilds do, since a version that was tried once is not tried again by itself; and so does the youngest generation, whose number
   * must not be given twice.
   */
  private async forgetScoped(view: GenerationsView): Promise<void> {
    const { now, times } = this.context;
    const { records } = this.ledger;
    const youngest = Math.max(...[...view.generations.keys()].map(generationNumber));
    for (const { id, value: rebuild } of view.rebuilds) {
      const generation = view.generations.get(rebuild.generationId)?.value;
      const isOver = rebuild.finishedAt !== undefined && now() - rebuild.finishedAt >= times.forgetScopedAfterMs;
      if (scopeOf(rebuild) === undefined || !isOver || (generation !== undefined && generation.state !== 'retired')) continue;
      // The generation first: without its rebuild it would be one that nobody ended.
      if (generation !== undefined && generationNumber(rebuild.generationId) < youngest) {
        await records.delete(recordKinds.generations, rebuild.generationId);
      }
      await records.delete(recordKinds.rebuilds, id);
    }
  }

  private async letGoOfPrevious(view: GenerationsView): Promise<void> {
    const { now, times } = this.context;
    for (const pointer of view.live.values()) {
      const { previous, ...kept } = pointer.value;
      if (previous === undefined) continue;
      const forMs = now() - kept.since;
      const isOver = forMs >= times.retireAfterMs || (forMs >= readersFollowMs && isGivenUp(pointer.value, view));
      if (!isOver) continue;
      await this.ledger.save(recordKinds.live, pointer, kept);
      // Rolled back a day ago and not promoted since.
      for (const rebuild of view.rebuilds) {
        const { value } = rebuild;
        if (value.projection !== kept.projection || value.generationId !== previous.generationId || !isOpen(value)) continue;
        await this.ledger.save(recordKinds.rebuilds, rebuild, { ...value, state: 'cancelled', finishedAt: now() });
      }
    }
  }

  /** Overlays nobody reads: rolled back and not wanted again, or behind something younger for as long as that may be rolled back. */
  private async letGoOfOverlay(overlay: Versioned<Overlay>, view: GenerationsView): Promise<void> {
    const { now, times } = this.context;
    const { projection, generationId, withdrawnAt } = overlay.value;
    if (withdrawnAt === undefined) {
      if (!this.isBehindForGood(overlay.value, view)) return;
      return this.ledger.save(recordKinds.overlays, overlay, { ...overlay.value, withdrawnAt: now() });
    }
    const isOfOverlay = ({ value }: Versioned<RebuildRecord>): boolean =>
      value.projection === projection && value.generationId === generationId;
    const rebuild = view.rebuilds.find(isOfOverlay);
    if (rebuild !== undefined && isOpen(rebuild.value)) {
      if (now() - withdrawnAt < times.retireAfterMs) return;
      await this.ledger.save(recordKinds.rebuilds, rebuild, { ...rebuild.value, state: 'cancelled', finishedAt: now() });
    }
    if (now() - withdrawnAt < Math.min(readersFollowMs, times.retireAfterMs)) return;
    // Whoever would have it back has seen another revision, and fails.
    await this.ledger.save(recordKinds.overlays, overlay, overlay.value);
    await this.ledger.records.delete(recordKinds.overlays, overlay.id);
    view.overlays.delete(overlay.id);
  }

  private isBehindForGood({ projection, scope, generationId }: Overlay, view: GenerationsView): boolean {
    const { now, times } = this.context;
    const isOld = (since: number, afterMs = times.retireAfterMs): boolean => now() - since >= afterMs;
    const settingsIn = (id: string): number | undefined => view.generations.get(id)?.value.settingsRevision;
    const isYounger = (other: string): boolean => generationNumber(other) > generationNumber(generationId);
    const pointer = view.live.get(projection)?.value;
    if (pointer !== undefined && isYounger(pointer.generationId)) {
      // What may come back by a rollback takes along only what stands in front of it.
      if (isOld(pointer.since) || (pointer.previous !== undefined && isYounger(pointer.previous.generationId))) return true;
    }
    return [...view.overlays.values()].some(({ value: other }) => {
      const isInFront = other.projection === projection && other.withdrawnAt === undefined && isYounger(other.generationId);
      // Settings go back by changing them again, not by a rollback to what was counted with others.
      const isOfNewerSettings = (settingsIn(other.generationId) ?? 0) > (settingsIn(generationId) ?? Infinity);
      return isInFront && isOld(other.since, isOfNewerSettings ? readersFollowMs : undefined) && covers(other.scope, scope);
    });
  }

  /** `${generationId}|${projection}` of everything that serves, may serve again, or is being built. */
  private neededIn(view: GenerationsView): Set<string> {
    const needed = new Set<string>();
    for (const { value } of view.live.values()) {
      needed.add(`${value.generationId}|${value.projection}`);
      if (value.previous) needed.add(`${value.previous.generationId}|${value.projection}`);
    }
    for (const { value } of view.overlays.values()) needed.add(`${value.generationId}|${value.projection}`);
    for (const { value } of view.rebuilds) if (isOpen(value)) needed.add(`${value.generationId}|${value.projection}`);
    return needed;
  }

  /**
   * A version whose code is gone, while a newer one is being built: it goes on serving as it is, and the rest of its generation
   * goes on without it. Written down for good, since a worker that still had the code would otherwise leave a gap.
   */
  private async hold(generation: Versioned<GenerationRecord>, view: GenerationsView): Promise<void> {
    const { catalog, now, logger } = this.context;
    for (const { name, version } of generation.value.projections) {
      if (hasLeft(generation.value, name) || catalog.some((one) => one.name === name && one.version === version)) continue;
      const isNewer = newestOf(catalog).some((one) => one.name === name && one.version > version);
      const isBeingReplaced = view.rebuilds.some(({ value }) => value.projection === name && isOpen(value));
      if (!isNewer || !isBeingReplaced) continue;
      const pointer = view.live.get(name);
      if (pointer?.value.generationId === generation.id) {
        await this.ledger.save(recordKinds.live, pointer, { ...pointer.value, heldSince: now() });
      }
      for (const overlay of view.overlays.values()) {
        const { generationId, projection, heldSince } = overlay.value;
        if (generationId !== generation.id || projection !== name || heldSince !== undefined) continue;
        await this.ledger.save(recordKinds.overlays, overlay, { ...overlay.value, heldSince: now() });
      }
      await this.markLeft(generation, name);
      logger.warn({ generation: generation.id }, `${name} version ${version} is held: this build has no code for it`);
    }
  }

  private async leave(generation: Versioned<GenerationRecord>, needed: ReadonlySet<string>, view: GenerationsView): Promise<void> {
    for (const name of servedBy(generation.value)) {
      if (needed.has(`${generation.id}|${name}`)) continue;
      await this.markLeft(generation, name);
    }
    for (const rebuild of view.rebuilds) {
      const { value } = rebuild;
      if (value.generationId !== generation.id || value.state !== 'live' || needed.has(`${generation.id}|${value.projection}`)) continue;
      await this.ledger.save(recordKinds.rebuilds, rebuild, { ...value, state: 'retired', finishedAt: this.context.now() });
    }
  }

  private async drop(generation: Versioned<GenerationRecord>, needed: ReadonlySet<string>): Promise<void> {
    const { readStore, partitions, now, times, logger } = this.context;
    for (const { name, since, dropped } of generation.value.left ?? []) {
      if (dropped || needed.has(`${generation.id}|${name}`) || now() - since < times.dropAfterMs) continue;
      await readStore.documents.drop(collectionOf(name, generation.id));
      const left = generation.value.left!.map((one) => (one.name === name ? { ...one, dropped: true } : one));
      await this.ledger.save(recordKinds.generations, generation, { ...generation.value, left });
      logger.info({ generation: generation.id }, `the documents of ${name} are dropped`);
    }
    if (servedBy(generation.value).length > 0 || !generation.value.left?.every(({ dropped }) => dropped)) return;
    // Whoever still folds it is fenced off before its fence is taken down.
    for (const partition of partitionsWithin(generation.value, partitions)) {
      await readStore.control.takeOver(controlId(generation.id, partition), 'retirement');
    }
    await readStore.documents.drop(stateCollectionOf(generation.id));
    await readStore.documents.drop(coldCollectionOf(generation.id));
    await readStore.control.remove(`${generation.id}|`);
    await this.ledger.save(recordKinds.generations, generation, { ...generation.value, state: 'retired' });
    logger.info({ generation: generation.id }, 'the generation is retired');
  }

  private async markLeft(generation: Versioned<GenerationRecord>, name: string): Promise<void> {
    const left = [...(generation.value.left ?? []), { name, since: this.context.now(), dropped: false }];
    await this.ledger.save(recordKinds.generations, generation, { ...generation.value, left });
  }
}

/** What a rollback took away from readers was cancelled since, or something newer takes its place: nobody can have it back. */
function isGivenUp({ projection, previous }: LivePointer, { rebuilds }: GenerationsView): boolean {
  return rebuilds.some(({ value }) => {
    const isOfPrevious = value.projection === projection && value.generationId === previous?.generationId;
    return isOfPrevious && (value.state === 'cancelled' || value.state === 'failed');
  });
}
