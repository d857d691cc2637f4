import { setTimeout as delay } from 'node:timers/promises';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DirectoryRecords } from '../configuring/directory-records';
import { Lease } from '../configuring/lease';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { type GenerationRecord, type LivePointer, recordKinds, type RebuildRecord } from '../stores/records';
import { codeVersion, isRunning, projectionNames } from './projections';

export interface ResetLimits {
  merchantId?: string;
  from?: string;
  to?: string;
  promote?: 'automatic' | 'manual';
}

export type ResetOutcome =
  | { readonly ok: true; readonly rebuildId: string }
  | { readonly ok: false; readonly reason: 'projection-unknown'; readonly known: readonly string[] }
  | { readonly ok: false; readonly reason: 'projection-retired' }
  | { readonly ok: false; readonly reason: 'merchant-unknown' }
  | { readonly ok: false; readonly reason: 'rebuild-running'; readonly rebuildId: string }
  /** No worker has begun the first generation yet. */
  | { readonly ok: false; readonly reason: 'nothing-counted' }
  | { readonly ok: false; readonly reason: 'contended' };

/** Counts a projection again, into collections of its own, while what is there serves. */
export class ResetProjection extends Command<ResetOutcome> {
  constructor(
    readonly projection: string,
    readonly limits: ResetLimits,
  ) {
    super();
  }
}

const attempts = { max: 20, waitMs: 50 };

@CommandHandler(ResetProjection)
export class ResetProjectionHandler implements ICommandHandler<ResetProjection> {
  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    private readonly directory: DirectoryRecords,
  ) {}

  async execute({ projection, limits }: ResetProjection): Promise<ResetOutcome> {
    const live = await this.live();
    const known = projectionNames(live);
    if (!known.includes(projection)) return { ok: false, reason: 'projection-unknown', known };
    const version = codeVersion(projection);
    if (version === null) return { ok: false, reason: 'projection-retired' };
    const { merchantId } = limits;
    if (merchantId !== undefined && (await this.directory.merchant(merchantId)) === undefined) {
      return { ok: false, reason: 'merchant-unknown' };
    }
    // One at a time: two resets at the same moment must see each other, or both would count the same projection again.
    const lease = new Lease(this.store.records, 'reset');
    for (let attempt = 0; attempt < attempts.max; attempt++) {
      let outcome: ResetOutcome = { ok: false, reason: 'contended' };
      const held = await lease.hold(new AbortController().signal, async () => {
        outcome = await this.start(projection, version, limits);
      });
      if (held) return outcome;
      await delay(attempts.waitMs);
    }
    return { ok: false, reason: 'contended' };
  }

  private async start(projection: string, version: number, limits: ResetLimits): Promise<ResetOutcome> {
    const { records } = this.store;
    const rebuilds = (await records.list<RebuildRecord>(recordKinds.rebuilds)).map(({ value }) => value);
    const running = rebuilds.find((rebuild) => rebuild.projection === projection && isRunning(rebuild));
    if (running !== undefined) return { ok: false, reason: 'rebuild-running', rebuildId: running.rebuildId };

    const requestedAt = Date.now();
    const generationId = await this.newGeneration(projection, version, requestedAt);
    if (generationId === 'nothing-counted' || generationId === 'contended') return { ok: false, reason: generationId };
    const serving = (await this.live()).find((pointer) => pointer.projection === projection);
    const { merchantId, from, to, promote = 'automatic' } = limits;
    const rebuild: RebuildRecord = {
      rebuildId: `${generationId}-${projection}`,
      projection,
      version,
      state: 'building',
      generationId,
      previousGenerationId: serving?.generationId ?? null,
      promote,
      ...(merchantId === undefined ? {} : { merchantId }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      requestedAt,
    };
    // After a crash before this write the workers let go of a generation that no rebuild wants.
    await records.putIf(recordKinds.rebuilds, rebuild.rebuildId, rebuild, 0);
    return { ok: true, rebuildId: rebuild.rebuildId };
  }

  /** The workers' coordinator takes numbers as well: who writes a number first has it. */
  private async newGeneration(
    projection: string,
    version: number,
    createdAt: number,
  ): Promise<`g${number}` | 'nothing-counted' | 'contended'> {
    const { records } = this.store;
    for (let attempt = 0; attempt < attempts.max; attempt++) {
      const generations = await records.list<GenerationRecord>(recordKinds.generations);
      if (generations.length === 0) return 'nothing-counted';
      const generationId = nextGenerationId(generations.map(({ id }) => id));
      const generation: GenerationRecord = {
        generationId,
        projections: [{ name: projection, version }],
        state: 'building',
        createdAt,
        // Known to the workers alone: this process does not fold.
        fingerprint: '',
      };
      if (await records.putIf(recordKinds.generations, generationId, generation, 0)) return generationId;
    }
    return 'contended';
  }

  private async live(): Promise<LivePointer[]> {
    return (await this.store.records.list<LivePointer>(recordKinds.live)).map(({ value }) => value);
  }
}

/** `g1` is the workers' first; numbers are never used twice, since no generation is forgotten. */
function nextGenerationId(used: readonly string[]): `g${number}` {
  const numbers = used.map((id) => Number(/^g(\d+)$/.exec(id)?.[1] ?? 0));
  return `g${Math.max(1, ...numbers) + 1}`;
}
