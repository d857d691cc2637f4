import { hourBucket, minuteBucket } from './document';
import type { PairIndex } from './pair-index';
import type { Granularity } from './projection';
import type { MerchantSettings } from './settings';
import { dayMs, dayOf, isoDay } from './zone';

/**
 * Totals are kept by minute, hour and day; dimensions, from quarter hours, by hour and day, or by the recent minutes; cohorts and the
 * like by local day alone.
 */
export type Base = 'minute' | 'recent' | 'quarter' | 'day';

/** The buckets of a batch. */
interface Buckets {
  readonly merchants: { readonly list: readonly string[] };
  /** By merchant. */
  readonly settings: readonly MerchantSettings[];
  /** (merchant, number of the minute, quarter or day) by bucket. */
  bucketsOf(base: Base): PairIndex;
}

/** Documents that a bucket counts in, of whichever family. */
export interface Place {
  readonly merchantId: string;
  readonly granularity: Granularity;
  /** As in the documents' names. */
  readonly bucket: string;
  /** The document of an hour's minutes. */
  readonly isOfMinutes: boolean;
  /** In the document of a recent minute: see BucketDelta. */
  readonly ofMinute: string | undefined;
}

/** The places of all buckets of a batch, worked out once for all families: there are dozens of these, and most have cells in each bucket. */
export class Places {
  readonly list: Place[] = [];
  private readonly ofBuckets: (readonly number[] | undefined)[] = [];
  private readonly numbers = new Map<string, number>();

  constructor(
    private readonly base: Base,
    private readonly buckets: Buckets,
  ) {}

  /** Numbers in `list`. */
  of(bucket: number): readonly number[] {
    return (this.ofBuckets[bucket] ??= this.find(bucket));
  }

  private find(bucket: number): number[] {
    const { base, buckets } = this;
    const { firsts, seconds } = buckets.bucketsOf(base);
    const merchant = firsts[bucket]!;
    const at = seconds[bucket]!;
    if (base === 'day') return [this.number(merchant, 'day', isoDay(at * dayMs))];
    const utcMs = at * (base === 'quarter' ? 15 * 60_000 : 60_000);
    if (base === 'recent') {
      const ofMinute = minuteBucket(utcMs);
      return [this.number(merchant, 'minute', ofMinute.slice(-2), { ofMinute })];
    }
    const hour = hourBucket(utcMs);
    const day = dayOf(buckets.settings[merchant]!.timezone, utcMs);
    const numbers = [this.number(merchant, 'hour', hour), this.number(merchant, 'day', day)];
    if (base === 'minute') numbers.push(this.number(merchant, 'minute', hour, { isOfMinutes: true }));
    return numbers;
  }

  private number(merchant: number, granularity: Granularity, bucket: string, more?: { ofMinute?: string; isOfMinutes?: true }): number {
    const key = `${merchant} ${granularity} ${more?.ofMinute ?? bucket}`;
    let number = this.numbers.get(key);
    if (number === undefined) {
      const merchantId = this.buckets.merchants.list[merchant]!;
      const place = { merchantId, granularity, bucket, isOfMinutes: more?.isOfMinutes === true, ofMinute: more?.ofMinute };
      number = this.list.push(place) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }
}
