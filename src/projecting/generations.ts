import type { RecordStore, Versioned } from '../stores/read-store';
import { inFrontOf, isRead, overlayId, overlaps, scopeOf } from '../stores/overlays';
import {
  type GenerationRecord,
  generationNumber,
  type LivePointer,
  type Overlay,
  type RebuildRecord,
  type RebuildScope,
  recordKinds,
} from '../stores/records';
import { countsByRow, type Definition } from './folding-kit';

/** Everything that says which projections are folded where and which of them serve. */
export interface GenerationsView {
  readonly generations: Map<string, Versioned<GenerationRecord>>;
  /** By projection name. */
  readonly live: Map<string, Versioned<LivePointer>>;
  /** By overlayId. */
  readonly overlays: Map<string, Versioned<Overlay>>;
  readonly rebuilds: Versioned<RebuildRecord>[];
}

/**
 * Read in the order opposite to that of the writes (rebuild, generation; pointer, generation, rebuild): a generation is never
 * seen without the rebuild that asks for it, nor a finished promotion without its pointer.
 */
export async function readGenerations(records: RecordStore): Promise<GenerationsView> {
  const generations = await records.list<GenerationRecord>(recordKinds.generations);
  const live = await records.list<LivePointer>(recordKinds.live);
  const overlays = await records.list<Overlay>(recordKinds.overlays);
  const rebuilds = await records.list<RebuildRecord>(recordKinds.rebuilds);
  return {
    generations: new Map(generations.map((entry) => [entry.id, entry])),
    live: new Map(live.map((entry) => [entry.id, entry])),
    overlays: new Map(overlays.map((entry) => [entry.id, entry])),
    rebuilds,
  };
}

export const isOpen = ({ state }: RebuildRecord): boolean => state === 'building' || state === 'caught-up';

/** The overlay a scoped rebuild is, or was, served by. */
export function overlayOf(view: GenerationsView, rebuild: RebuildRecord): Versioned<Overlay> | undefined {
  const scope = scopeOf(rebuild);
  return scope && view.overlays.get(overlayId({ ...rebuild, scope }));
}

/** Whether readers are sent to what a rebuild counted. */
export function isServed(view: Pick<GenerationsView, 'live' | 'overlays'>, rebuild: RebuildRecord): boolean {
  const scope = scopeOf(rebuild);
  if (scope === undefined) return view.live.get(rebuild.projection)?.value.generationId === rebuild.generationId;
  const overlay = view.overlays.get(overlayId({ ...rebuild, scope }))?.value;
  return overlay !== undefined && overlay.withdrawnAt === undefined;
}

/** The generations that readers are answered from, some of their numbers or all. */
export function generationsRead({ live, overlays }: Pick<GenerationsView, 'live' | 'overlays'>): Set<string> {
  const all = [...overlays.values()].map(({ value }) => value);
  const overlaid = all.filter((overlay) => isRead(overlay, live.get(overlay.projection)?.value.generationId ?? '', all));
  return new Set([...[...live.values()].map(({ value }) => value), ...overlaid].map(({ generationId }) => generationId));
}

/** The ids of those that were not retired: readers may be answered from them, or come to be. */
export function keptOf({ generations }: Pick<GenerationsView, 'generations'>): Set<string> {
  return new Set([...generations.values()].filter(({ value }) => value.state !== 'retired').map(({ id }) => id));
}

/**
 * The generations that readers of a scope are answered from, but for those in front of `younger` and itself, if the live pointer
 * names `liveGenerationId`.
 */
export function behind(
  view: Pick<GenerationsView, 'overlays'>,
  younger: { readonly projection: string; readonly generationId: string; readonly scope: RebuildScope | undefined },
  liveGenerationId: string,
): string[] {
  const { projection, generationId, scope } = younger;
  const overlays = [...view.overlays.values()].map(({ value }) => value);
  const own = overlays.filter((overlay) => overlay.projection === projection && overlaps(overlay.scope, scope));
  const ids = [liveGenerationId, ...inFrontOf(liveGenerationId, own).map((overlay) => overlay.generationId)];
  return ids.filter((id) => generationNumber(id) < generationNumber(generationId));
}

export function hasLeft(generation: GenerationRecord, projection: string): boolean {
  return generation.left?.some(({ name }) => name === projection) ?? false;
}

/** Names of the projections a generation folds at present. */
export function servedBy(generation: GenerationRecord): string[] {
  return generation.projections.map(({ name }) => name).filter((name) => !hasLeft(generation, name));
}

/** How a worker folds a generation with the code it has. */
export interface FoldingPlan<D extends Definition> {
  readonly generation: GenerationRecord;
  readonly definitions: readonly D[];
  readonly serving: ReadonlySet<string>;
  /** `name@version` of those this process has no code for: it must not fold the generation, or they would miss events. */
  readonly missing: readonly string[];
  /** Equal for equal plans. */
  readonly signature: string;
}

/** Undefined when the generation folds nothing any more. */
export function planOf<D extends Definition>(generation: GenerationRecord, catalog: readonly D[]): FoldingPlan<D> | undefined {
  const serving = new Set(servedBy(generation));
  if (generation.state === 'retired' || serving.size === 0) return undefined;
  const definitions: D[] = [];
  const missing: string[] = [];
  const found = generation.projections.map(({ name, version }) => {
    const definition = catalog.find((one) => one.name === name && one.version === version);
    if (definition === undefined && serving.has(name)) missing.push(`${name}@${version}`);
    return definition;
  });
  // The stored history is that of all such projections together, so one that left is folded along while others stay.
  const keepsHistory = found.some((one) => one !== undefined && !countsByRow(one) && serving.has(one.name));
  for (const one of found) {
    if (one !== undefined && (serving.has(one.name) || (keepsHistory && !countsByRow(one)))) definitions.push(one);
  }
  const signature = JSON.stringify([definitions.map(({ name, version }) => `${name}@${version}`), [...serving], missing]);
  return { generation, definitions, serving, missing, signature };
}

/** The newest version of each projection of a catalog: older ones stay listed while a generation still needs their code. */
export function newestOf<D extends Definition>(catalog: readonly D[]): D[] {
  const newest = new Map<string, D>();
  for (const definition of catalog) {
    const known = newest.get(definition.name);
    if (known === undefined || known.version < definition.version) newest.set(definition.name, definition);
  }
  return [...newest.values()];
}
