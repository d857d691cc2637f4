import type { RecordStore, Versioned } from '../stores/read-store';
import { type GenerationRecord, type LivePointer, type RebuildRecord, recordKinds } from '../stores/records';
import type { Definition } from './folding-kit';

/** Everything that says which projections are folded where and which of them serve. */
export interface GenerationsView {
  readonly generations: Map<string, Versioned<GenerationRecord>>;
  /** By projection name. */
  readonly live: Map<string, Versioned<LivePointer>>;
  readonly rebuilds: Versioned<RebuildRecord>[];
}

/**
 * Read in the order opposite to that of the writes (rebuild, generation; pointer, generation, rebuild): a generation is never
 * seen without the rebuild that asks for it, nor a finished promotion without its pointer.
 */
export async function readGenerations(records: RecordStore): Promise<GenerationsView> {
  const generations = await records.list<GenerationRecord>(recordKinds.generations);
  const live = await records.list<LivePointer>(recordKinds.live);
  const rebuilds = await records.list<RebuildRecord>(recordKinds.rebuilds);
  return {
    generations: new Map(generations.map((entry) => [entry.id, entry])),
    live: new Map(live.map((entry) => [entry.id, entry])),
    rebuilds,
  };
}

export const isOpen = ({ state }: RebuildRecord): boolean => state === 'building' || state === 'caught-up';

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
  const keepsHistory = found.some((one) => one !== undefined && one.kind !== 'declared' && serving.has(one.name));
  for (const one of found) {
    if (one !== undefined && (serving.has(one.name) || (keepsHistory && one.kind !== 'declared'))) definitions.push(one);
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
