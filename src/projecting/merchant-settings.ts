import type { MerchantSettings } from '../../projections/kit/projection';
import type { ReadStore } from '../stores/read-store';
import { type MerchantRecord, recordKinds } from '../stores/records';

const merchantsMax = 200_000;
const loadsAtOnce = 32;
/** A merchant that was not there is looked up again after this. */
const absentForMs = 10_000;

/** What is remembered of a merchant; undefined timezones: no such merchant. */
interface Known {
  readonly timezones: MerchantRecord['timezones'] | undefined;
  readonly registeredAt: number | undefined;
  readonly loadedAt: number;
}

/**
 * The merchants of a worker's partitions, loaded before the first block that needs them. A merchant's entry only ever gains
 * timezones, and each generation uses the one valid when it was created, so a remembered entry stays right.
 */
export class MerchantDirectory {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly readStore: ReadStore,
    private readonly now: () => number,
  ) {}

  /** Undefined when all are known: folding goes on without waiting for anything. */
  ensure(merchantIds: readonly string[]): Promise<void> | undefined {
    const missing = merchantIds.filter((merchantId) => merchantId !== '' && !this.isKnown(merchantId));
    return missing.length === 0 ? undefined : this.load(missing);
  }

  /** `ensure` first; undefined for a merchant that is not registered. */
  timezones(merchantId: string): MerchantRecord['timezones'] | undefined {
    return this.known.get(merchantId)?.timezones;
  }

  /** `ensure` first; epoch ms. */
  registeredAt(merchantId: string): number | undefined {
    return this.known.get(merchantId)?.registeredAt;
  }

  private isKnown(merchantId: string): boolean {
    const known = this.known.get(merchantId);
    return known !== undefined && (known.timezones !== undefined || this.now() - known.loadedAt < absentForMs);
  }

  private async load(merchantIds: readonly string[]): Promise<void> {
    if (this.known.size + merchantIds.length > merchantsMax) this.forgetOldest(merchantIds.length);
    for (let i = 0; i < merchantIds.length; i += loadsAtOnce) {
      await Promise.all(
        merchantIds.slice(i, i + loadsAtOnce).map(async (merchantId) => {
          const record = await this.readStore.records.get<MerchantRecord>(recordKinds.merchants, merchantId);
          this.known.delete(merchantId);
          this.known.set(merchantId, {
            timezones: record?.value.timezones,
            registeredAt: record?.value.createdAt,
            loadedAt: this.now(),
          });
        }),
      );
    }
  }

  /** Entries stand in the order they were loaded in; what is still needed is loaded again. */
  private forgetOldest(count: number): void {
    for (const merchantId of this.known.keys()) {
      if (count-- <= 0) return;
      this.known.delete(merchantId);
    }
  }
}

export const unregistered: MerchantSettings = { timezone: 'UTC' };
