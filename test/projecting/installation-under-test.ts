import { isDeepStrictEqual } from 'node:util';
import { catalog as fullCatalog } from '../../projections/catalog';
import type { ProjectionDefinition } from '../../projections/kit/projection';
import { createLogger } from '../../src/logging';
import { foldingKit } from '../../src/projecting/folding-kit';
import { ProjectionWorker, type WorkerOptions } from '../../src/projecting/worker';
import type { ReadStore, StoredDocument } from '../../src/stores/read-store';
import { generationFor } from '../../src/stores/gathering';
import { scopeOf } from '../../src/stores/overlays';
import { collectionOf, type LivePointer, type RebuildRecord, recordKinds } from '../../src/stores/records';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import type { StoredDoc } from '../../projections/kit/document';

type Options = Partial<WorkerOptions<ProjectionDefinition>>;

/** Rounds of a few milliseconds instead of a second. */
const fast: NonNullable<Options['times']> = {
  leaseMs: 300,
  renewMs: 60,
  heartbeatMs: 20,
  workerAliveMs: 200,
  leaseRoundMs: 20,
  leaseRoundShortMs: 10,
  generationsRoundMs: 10,
  coordinatorRoundMs: 10,
  headRoundMs: 10,
  dropAfterMs: 30,
  gatherQuietMs: 30,
  gatherMsMax: 200,
  briskRoundMs: 10,
  settingsQuietMs: 50,
};

/** Both stores in memory and workers on them, each as if it were a process of its own. */
export class InstallationUnderTest {
  readonly eventStore: InMemoryEventStore;
  readonly readStore = new InMemoryReadStore();
  private readonly workers: ProjectionWorker<ProjectionDefinition>[] = [];
  private names = 0;

  constructor(
    readonly partitions = 4,
    now: () => number = Date.now,
  ) {
    this.eventStore = new InMemoryEventStore(now);
  }

  async worker(options: Options = {}): Promise<ProjectionWorker<ProjectionDefinition>> {
    const worker = new ProjectionWorker<ProjectionDefinition>({
      eventStore: this.eventStore,
      readStore: this.readStore,
      catalog: fullCatalog,
      kit: foldingKit,
      fingerprint: 'code-1',
      partitions: this.partitions,
      workerId: `worker-${++this.names}`,
      logger: createLogger('silent', {}),
      ...options,
      times: { ...fast, ...options.times },
      limits: {
        flushEveryMs: 5,
        flushLateEveryMs: 20,
        flushBehindEveryMs: 20,
        flushRebuildEveryMs: 20,
        stoppedRetryMs: 50,
        ...options.limits,
      },
    });
    this.workers.push(worker);
    await worker.start();
    return worker;
  }

  async end(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.abandon()));
  }

  async pointer(projection: string): Promise<LivePointer | undefined> {
    return (await this.readStore.records.get<LivePointer>(recordKinds.live, projection))?.value;
  }

  async rebuild(rebuildId: string): Promise<RebuildRecord | undefined> {
    return (await this.readStore.records.get<RebuildRecord>(recordKinds.rebuilds, rebuildId))?.value;
  }

  async wish(rebuildId: string, wish: RebuildRecord['wish']): Promise<void> {
    for (;;) {
      const entry = (await this.readStore.records.get<RebuildRecord>(recordKinds.rebuilds, rebuildId))!;
      if (await this.readStore.records.putIf(recordKinds.rebuilds, rebuildId, { ...entry.value, wish }, entry.rev)) return;
    }
  }

  /** Asks for a rebuild as the administering role does: with others of the same scope that are asked for at the same time. */
  async ask(projection: string, fields: Partial<RebuildRecord> = {}): Promise<RebuildRecord> {
    const { records } = this.readStore;
    const rebuilds = (await records.list<RebuildRecord>(recordKinds.rebuilds)).map(({ value }) => value);
    const generations = (await records.list(recordKinds.generations)).map(({ id }) => id);
    const generationId = generationFor({ projection, ...fields }, generations, rebuilds);
    const rebuild = { ...(await this.rebuildOf(projection, generationId)), rebuildId: `${generationId}-${projection}`, ...fields };
    if (!(await records.putIf(recordKinds.rebuilds, rebuild.rebuildId, rebuild, 0))) throw new Error(`${rebuild.rebuildId} exists`);
    return rebuild;
  }

  /** Asks for a rebuild in a generation that begins at once. */
  async reset(projection: string, fields: Partial<RebuildRecord> = {}): Promise<RebuildRecord> {
    // The first one is begun by the installation itself.
    const begun = (): Promise<unknown[]> => this.readStore.records.list(recordKinds.generations);
    const generationId = `g${(await eventually(begun, ({ length }) => length > 0)).length + 1}`;
    const rebuild = { ...(await this.rebuildOf(projection, generationId)), ...fields };
    const { version, requestedAt: createdAt, settingsRevision } = rebuild;
    await this.readStore.records.putIf(recordKinds.rebuilds, rebuild.rebuildId, rebuild, 0);
    const projections = [{ name: projection, version }];
    const scope = scopeOf(rebuild);
    const more = { ...(scope && { scope }), ...(settingsRevision !== undefined && { settingsRevision }) };
    const generation = { generationId, projections, state: 'building', createdAt, fingerprint: '', ...more };
    await this.readStore.records.putIf(recordKinds.generations, generationId, generation, 0);
    return rebuild;
  }

  private async rebuildOf(projection: string, generationId: string): Promise<RebuildRecord> {
    const pointer = await this.pointer(projection);
    return {
      rebuildId: `rebuild-${generationId}`,
      projection,
      version: pointer?.version ?? fullCatalog.find(({ name }) => name === projection)!.version,
      state: 'building',
      generationId,
      previousGenerationId: pointer?.generationId ?? null,
      promote: 'automatic',
      requestedAt: Date.now(),
    };
  }

  /** Page views all merchants' days hold in the generation that serves, or in a given one. */
  async pageviews(generationId?: string): Promise<number> {
    const serving = generationId ?? (await this.pointer('traffic'))?.generationId;
    if (serving === undefined) return 0;
    let views = 0;
    for (const document of await documentsOf(this.readStore, collectionOf('traffic', serving))) {
      if (!/\|traffic\|day\|/.test(document._id)) continue;
      for (const { h, b } of (document as StoredDoc).values) views += Number(h?.pageviews ?? 0) + Number(b?.pageviews ?? 0);
    }
    return views;
  }
}

export const documentsOf = (readStore: ReadStore, collection: string): Promise<StoredDocument[]> =>
  readStore.documents.scan(collection, '', '\u{10ffff}');

/** A catalog whose author got a projection wrong at first: every page view counts as two. */
export const countingTwice: ProjectionDefinition[] = fullCatalog.map((one) => {
  if (one.name !== 'traffic' || one.kind !== 'declared') return one;
  return { ...one, measures: { ...one.measures, pageviews: { kind: 'sum' as const, of: () => 2 } } };
});

/** What `eventually` may wait for. */
export const is =
  (expected: unknown) =>
  (answer: unknown): boolean =>
    isDeepStrictEqual(answer, expected);

/** Asks again every few milliseconds until the answer is the one awaited; says what it was otherwise. */
export async function eventually<T>(ask: () => Promise<T> | T, isRight: (answer: T) => boolean, withinMs = 60_000): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (performance.now() > until) throw new Error(`after ${withinMs} ms still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
