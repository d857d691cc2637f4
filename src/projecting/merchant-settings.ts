import type { MerchantSettings } from '../../projections/kit/projection';
import { StoreUnavailable } from '../stores/event-store';
import type { ReadStore } from '../stores/read-store';
import {
  type GenerationRecord,
  type MerchantRecord,
  recordKinds,
  settingsAt,
  settingsIdPrefix,
  settingsRevisionOf,
  type SettingsRecord,
  timezoneFor,
} from '../stores/records';

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
  /** In order of revision. */
  readonly settings: readonly (SettingsRecord & { readonly revision: number })[];
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

  /** `ensure` first. */
  settingsFor(merchantId: string, generation: SettledGeneration): ChosenSettings {
    const known = this.known.get(merchantId);
    if (known?.merchant === undefined) return unregistered;
    let chosen = known.chosen.get(generation.generationId);
    if (chosen === undefined) {
      chosen = choose(known.merchant, known.settings, generation);
      known.chosen.set(generation.generationId, chosen);
    }
    return chosen;
  }

  /** `ensure` first; epoch ms. */
  registeredAt(merchantId: string): number | undefined {
    return this.known.get(merchantId)?.merchant?.createdAt;
  }

  private isKnown(merchantId: string, { generationId, createdAt, settingsRevision }: SettledGeneration): boolean {
    const known = this.known.get(merchantId);
    if (known === undefined) return false;
    if (known.chosen.has(generationId)) return true;
    if (known.merchant === undefined) return this.now() - known.loadedAt < absentForMs;
    return known.loadedAt >= createdAt && (settingsRevision === undefined || hasRevision(known, settingsRevision));
  }

  private async load(merchantIds: readonly string[], { settingsRevision }: SettledGeneration): Promise<void> {
    if (this.known.size + merchantIds.length > merchantsMax) this.forgetOldest(merchantIds.length);
    for (let i = 0; i < merchantIds.length; i += loadsAtOnce) {
      const loaded = await Promise.all(merchantIds.slice(i, i + loadsAtOnce).map((merchantId) => this.loadOne(merchantId)));
      if (settingsRevision === undefined || loaded.every((known) => hasRevision(known, settingsRevision))) continue;
      throw new StoreUnavailable(`settings revision ${settingsRevision} of ${merchantIds.join(', ')} is not stored yet`);
    }
  }

  private async loadOne(merchantId: string): Promise<Known> {
    const { records } = this.readStore;
    const loadedAt = this.now();
    const [merchant, settings] = await Promise.all([
      records.get<MerchantRecord>(recordKinds.merchants, merchantId),
      records.list<SettingsRecord>(recordKinds.settings, settingsIdPrefix(merchantId)),
    ]);
    const known: Known = {
      merchant: merchant && { timezones: merchant.value.timezones, createdAt: merchant.value.createdAt },
      settings: settings.map(({ id, value }) => ({ ...value, revision: settingsRevisionOf(id) })),
      loadedAt,
      chosen: this.known.get(merchantId)?.chosen ?? new Map(),
    };
    this.known.delete(merchantId);
    this.known.set(merchantId, known);
    return known;
  }

  /** Entries stand in the order they were loaded in; what is still needed is loaded again. */
  private forgetOldest(count: number): void {
    for (const merchantId of this.known.keys()) {
      if (count-- <= 0) return;
      this.known.delete(merchantId);
    }
  }
}

const hasRevision = ({ settings }: Known, revision: number): boolean => settings.some((one) => one.revision === revision);

function choose(merchant: Pick<MerchantRecord, 'timezones'>, settings: Known['settings'], generation: SettledGeneration): ChosenSettings {
  const timezone = timezoneFor(merchant, generation);
  const { settingsRevision, createdAt } = generation;
  const found =
    settingsRevision === undefined ? settingsAt(settings, createdAt) : settings.find((one) => one.revision === settingsRevision);
  if (found === undefined) return { settings: { timezone }, name: timezone };
  return { settings: { timezone, definitions: found.definitions }, name: `${timezone}#${found.revision}` };
}

const unregistered: ChosenSettings = { settings: { timezone: 'UTC' }, name: 'UTC' };
