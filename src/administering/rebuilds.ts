import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler, type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { unreachable } from '../domain/unreachable';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { inFrontOf, overlayId, partitionsWithin, scopeOf } from '../stores/overlays';
import { givesWay, supersederOf } from '../stores/gathering';
import { reachOf } from '../stores/reach';
import { type ControlDocument, READ_STORE, type ReadStore } from '../stores/read-store';
import { type RebuildProgress, rebuildProgress } from '../stores/rebuild-progress';
import {
  controlId,
  type GenerationRecord,
  generationNumber,
  type LivePointer,
  type Overlay,
  recordKinds,
  type RebuildRecord,
} from '../stores/records';
import { type RebuildDiff, RebuildDiffs } from './diff';
import { countsErasedVisitors } from './erased-before';
import { isRunning } from './projections';

export type RebuildStanding = RebuildRecord & RebuildProgress & { readonly diff?: RebuildDiff };

export class ListRebuilds extends Query<RebuildStanding[]> {}

/** Older ones are asked for by their id. */
const listedMax = 200;

@QueryHandler(ListRebuilds)
export class ListRebuildsHandler implements IQueryHandler<ListRebuilds> {
  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(CONFIGURATION) private readonly configuration: Pick<ResolvedConfiguration, 'partitions'>,
  ) {}

  /** Newest first. */
  async execute(): Promise<RebuildStanding[]> {
    const rebuilds = (await this.store.records.list<RebuildRecord>(recordKinds.rebuilds)).map(({ value }) => value);
    rebuilds.sort((a, b) => b.requestedAt - a.requestedAt);
    const whole = wholeGenerations(this.store);
    return Promise.all(rebuilds.slice(0, listedMax).map((one) => standingOf(this.store, one, this.configuration.partitions, whole)));
  }
}

export class FindRebuild extends Query<RebuildStanding | undefined> {
  constructor(readonly rebuildId: string) {
    super();
  }
}

@QueryHandler(FindRebuild)
export class FindRebuildHandler implements IQueryHandler<FindRebuild> {
  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(CONFIGURATION) private readonly configuration: Pick<ResolvedConfiguration, 'partitions'>,
    private readonly diffs: RebuildDiffs,
  ) {}

  async execute({ rebuildId }: FindRebuild): Promise<RebuildStanding | undefined> {
    const found = await this.store.records.get<RebuildRecord>(recordKinds.rebuilds, rebuildId);
    if (found === undefined) return undefined;
    const [standing, diff] = await Promise.all([
      standingOf(this.store, found.value, this.configuration.partitions),
      this.diffs.of(found.value),
    ]);
    return diff === undefined ? standing : { ...standing, diff };
  }
}

/** The control documents of a generation, read once for all the rebuilds of one answer: many share theirs. */
function wholeGenerations({ control }: ReadStore): (generationId: string) => Promise<ControlDocument[]> {
  const read = new Map<string, Promise<ControlDocument[]>>();
  return (generationId) => {
    const reading = read.get(generationId) ?? control.list(`${generationId}|`);
    read.set(generationId, reading);
    return reading;
  };
}

async function standingOf(
  store: ReadStore,
  rebuild: RebuildRecord,
  partitions: number,
  whole = wholeGenerations(store),
): Promise<RebuildStanding> {
  const { control, records } = store;
  const scope = scopeOf(rebuild);
  const reach = scope?.merchantId === undefined ? 1 : await reachOf(records, scope.merchantId);
  const within = partitionsWithin({ ...(scope && { scope }), reach }, partitions);
  const controls = async (generationId: string | null): Promise<ControlDocument[]> => {
    if (generationId === null) return [];
    if (scope?.merchantId === undefined) return whole(generationId);
    const found = await Promise.all(within.map((partition) => control.get(controlId(generationId, partition))));
    return found.filter((one) => one !== undefined);
  };
  const [own, previous] = await Promise.all([controls(rebuild.generationId), controls(rebuild.previousGenerationId)]);
  return { ...rebuild, ...rebuildProgress(rebuild, own, previous, Date.now()) };
}

export type Wish = NonNullable<RebuildRecord['wish']>;
export type WishOutcome =
  | { readonly ok: true; readonly rebuild: RebuildRecord }
  | { readonly ok: false; readonly reason: 'rebuild-unknown' }
  | { readonly ok: false; readonly reason: 'not-possible'; readonly detail: string };

/** Asks for a change of a rebuild; the coordinator among the workers carries it out within seconds. */
export class WishOnRebuild extends Command<WishOutcome> {
  constructor(
    readonly rebuildId: string,
    readonly wish: Wish,
  ) {
    super();
  }
}

const attemptsMax = 10;

@CommandHandler(WishOnRebuild)
export class WishOnRebuildHandler implements ICommandHandler<WishOnRebuild> {
  constructor(@Inject(READ_STORE) private readonly store: ReadStore) {}

  async execute({ rebuildId, wish }: WishOnRebuild): Promise<WishOutcome> {
    const { records } = this.store;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const found = await records.get<RebuildRecord>(recordKinds.rebuilds, rebuildId);
      if (found === undefined) return { ok: false, reason: 'rebuild-unknown' };
      // What was said about an earlier wish is answered by this one.
      const { failure: _failure, ...rebuild } = found.value;
      if (rebuild.wish === wish) return { ok: true, rebuild: found.value };
      const detail = rebuild.wish === undefined ? await this.reasonAgainst(rebuild, wish) : `it is asked to ${rebuild.wish} already`;
      if (detail !== undefined) return { ok: false, reason: 'not-possible', detail };
      const wished: RebuildRecord = { ...rebuild, wish };
      if (await records.putIf(recordKinds.rebuilds, rebuildId, wished, found.rev)) return { ok: true, rebuild: wished };
    }
    return { ok: false, reason: 'not-possible', detail: 'it changed several times while this was asked; look at it and ask again' };
  }

  private async reasonAgainst(rebuild: RebuildRecord, wish: Wish): Promise<string | undefined> {
    switch (wish) {
      case 'promote':
        return reasonAgainstPromotion(rebuild) ?? this.reasonAgainstServingAgain(rebuild);
      case 'cancel':
        return isRunning(rebuild) ? undefined : `it is ${rebuild.state}; only what is building or caught up can be cancelled`;
      case 'rollback':
        return this.reasonAgainstRollback(rebuild);
      default:
        return unreachable(wish);
    }
  }

  private async reasonAgainstServingAgain(rebuild: RebuildRecord): Promise<string | undefined> {
    if (!givesWay(rebuild)) return undefined;
    const rebuilds = await this.store.records.list<RebuildRecord>(recordKinds.rebuilds);
    const superseder = supersederOf(
      rebuild,
      rebuilds.map(({ value }) => value),
    );
    return superseder && `it was rolled back, and ${superseder.rebuildId} takes its place by now`;
  }

  private async reasonAgainstRollback(rebuild: RebuildRecord): Promise<string | undefined> {
    const { state, projection, generationId } = rebuild;
    if (state !== 'live') return `it is ${state}; only what is live can be rolled back`;
    const pointer = (await this.store.records.get<LivePointer>(recordKinds.live, projection))?.value;
    const scope = scopeOf(rebuild);
    if (scope !== undefined) {
      const id = overlayId({ projection, scope, generationId });
      const overlay = (await this.store.records.get<Overlay>(recordKinds.overlays, id))?.value;
      const isRead = overlay !== undefined && inFrontOf(pointer?.generationId ?? '', [overlay]).length > 0;
      if (!isRead || pointer === undefined) return 'what served before it is not kept any more, or something counted later serves by now';
      const { merchantId } = scope;
      const bringsBack = merchantId !== undefined && (await countsErasedVisitors(this.store.records, { ...overlay, merchantId }, pointer));
      return bringsBack ? 'what served before it counts visitors who were erased since' : undefined;
    }
    if (pointer?.generationId !== generationId) return `generation ${pointer?.generationId} serves by now`;
    const isOlder = pointer.previous !== undefined && generationNumber(pointer.previous.generationId) < generationNumber(generationId);
    if (pointer.previous === undefined || !isOlder) return 'nothing that served before it is kept';
    const previous = await this.store.records.get<GenerationRecord>(recordKinds.generations, pointer.previous.generationId);
    if (previous === undefined || previous.value.state === 'retired' || previous.value.left?.some(({ name }) => name === projection)) {
      return `generation ${pointer.previous.generationId} is not kept any more; reset the projection instead`;
    }
    return undefined;
  }
}

function reasonAgainstPromotion({ state, promote }: RebuildRecord): string | undefined {
  switch (state) {
    case 'caught-up':
      return undefined;
    case 'building':
      return promote === 'automatic'
        ? 'it is still building and goes live by itself once it has caught up'
        : 'it is still building; it can be promoted once it has caught up';
    case 'live':
    case 'retired':
    case 'cancelled':
    case 'failed':
      return `it is ${state}`;
    default:
      return unreachable(state);
  }
}
