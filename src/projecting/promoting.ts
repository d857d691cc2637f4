import type { ControlDocument, Versioned } from '../stores/read-store';
import { overlayId, partitionsWithin, scopeOf } from '../stores/overlays';
import { type RebuildProgress, rebuildProgress } from '../stores/rebuild-progress';
import {
  controlId,
  generationNumber,
  type LivePointer,
  type Overlay,
  type RebuildRecord,
  recordKinds,
  type WorkerRecord,
} from '../stores/records';
import type { CoordinatorContext } from './coordination';
import { behind, type GenerationsView, hasLeft, isOpen, overlayOf } from './generations';
import type { Ledger } from './ledger';
import { stoppedGenerations } from './starting';

/** Log revisions by partition number; only of the partitions that matter. */
export type Revisions = ReadonlyMap<number, number>;

/** How a rebuild stands to what readers are answered from. */
export interface Comparison {
  /** What has surely been flushed by whoever is to serve. */
  readonly successor: Revisions;
  /** What readers may have seen. */
  readonly required: Revisions;
  readonly progress: RebuildProgress;
}

/** Control documents by partition number. */
interface Controls {
  readonly successor: ReadonlyMap<number, ControlDocument>;
  readonly serving: readonly ReadonlyMap<number, ControlDocument>[];
}

export const reaches = (successor: Revisions, required: Revisions): boolean =>
  [...required].every(([partition, revision]) => (successor.get(partition) ?? -1) >= revision);

/** Sends readers to what a rebuild counted, and back: one write each, made when readers cannot see less afterwards. */
export class Promoting {
  /** Since when each rebuild, by id, is about to change places with what serves, or back: epoch ms. */
  private readonly changingSince = new Map<string, number>();
  /** Of this round: rebuilds that share a generation compare the same. */
  private readonly compared = new Map<string, Promise<Controls>>();

  constructor(
    private readonly context: CoordinatorContext,
    private readonly ledger: Ledger,
  ) {}

  beginRound(): void {
    this.compared.clear();
  }

  /** The change is off, or over. */
  forget(rebuildId: string): void {
    this.changingSince.delete(rebuildId);
  }

  /** Whether every worker has had the time to see that the two are to change places, and flushes them as a convoy. */
  goTogether(rebuild: RebuildRecord): boolean {
    const { times } = this.context;
    const now = this.context.now();
    const since = this.changingSince.get(rebuild.rebuildId) ?? now;
    this.changingSince.set(rebuild.rebuildId, since);
    // What goes live by itself is looked for in short rounds by every worker that is through with its part; a wish comes unannounced.
    const isExpected = isOpen(rebuild) && rebuild.promote === 'automatic';
    return now - since >= (isExpected ? 3 * times.briskRoundMs : 2 * times.generationsRoundMs);
  }

  /**
   * @param asOf 'round': some moment of this round, shared by the rebuilds of a generation; 'now': read anew
   * @param servingId what the live pointer names, or, for a projection that never served, what others serve from
   */
  async compare(
    asOf: 'round' | 'now',
    rebuild: RebuildRecord,
    servingId: string | undefined,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<Comparison> {
    const servingIds = this.servingIds(rebuild, servingId, view);
    const key = JSON.stringify([rebuild.generationId, servingIds]);
    const known = asOf === 'round' ? this.compared.get(key) : undefined;
    const reading = known ?? this.read(rebuild, servingIds, this.partitionsOf(rebuild.generationId, view));
    if (asOf === 'round') this.compared.set(key, reading);
    return this.comparison(rebuild, servingIds, await reading, workers);
  }

  private servingIds(rebuild: RebuildRecord, servingId: string | undefined, view: GenerationsView): string[] {
    return servingId === undefined ? [] : behind(view, { ...rebuild, scope: scopeOf(rebuild) }, servingId);
  }

  /** The successor is read first: it can only have more by the time the others are read. */
  private async read({ generationId }: RebuildRecord, servingIds: readonly string[], partitions: readonly number[]): Promise<Controls> {
    const successor = await this.controls(generationId, partitions);
    return { successor, serving: await Promise.all(servingIds.map((id) => this.controls(id, partitions))) };
  }

  private comparison(
    rebuild: RebuildRecord,
    servingIds: readonly string[],
    { successor, serving }: Controls,
    workers: readonly Versioned<WorkerRecord>[],
  ): Comparison {
    const required = new Map<number, number>();
    const require = (partition: number, revision: number): void => {
      if (successor.has(partition)) required.set(partition, Math.max(required.get(partition) ?? -1, revision));
    };
    for (const controls of serving) for (const [partition, revision] of revisionsOf(controls, true)) require(partition, revision);
    // Where serving stands still, being level with it is not enough: the head of the log is to be reached.
    for (const { value } of workers) {
      for (const { generation, partition, stopped, head } of value.partitions) {
        if (stopped !== undefined && servingIds.includes(generation)) require(partition, head);
      }
    }
    const progress = rebuildProgress(rebuild, [...successor.values()], [...(serving[0]?.values() ?? [])], this.context.now());
    return { successor: revisionsOf(successor, false), required, progress };
  }

  /** @param pointer the live pointer; undefined: nothing serves yet */
  async promote(
    { value: rebuild }: Versioned<RebuildRecord>,
    pointer: Versioned<LivePointer> | undefined,
    view: GenerationsView,
  ): Promise<void> {
    const { projection, version, generationId } = rebuild;
    const since = this.context.now();
    const scope = scopeOf(rebuild);
    if (scope !== undefined) {
      const overlay: Overlay = { projection, generationId, version, scope, since };
      const withdrawn = overlayOf(view, rebuild);
      if (withdrawn !== undefined) return this.ledger.save(recordKinds.overlays, withdrawn, overlay);
      const id = overlayId(overlay);
      view.overlays.set(id, await this.ledger.create(recordKinds.overlays, id, overlay));
      return;
    }
    const previous = pointer && { generationId: pointer.value.generationId, version: pointer.value.version };
    const next: LivePointer = { projection, generationId, version, since, ...(previous && { previous }) };
    if (pointer === undefined) view.live.set(projection, await this.ledger.create(recordKinds.live, projection, next));
    else await this.ledger.save(recordKinds.live, pointer, next);
  }

  /** Readers back to what served before. 'waiting': not yet possible. A text: why it is not possible. */
  async rollBack(
    entry: Versioned<RebuildRecord>,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<'done' | 'waiting' | { refused: string }> {
    const { projection, generationId } = entry.value;
    const pointer = view.live.get(projection);
    const overlay = overlayOf(view, entry.value);
    if (scopeOf(entry.value) !== undefined) {
      if (overlay === undefined || pointer === undefined) return { refused: 'what served before it is no longer kept' };
      if (overlay.value.withdrawnAt !== undefined) return 'done';
      const answer = await this.mayGiveWay(entry.value, pointer.value.generationId, view, workers);
      if (answer !== 'yes') return answer;
      await this.ledger.save(recordKinds.overlays, overlay, { ...overlay.value, withdrawnAt: this.context.now() });
      return 'done';
    }
    const previous = pointer?.value.previous;
    if (previous?.generationId === generationId) return 'done';
    const generation = previous && view.generations.get(previous.generationId)?.value;
    if (pointer?.value.generationId !== generationId) return { refused: 'it does not serve any more' };
    const isOlder = previous !== undefined && generationNumber(previous.generationId) < generationNumber(generationId);
    if (!isOlder || generation === undefined) return { refused: 'what served before it is no longer kept' };
    if (hasLeft(generation, projection)) return { refused: `version ${previous.version} is no longer counted: its code is gone` };
    const answer = await this.mayGiveWay(entry.value, previous.generationId, view, workers);
    if (answer !== 'yes') return answer;
    const { version } = pointer.value;
    await this.ledger.save(recordKinds.live, pointer, {
      projection,
      ...previous,
      since: this.context.now(),
      previous: { generationId, version },
    });
    return 'done';
  }

  /** Whether everything readers will be answered from has flushed what they may have seen of the rebuild, or never will. */
  private async mayGiveWay(
    rebuild: RebuildRecord,
    liveGenerationId: string,
    view: GenerationsView,
    workers: readonly Versioned<WorkerRecord>[],
  ): Promise<'yes' | 'waiting' | { refused: string }> {
    const isReady = this.goTogether(rebuild);
    const scope = scopeOf(rebuild);
    const partitions = this.partitionsOf(rebuild.generationId, view);
    const successors = behind(view, { ...rebuild, scope }, liveGenerationId);
    const required = new Map(revisionsOf(await this.controls(rebuild.generationId, partitions), true));
    for (const { value } of workers) {
      for (const { generation, partition, stopped, head } of value.partitions) {
        if (stopped === undefined || generation !== rebuild.generationId) continue;
        required.set(partition, Math.max(required.get(partition) ?? -1, head));
      }
    }
    let isLevel = true;
    for (const id of successors) {
      const flushed = revisionsOf(await this.controls(id, this.sharedBy(id, view, partitions)), false);
      if ([...flushed].every(([partition, revision]) => revision >= (required.get(partition) ?? -1))) continue;
      const stopped = stoppedGenerations(workers).get(id);
      if (stopped !== undefined) return { refused: `${id}, which would serve, has not counted what readers saw since: ${stopped}` };
      isLevel = false;
    }
    return isReady && isLevel ? 'yes' : 'waiting';
  }

  private partitionsOf(generationId: string, view: GenerationsView): number[] {
    return partitionsWithin(view.generations.get(generationId)?.value, this.context.partitions);
  }

  private sharedBy(generationId: string, view: GenerationsView, among: readonly number[]): number[] {
    return this.partitionsOf(generationId, view).filter((partition) => among.includes(partition));
  }

  private async controls(generationId: string, partitions: readonly number[]): Promise<Map<number, ControlDocument>> {
    const { control } = this.context.readStore;
    const found =
      partitions.length === 1
        ? [await control.get(controlId(generationId, partitions[0]!))].filter((one) => one !== undefined)
        : await control.list(`${generationId}|`);
    const byId = new Map(found.map((one) => [one._id, one]));
    const none = (id: string): ControlDocument => ({
      _id: id,
      epoch: 0,
      owner: '',
      checkpoint: { revision: -1, logTime: 0, resume: {}, events: 0 },
      intent: null,
    });
    return new Map(
      partitions.map((partition) => {
        const id = controlId(generationId, partition);
        return [partition, byId.get(id) ?? none(id)];
      }),
    );
  }
}

function revisionsOf(controls: ReadonlyMap<number, ControlDocument>, withIntent: boolean): Revisions {
  return new Map(
    [...controls].map(([partition, { checkpoint, intent }]) => [
      partition,
      Math.max(checkpoint.revision, withIntent ? (intent?.r1 ?? -1) : -1),
    ]),
  );
}
