import type { Definitions } from '../../src/domain/definitions';

/** What the kit must know of a merchant to place an event in its buckets, and what the merchant defined. */
export interface MerchantSettings {
  /** IANA name. */
  readonly timezone: string;
  /** Absent: nothing is defined. */
  readonly definitions?: Definitions;
}
