import type { MerchantSettings } from '../../projections/kit/projection';
import type { EventColumns } from '../domain/columns';
import { hash32 } from '../domain/partition';
import type { MerchantDirectory, SettledGeneration } from './merchant-settings';

/** The settings a partition is folded with, and which of them were used since the last take: refolding with others must be noticed. */
export class SettingsInUse {
  /** As text, and their hash in any order. */
  private used = new Set<string>();
  private usedHash = 0;

  constructor(
    private readonly merchants: MerchantDirectory,
    private readonly generation: SettledGeneration,
    /** Of the code. */
    private readonly codeFingerprint: string,
  ) {}

  readonly of = (merchantId: string): MerchantSettings => this.merchants.settingsFor(merchantId, this.generation).settings;

  readonly timezoneOf = (merchantId: string): string => this.of(merchantId).timezone;

  /** Waits until all of these merchants are known. */
  async known(merchantIds: readonly string[]): Promise<void> {
    for (;;) {
      const loading = this.merchants.ensure(merchantIds, this.generation);
      if (loading === undefined) return;
      await loading;
    }
  }

  /** @param only the one merchant of the block that matters; undefined: all do */
  use(columns: EventColumns, only: number | undefined): void {
    const { values } = columns.text.merchantId;
    for (let i = only ?? 1; i <= (only ?? values.length - 1); i++) {
      const used = `${values[i]}=${this.merchants.settingsFor(values[i]!, this.generation).name}`;
      if (this.used.has(used)) continue;
      this.used.add(used);
      this.usedHash = (this.usedHash + hash32(used)) >>> 0;
    }
  }

  /** Of the code and of what was used. */
  get fingerprint(): string {
    return `${this.codeFingerprint}.${this.usedHash.toString(16).padStart(8, '0')}`;
  }

  /** A new range begins. */
  taken(): void {
    this.used = new Set();
    this.usedHash = 0;
  }
}
