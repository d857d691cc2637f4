import type { MerchantSettings } from '../../projections/kit/projection';
import { StoreUnavailable } from '../stores/event-store';
import type { ReadStore } from '../stores/read-store';
import { type GenerationRecord, type MerchantRecord, recordKinds, settingsAt, timezoneFor } from '../stores/records';
import { definitionsOf, type SettingsRevision, settingsRevisions } from '../stores/settings';

const merchantsMax = 200_000;
const loadsAtOnce = 32;
/** A merchant that was not there is looked up again after this. */
const absentForMs = 10_000;

export type SettledGeneration = Pick<GenerationRecord, 'generationId' | 'createdAt' | 'timezonesAt' | 'settingsRevision'>;

/** What one generation folds a merchant with. */
export interface ChosenSettings {
  readonly settings: MerchantSettings;
  /** Equal for equal choices. */
  readonly name: string;
}

/** What is remembered of a merchant. */
interface Known {
  /** Undefined: no such merchant. */
  readonly merchant: Pick<MerchantRecord, 'timezones' | 'createdAt'> | undefined;
  /** Epoch ms, before it was read. */
  readonly loadedAt: number;
  /** By generation. */
  readonly chosen: Map<string, ChosenSettings>;
}

/**
 * The merchants of a worker's partitions, loaded before the first block that needs them. A merchant only ever gains timezones and
 * settings, and each generation uses those valid when it was created, or one it names: an entry loaded since then stays right.
 */
export class MerchantDirectory {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly readStore: ReadStore,
    private readonly now: () => number,
  ) {}

  /** Undefined when all are known: folding goes on without waiting for anything. */
  ensure(merchantIds: readonly string[], generation: SettledGeneration): Promise<void> | undefined {
    const missing = merchantIds.filter((merchantId) => merchantId !== '' && !this.isKnown(merchantId, generation));
    return missing.length === 0 ? undefined : this.load(missing, generation);
  }

  /** `ensure` first, for whom the generation counts. It may ask for the others of a block too, and counts nothing with the answer. */
  settingsFor(merchantId: string, { generationId }: SettledGeneration): ChosenSettings {
    return this.known.get(merchantId)?.chosen.get(generationId) ?? unregistered;
  }

  /** `ensure` first; epoch ms. */
  registeredAt(merchantId: string): number | undefined {
    return this.known.get(merchantId)?.merchant?.createdAt;
  }

  private isKnown(merchantId: string, { generationId }: SettledGeneration): boolean {
    const known = this.known.get(merchantId);
    if (known === undefined) return false;
    return known.merchant === undefined ? this.now() - known.loadedAt < absentForMs : known.chosen.has(generationId);
  }

  private async load(merchantIds: readonly string[], generation: SettledGeneration): Promise<void> {
    if (this.known.size + merchantIds.length > merchantsMax) this.forgetOldest(merchantIds.length);
    for (let i = 0; i < merchantIds.length; i += loadsAtOnce) {
      await Promise.all(merchantIds.slice(i, i + loadsAtOnce).map((merchantId) => this.loadOne(merchantId, generation)));
    }
  }

  private async loadOne(merchantId: string, generation: SettledGeneration): Promise<void> {
    const { records } = this.readStore;
    const loadedAt = this.now();
    const [merchant, revisions] = await Promise.all([
      records.get<MerchantRecord>(recordKinds.merchants, merchantId),
      settingsRevisions(records, merchantId),
    ]);
    // Read before the generation began by this process' clock: settings it must use may have come since.
    const choice =
      merchant !== undefined && loadedAt >= generation.createdAt
        ? await this.choose(merchantId, merchant.value, revisions, generation)
        : undefined;
    // Nothing waits from here on: generations that load the same merchant at the same time keep one another's choices.
    const chosen = this.known.get(merchantId)?.chosen ?? new Map<string, ChosenSettings>();
    if (choice !== undefined) chosen.set(generation.generationId, choice);
    this.known.delete(merchantId);
    this.known.set(merchantId, {
      merchant: merchant && { timezones: merchant.value.timezones, createdAt: merchant.value.createdAt },
      loadedAt,
      chosen,
    });
  }

  private async choose(
    merchantId: string,
    merchant: MerchantRecord,
    revisions: readonly SettingsRevision[],
    generation: SettledGeneration,
  ): Promise<ChosenSettings> {
    const timezone = timezoneFor(merchant, generation);
    const revision = generation.settingsRevision ?? settingsAt(revisions, generation.createdAt)?.revision;
    if (revision === undefined) return { settings: { timezone }, name: timezone };
    const definitions = await definitionsOf(this.readStore.records, merchantId, revision);
    if (definitions === undefined) throw new StoreUnavailable(`settings revision ${revision} of ${merchantId} is not stored yet`);
    return { settings: { timezone, definitions }, name: `${timezone}#${revision}` };
  }

  /** Entries stand in the order they were loaded in; what is still needed is loaded again. */
  private forgetOldest(count: number): void {
    for (const merchantId of this.known.keys()) {
      if (count-- <= 0) return;
      this.known.delete(merchantId);
    }
  }
}

const unregistered: ChosenSettings = { settings: { timezone: 'UTC' }, name: 'UTC' };
