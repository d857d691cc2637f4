/** What the kit must know of a merchant to place an event in its buckets. */
export interface MerchantSettings {
  /** IANA name. */
  readonly timezone: string;
}
