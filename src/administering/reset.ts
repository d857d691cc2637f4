import { setTimeout as delay } from 'node:timers/promises';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DirectoryRecords } from '../configuring/directory-records';
import { Lease } from '../configuring/lease';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { generationFor, givesWay } from '../stores/gathering';
import { inFrontOf, isRange, overlaysOf, scopeOf } from '../stores/overlays';
import {
  type GenerationRecord,
  type LivePointer,
  type MerchantRecord,
  type Overlay,
  recordKinds,
  type RebuildRecord,
  timezoneFor,
} from '../stores/records';
import { codeVersion, isRunning, projectionNames } from './projections';
import { daysWithin } from './reset-days';

export interface ResetLimits {
  merchantId?: string;
  /** A day, or an instant within the first of them. */
  from?: string;
  /** A day, or an instant at the end of the last of them or within it. */
  to?: string;
  promote?: 'automatic' | 'manual';
}

export type ResetOutcome =
  | { readonly ok: true; readonly rebuildId: string }
  | { readonly ok: false; readonly reason: 'projection-unknown'; readonly known: readonly string[] }
  | { readonly ok: false; readonly reason: 'projection-retired' }
  | { readonly ok: false; readonly reason: 'merchant-unknown' }
  | {
      readonly ok: false;
      readonly reason: 'rebuild-running';
      readonly rebuild: Pick<RebuildRecord, 'rebuildId' | 'state' | 'promote' | 'wish'>;
    }
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
  private before: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    private readonly directory: DirectoryRecords,
  ) {}

  /** Those of this process in the order they come in, so that many asked for together follow each other without a pause. */
  execute(asked: ResetProjection): Promise<ResetOutcome> {
    const outcome = this.before.then(() => this.reset(asked));
    this.before = outcome.catch(() => undefined);
    return outcome;
  }

  private async reset({ projection, limits }: ResetProjection): Promise<ResetOutcome> {
    const live = await this.live();
    const known = projectionNames(live);
    if (!known.includes(projection)) return { ok: false, reason: 'projection-unknown', known };
    const version = codeVersion(projection);
    if (version === null) return { ok: false, reason: 'projection-retired' };
    const { merchantId } = limits;
    const merchant = merchantId === undefined ? undefined : await this.directory.merchant(merchantId);
    if (merchantId !== undefined && merchant === undefined) return { ok: false, reason: 'merchant-unknown' };
    // One at a time: two resets at the same moment must see each other, or both would count the same projection again.
    const lease = new Lease(this.store.records, 'reset');
    for (let attempt = 0; attempt < attempts.max; attempt++) {
      let outcome: ResetOutcome | 'overtaken' = 'overtaken';
      await lease.hold(new AbortController().signal, async () => {
        outcome = await this.start(projection, version, limits, merchant);
      });
      if (outcome !== 'overtaken') return outcome;
      await delay(attempts.waitMs);
    }
    return { ok: false, reason: 'contended' };
  }

  private async start(
    projection: string,
    version: number,
    limits: ResetLimits,
    merchant: MerchantRecord | undefined,
  ): Promise<ResetOutcome | 'overtaken'> {
    const { records } = this.store;
    const { promote = 'automatic', ...range } = limits;
    const rebuilds = (await records.list<RebuildRecord>(recordKinds.rebuilds)).map(({ value }) => value);
    // What was rolled back gives way: the coordinator ends it when it sees this one, so that there is nothing to write but this one.
    const running = rebuilds.find(
      (rebuild) => rebuild.projection === projection && rebuild.merchantId === range.merchantId && isRunning(rebuild) && !givesWay(rebuild),
    );
    if (running !== undefined) return { ok: false, reason: 'rebuild-running', rebuild: running };

    const pointer = (await this.live()).find((one) => one.projection === projection);
    const serving = pointer && (await this.serving(pointer, range.merchantId));
    const timezone = merchant && serving && timezoneFor(merchant, serving);
    const scope = scopeOf({ ...range, ...daysWithin(range, timezone) });
    const asked = {
      projection,
      ...scope,
      // Days of a range lie among those of what serves.
      ...(isRange(scope) && serving && { timezonesAt: serving.timezonesAt ?? serving.createdAt }),
    };
    const generations = await records.list<GenerationRecord>(recordKinds.generations);
    if (generations.length === 0) return { ok: false, reason: 'nothing-counted' };
    const generationId = generationFor(
      asked,
      generations.map(({ id }) => id),
      rebuilds,
    );
    const rebuild: RebuildRecord = {
      ...asked,
      rebuildId: `${generationId}-${projection}`,
      version,
      state: 'building',
      generationId,
      previousGenerationId: pointer?.generationId ?? null,
      promote,
      requestedAt: Date.now(),
    };
    // The workers' coordinator takes numbers as well.
    const isWritten = await records.putIf(recordKinds.rebuilds, rebuild.rebuildId, rebuild, 0);
    return isWritten ? { ok: true, rebuildId: rebuild.rebuildId } : 'overtaken';
  }

  /** What all of a merchant's days, or everybody's, are read from but for ranges. */
  private async serving(pointer: LivePointer, merchantId: string | undefined): Promise<GenerationRecord | undefined> {
    const { records } = this.store;
    const overlays =
      merchantId === undefined ? [] : await records.list<Overlay>(recordKinds.overlays, overlaysOf(pointer.projection, merchantId));
    const front = inFrontOf(
      pointer.generationId,
      overlays.map(({ value }) => value),
    ).filter(({ scope }) => !isRange(scope));
    const generationId = front.at(-1)?.generationId ?? pointer.generationId;
    return (await records.get<GenerationRecord>(recordKinds.generations, generationId))?.value;
  }

  private async live(): Promise<LivePointer[]> {
    return (await this.store.records.list<LivePointer>(recordKinds.live)).map(({ value }) => value);
  }
}
