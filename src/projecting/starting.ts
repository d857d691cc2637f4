import { isDirectoryWhole } from '../stores/directory-whole';
import type { Versioned } from '../stores/read-store';
import { gathering, generationFor, givesWay, isSamePass } from '../stores/gathering';
import { covers, inFrontOf, isRange, isRead, scopeOf } from '../stores/overlays';
import { reachOf } from '../stores/reach';
import {
  type GenerationRecord,
  type LivePointer,
  nextGenerationId,
  type RebuildRecord,
  type RebuildScope,
  recordKinds,
  type WorkerRecord,
} from '../stores/records';
import type { CoordinatorContext } from './coordination';
import type { Definition } from './folding-kit';
import { behind, type GenerationsView, hasLeft, isOpen, newestOf } from './generations';
import type { Ledger } from './ledger';

/** Automatic rebuilds of one version that failed before it is left to people. */
export const failuresMax = 3;

/** Begins what nobody has to ask for: the first generation, new versions, and what cannot be continued exactly. */
export class Starting {
  private isWaiting = false;

  constructor(
    private readonly context: CoordinatorContext,
    private readonly ledger: Ledger,
  ) {}

  /**
   * The first generation of an installation serves from the start; a pointer that a crash left out is written now.
   * @returns false when there is none and it may not begin yet
   */
  async begin(view: GenerationsView): Promise<boolean> {
    const { catalog, fingerprint, now } = this.context;
    if (view.generations.size === 0) {
      if (!(await this.mayBegin())) return false;
      const projections = newestOf(catalog).map(({ name, version }) => ({ name, version }));
      const first: GenerationRecord = { generationId: 'g1', projections, state: 'live', createdAt: now(), fingerprint };
      view.generations.set('g1', await this.ledger.create(recordKinds.generations, 'g1', first));
    }
    const first = view.generations.get('g1')?.value;
    if (first === undefined || first.state !== 'live') return true;
    for (const { name, version } of first.projections) {
      const isServedElsewhere = view.live.has(name) || wholeRebuilds(view, name).length > 0;
      if (isServedElsewhere || hasLeft(first, name)) continue;
      const pointer: LivePointer = { projection: name, generationId: 'g1', version, since: now() };
      view.live.set(name, await this.ledger.create(recordKinds.live, name, pointer));
    }
    return true;
  }

  private async mayBegin(): Promise<boolean> {
    const { eventStore, logger } = this.context;
    const isWhole = await isDirectoryWhole(this.ledger.records, eventStore);
    if (!isWhole && !this.isWaiting) logger.info('counting begins once the directory of merchants is built from the log');
    this.isWaiting = !isWhole;
    return isWhole;
  }

  async startDue(view: GenerationsView, workers: readonly Versioned<WorkerRecord>[]): Promise<void> {
    const stopped = stoppedGenerations(workers);
    const due = newestOf(this.context.catalog).filter(({ name, version }) => {
      const pointer = view.live.get(name)?.value;
      const known = wholeRebuilds(view, name);
      if (known.some(isUnderWay)) return false;
      const ofVersion = known.filter((rebuild) => rebuild.version === version);
      if (hasFailedTooOften(ofVersion)) return false;
      if (pointer !== undefined && stopped.has(pointer.generationId)) return true;
      // Once it was tried it is the operator's choice: what was cancelled or rolled back does not come back by itself.
      const isTried = ofVersion.some(({ state }) => state !== 'failed');
      return !isTried && (pointer === undefined || pointer.version < version);
    });
    const crowded = this.crowded(view).filter((definition) => !due.includes(definition));
    if (due.length + crowded.length > 0) await this.start([...due, ...crowded], undefined, view);
    await this.replaceStoppedOverlays(stopped, view);
  }

  /**
   * Each merchant who is counted apart costs a pass over the log of its own. When there are many, or when none of them may be
   * rolled back any more, everybody is counted again together, each with the newest settings: what stands in front then stands
   * behind, and one pass serves everyone again.
   */
  private crowded(view: GenerationsView): Definition[] {
    const { catalog, now, times } = this.context;
    return newestOf(catalog).filter(({ name, version }) => {
      const pointer = view.live.get(name)?.value;
      const whole = wholeRebuilds(view, name);
      if (pointer === undefined || whole.some(isOpen)) return false;
      const overlays = [...view.overlays.values()].map(({ value }) => value).filter(({ projection }) => projection === name);
      const apart = inFrontOf(pointer.generationId, overlays).filter(({ scope }) => !isRange(scope));
      const isDue = apart.length > times.overlaysMax || apart.some(({ since }) => now() - since >= times.takeInAfterMs);
      return isDue && !hasFailedTooOften(whole.filter((one) => one.version === version));
    });
  }

  /** Counts projections again together, in a generation of their own. */
  async start(
    due: readonly Definition[],
    scope: RebuildScope | undefined,
    view: GenerationsView,
    settingsRevision?: number,
  ): Promise<void> {
    const { logger, now } = this.context;
    const generationId = nextGenerationId([...view.generations.keys(), ...view.rebuilds.map(({ value }) => value.generationId)]);
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
        ...scope,
        ...(settingsRevision !== undefined && { settingsRevision }),
        ...timezonesOfRange(scope, { projection: name, generationId }, view),
        requestedAt: now(),
      };
      view.rebuilds.push(await this.ledger.create(recordKinds.rebuilds, rebuildId, rebuild));
      logger.info({ rebuildId, version, ...scope }, `counting ${name} again from the log`);
    }
    await this.createGeneration(generationId, view);
  }

  /** Begins what was asked for, together with all others of the same scope, once no more have come for a moment. */
  async createGathered(generationId: string, view: GenerationsView): Promise<void> {
    const { now, times } = this.context;
    const asked = this.gatheringIn(generationId, view).map(({ requestedAt }) => requestedAt);
    const isOver = now() - Math.max(...asked) >= times.gatherQuietMs || now() - Math.min(...asked) >= times.gatherMsMax;
    if (isOver) await this.createGeneration(generationId, view);
  }

  /** Into a generation that has not begun: a rebuild whose own began without it. */
  async moveOn(entry: Versioned<RebuildRecord>, view: GenerationsView): Promise<void> {
    const rebuilds = view.rebuilds.map(({ value }) => value);
    const generationId = generationFor(entry.value, [...view.generations.keys()], rebuilds);
    this.context.logger.info({ rebuildId: entry.id, generationId }, 'the generation it was asked for in began without it');
    await this.ledger.save(recordKinds.rebuilds, entry, { ...entry.value, generationId });
  }

  private async createGeneration(generationId: string, view: GenerationsView): Promise<void> {
    const { fingerprint, now } = this.context;
    const asked = this.gatheringIn(generationId, view);
    const together = asked.filter((one) => isSamePass(one, asked[0]!));
    const projections = together.map(({ projection, version }) => ({ name: projection, version }));
    const { settingsRevision, timezonesAt } = asked[0]!;
    const scope = scopeOf(asked[0]!);
    const reach = scope?.merchantId === undefined ? 1 : await reachOf(this.ledger.records, scope.merchantId);
    const generation: GenerationRecord = {
      generationId,
      projections,
      state: 'building',
      createdAt: now(),
      ...(scope && { scope }),
      ...(reach > 1 && { reach }),
      ...(timezonesAt !== undefined && { timezonesAt }),
      ...(settingsRevision !== undefined && { settingsRevision }),
      fingerprint,
    };
    view.generations.set(generationId, await this.ledger.create(recordKinds.generations, generationId, generation));
  }

  private gatheringIn(generationId: string, view: GenerationsView): RebuildRecord[] {
    const rebuilds = view.rebuilds.map(({ value }) => value);
    return gathering(rebuilds, new Set(view.generations.keys())).filter((one) => one.generationId === generationId);
  }

  /** Those that readers are answered from: what is only kept for a rollback would be replaced again and again, as it stays what it is. */
  private async replaceStoppedOverlays(stopped: ReadonlyMap<string, string>, view: GenerationsView): Promise<void> {
    const all = [...view.overlays.values()].map(({ value }) => value);
    for (const id of stopped.keys()) {
      const overlays = all.filter(({ generationId }) => generationId === id);
      const due = newestOf(this.context.catalog).filter(({ name }) => {
        const pointer = view.live.get(name)?.value;
        const overlay = overlays.find(({ projection }) => projection === name);
        if (overlay === undefined || pointer === undefined || !isRead(overlay, pointer.generationId, all)) return false;
        const known = view.rebuilds
          .map(({ value }) => value)
          .filter((one) => one.projection === name && covers(scopeOf(one), overlay.scope));
        return !known.some(isUnderWay) && !hasFailedTooOften(known);
      });
      // What is served from one generation has one scope.
      if (due.length > 0) await this.start(due, overlays[0]!.scope, view, view.generations.get(id)?.value.settingsRevision);
    }
  }
}

/** Days of a range lie among those of what serves, so they are folded in the same timezones. */
function timezonesOfRange(
  scope: RebuildScope | undefined,
  { projection, generationId }: Pick<RebuildRecord, 'projection' | 'generationId'>,
  view: GenerationsView,
): { timezonesAt?: number } {
  const live = view.live.get(projection)?.value.generationId;
  if (scope === undefined || !isRange(scope) || live === undefined) return {};
  const serving = behind(view, { projection, generationId, scope }, live).flatMap((id) => view.generations.get(id)?.value ?? []);
  const whole = serving.filter((one) => !isRange(one.scope) && covers(one.scope, scope)).at(-1);
  return whole === undefined ? {} : { timezonesAt: whole.timezonesAt ?? whole.createdAt };
}

function wholeRebuilds(view: GenerationsView, projection: string): RebuildRecord[] {
  return view.rebuilds.map(({ value }) => value).filter((one) => one.projection === projection && scopeOf(one) === undefined);
}

/** Something will come of it, or somebody has to decide: nothing else is begun meanwhile. */
const isUnderWay = (rebuild: RebuildRecord): boolean => isOpen(rebuild) && !givesWay(rebuild);

const hasFailedTooOften = (rebuilds: readonly RebuildRecord[]): boolean =>
  rebuilds.filter(({ state }) => state === 'failed').length >= failuresMax;

/** Generations that some worker could not continue exactly, with the reason. */
export function stoppedGenerations(workers: readonly Versioned<WorkerRecord>[]): Map<string, string> {
  const stopped = new Map<string, string>();
  for (const { value } of workers) {
    for (const { generation, partition, stopped: reason, rebuildNeeded } of value.partitions) {
      if (rebuildNeeded === true) stopped.set(generation, `partition ${partition}: ${reason ?? 'stopped'}`);
    }
  }
  return stopped;
}
