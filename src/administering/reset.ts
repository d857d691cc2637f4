import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { catalog } from '../../projections/catalog';
import { DirectoryRecords } from '../configuring/directory-records';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { type GenerationRecord, type LivePointer, recordKinds, type RebuildRecord } from '../stores/records';
import { isRunning, projectionNames } from './projections';

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

const attemptsMax = 10;

@CommandHandler(ResetProjection)
export class ResetProjectionHandler implements ICommandHandler<ResetProjection> {
  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    private readonly directory: DirectoryRecords,
  ) {}

  async execute({ projection, limits }: ResetProjection): Promise<ResetOutcome> {
    const { records } = this.store;
    const live = (await records.list<LivePointer>(recordKinds.live)).map(({ value }) => value);
    const known = projectionNames(live);
    if (!known.includes(projection)) return { ok: false, reason: 'projection-unknown', known };
    const definition = catalog.find(({ name }) => name === projection);
    if (definition === undefined) return { ok: false, reason: 'projection-retired' };
    const { merchantId } = limits;
    if (merchantId !== undefined && (await this.directory.merchant(merchantId)) === undefined)
      return { ok: false, reason: 'merchant-unknown' };

    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      // Generations before rebuilds: whoever wrote a generation had written its rebuild, so what runs cannot be overlooked, and two
      // resets at the same moment compute the same number, which only one of them gets.
      const generations = (await records.list<GenerationRecord>(recordKinds.generations)).map(({ value }) => value);
      const rebuilds = (await records.list<RebuildRecord>(recordKinds.rebuilds)).map(({ value }) => value);
      const running = rebuilds.find((rebuild) => rebuild.projection === projection && isRunning(rebuild));
      if (running !== undefined) {
        await this.writeGeneration(running);
        return { ok: false, reason: 'rebuild-running', rebuildId: running.rebuildId };
      }
      const generationId = nextGenerationId([...generations, ...rebuilds]);
      const rebuild: RebuildRecord = {
        rebuildId: `rebuild-${generationId}`,
        projection,
        version: definition.version,
        state: 'building',
        generationId,
        previousGenerationId: live.find((pointer) => pointer.projection === projection)?.generationId ?? null,
        promote: limits.promote ?? 'automatic',
        ...(merchantId === undefined ? {} : { merchantId }),
        ...(limits.from === undefined ? {} : { from: limits.from }),
        ...(limits.to === undefined ? {} : { to: limits.to }),
        requestedAt: Date.now(),
      };
      if (!(await records.putIf(recordKinds.rebuilds, rebuild.rebuildId, rebuild, 0))) continue;
      await this.writeGeneration(rebuild);
      return { ok: true, rebuildId: rebuild.rebuildId };
    }
    return { ok: false, reason: 'contended' };
  }

  /** Also completes a reset that died between its two writes. */
  private async writeGeneration({ generationId, projection, version, requestedAt }: RebuildRecord): Promise<void> {
    const generation: GenerationRecord = {
      generationId,
      projections: [{ name: projection, version }],
      state: 'building',
      createdAt: requestedAt,
      // The worker that begins to fold it knows the code it folds with.
      fingerprint: '',
    };
    await this.store.records.putIf(recordKinds.generations, generationId, generation, 0);
  }
}

/** `g1` is the first; numbers are never used twice. */
export function nextGenerationId(used: readonly { generationId: string }[]): string {
  const numbers = used.map(({ generationId }) => Number(/^g(\d+)$/.exec(generationId)?.[1] ?? 0));
  return `g${Math.max(1, ...numbers) + 1}`;
}
