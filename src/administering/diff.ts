import { Inject, Injectable } from '@nestjs/common';
import { catalog } from '../../projections/catalog';
import { bucketOf, documentPrefix, shardOfId, type StoredDoc } from '../../projections/kit/document';
import type { HistoryProjection } from '../../projections/kit/history';
import { countedByCurrency } from '../../projections/metrics';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { partitionsOf } from '../domain/spreading';
import { inFrontOf, isRange, overlaysOf, scopeOf } from '../stores/overlays';
import { reachOf } from '../stores/reach';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import {
  collectionOf,
  controlId,
  type GenerationRecord,
  generationNumber,
  type MerchantRecord,
  type Overlay,
  type RebuildRecord,
  recordKinds,
} from '../stores/records';
import { type DiffRow, DiffRows } from './diff-rows';

/** What a rebuild changes, day by day. */
export interface RebuildDiff {
  /** ISO 8601. */
  comparedAt: string;
  /** False: there was more than could be compared in a few seconds. */
  complete: boolean;
  merchantsCompared: number;
  /** Numbers that differ; `rows` has the largest differences. */
  total: number;
  rows: DiffRow[];
  merchants: { merchantId: string; differences: number }[];
}

const rowsShown = 100;
const merchantsShown = 20;
const keepMs = 5_000;
const keptMax = 20;
const comparedForMs = 5_000;
const documentsAtOnce = 500;
const merchantsAtOnce = 200;

interface Kept {
  readonly at: number;
  readonly diff: Promise<RebuildDiff | undefined>;
}

/** Compares what a rebuild counted with what served before, as long as both are kept. */
@Injectable()
export class RebuildDiffs {
  private readonly kept = new Map<string, Kept>();

  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(CONFIGURATION) private readonly configuration: Pick<ResolvedConfiguration, 'partitions'>,
  ) {}

  /** A few seconds old at most; undefined where there is nothing to compare, or not any more. */
  async of(rebuild: RebuildRecord): Promise<RebuildDiff | undefined> {
    if (rebuild.state !== 'caught-up' && rebuild.state !== 'live') return undefined;
    const known = this.kept.get(rebuild.rebuildId);
    if (known !== undefined && performance.now() - known.at < keepMs) return known.diff;
    const diff = this.compare(rebuild);
    this.kept.delete(rebuild.rebuildId);
    this.kept.set(rebuild.rebuildId, { at: performance.now() + comparedForMs, diff });
    // Its age begins when it is made.
    const made = await diff.catch((error: unknown) => {
      this.kept.delete(rebuild.rebuildId);
      throw error;
    });
    this.kept.set(rebuild.rebuildId, { at: performance.now(), diff });
    if (this.kept.size > keptMax) this.kept.delete(this.kept.keys().next().value!);
    return made;
  }

  private async compare(rebuild: RebuildRecord): Promise<RebuildDiff | undefined> {
    const { projection, generationId } = rebuild;
    const before = await this.before(rebuild);
    const family = familyOf(projection);
    if (before === undefined || family === undefined) return undefined;
    const rows = new DiffRows();
    const counts = countedByCurrency(projection);
    const until = performance.now() + comparedForMs;
    const common = this.commonRevisions(before, generationId);
    let merchantsCompared = 0;
    let complete = true;
    for await (const { merchantId, reach = 1 } of this.merchants(rebuild)) {
      if (performance.now() > until || !rows.hasRoom) {
        complete = false;
        break;
      }
      const revisions = await Promise.all(Array.from({ length: reach }, (_, shard) => common(merchantId, shard)));
      const [old, now] = await Promise.all(
        [before, generationId].map((id) => this.days(collectionOf(projection, id), merchantId, family.name, rebuild)),
      );
      for (const day of new Set([...old!.keys(), ...now!.keys()])) {
        const sides = [old!.get(day) ?? [], now!.get(day) ?? []] as const;
        // A document folded further than the other side's checkpoint holds events the other side has not counted yet.
        const isMoving = sides.some((documents) => documents.some(({ _id, rev }) => rev > (revisions[shardOfId(_id)] ?? -1)));
        rows.add(merchantId, day, sides, { isNamed: family.isNamed, counts, isMoving });
      }
      merchantsCompared++;
    }
    const comparedAt = new Date().toISOString();
    return { comparedAt, complete, merchantsCompared, ...rows.rows(rowsShown), merchants: rows.merchants(merchantsShown) };
  }

  /** The generation readers of the rebuild's scope came from, where its documents are still there. */
  private async before({ projection, generationId, previousGenerationId, ...rebuild }: RebuildRecord): Promise<string | undefined> {
    const { records } = this.store;
    if (previousGenerationId === null) return undefined;
    const owner = scopeOf(rebuild)?.merchantId;
    const overlays = owner === undefined ? [] : await records.list<Overlay>(recordKinds.overlays, overlaysOf(projection, owner));
    const older = overlays
      .map(({ value }) => value)
      .filter((overlay) => !isRange(overlay.scope) && generationNumber(overlay.generationId) < generationNumber(generationId));
    const id = inFrontOf(previousGenerationId, older).at(-1)?.generationId ?? previousGenerationId;
    const generation = (await records.get<GenerationRecord>(recordKinds.generations, id))?.value;
    if (generation === undefined || generation.state === 'retired') return undefined;
    return generation.left?.some(({ name }) => name === projection) ? undefined : id;
  }

  private async *merchants({ merchantId }: RebuildRecord): AsyncGenerator<Pick<MerchantRecord, 'merchantId' | 'reach'>> {
    if (merchantId !== undefined) return yield { merchantId, reach: await reachOf(this.store.records, merchantId) };
    let after: string | undefined;
    for (;;) {
      const page = await this.store.records.list<MerchantRecord>(recordKinds.merchants, '', {
        limit: merchantsAtOnce,
        ...(after !== undefined && { after }),
      });
      for (const { value } of page) yield value;
      if (page.length < merchantsAtOnce) return;
      after = page.at(-1)!.id;
    }
  }

  /** The revision both generations have flushed of a merchant's partition, or of one of those it is spread over. */
  private commonRevisions(before: string, after: string): (merchantId: string, shard: number) => Promise<number> {
    const known = new Map<number, Promise<number>>();
    const read = async (partition: number): Promise<number> => {
      const controls = await Promise.all([before, after].map((id) => this.store.control.get(controlId(id, partition))));
      return Math.min(...controls.map((control) => control?.checkpoint.revision ?? -1));
    };
    return (merchantId, shard) => {
      const partition = partitionsOf(merchantId, shard + 1, this.configuration.partitions)[shard]!;
      const revision = known.get(partition) ?? read(partition);
      known.set(partition, revision);
      return revision;
    };
  }

  private async days(
    collection: string,
    merchantId: string,
    family: string,
    { from = '', to = '' }: Pick<RebuildRecord, 'from' | 'to'>,
  ): Promise<Map<string, StoredDoc[]>> {
    const days = new Map<string, StoredDoc[]>();
    let next: string | undefined = documentPrefix(merchantId, family, 'day', from);
    // `~` sorts after the `|` that follows the last day.
    const end = `${documentPrefix(merchantId, family, 'day', to)}~`;
    while (next !== undefined) {
      const page = (await this.store.documents.scan(collection, next, end, { limit: documentsAtOnce })) as StoredDoc[];
      for (const document of page) {
        const day = bucketOf(document._id);
        days.set(day, [...(days.get(day) ?? []), document]);
      }
      next = page.length === documentsAtOnce ? `${page.at(-1)!._id}\0` : undefined;
    }
    return days;
  }
}

/** The family that tells most with fewest documents: totals, or else the first dimension, its values added up. */
function familyOf(projection: string): { name: string; isNamed: boolean } | undefined {
  const definition = catalog.find(({ name }) => name === projection);
  if (definition === undefined) return undefined;
  const { name } = definition;
  const dimension =
    definition.kind === 'history'
      ? firstDimensionOf(definition)
      : definition.kind === 'declared' && !definition.totals
        ? Object.keys(definition.dimensions)[0]!
        : '';
  return dimension === '' ? { name, isNamed: true } : { name: `${name}.${dimension}`, isNamed: false };
}

/** Of several that are told together, any adds up to the same. */
function firstDimensionOf({ families }: HistoryProjection<unknown>): string {
  const dimension = families[0]?.dimension ?? '';
  return typeof dimension === 'string' ? dimension : Object.keys(dimension)[0]!;
}
