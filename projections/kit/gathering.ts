import { hash64 } from '../../src/domain/hash64';
import { PairIndex, ranksOf } from './pair-index';
import { Places, type Base } from './places';
import type { MerchantSettings } from './settings';
import { isWholeHour } from './zone';

const minuteMs = 60_000;
const quarterMs = 15 * minuteMs;

/** Names interned to small integers, for one batch. */
export class Names {
  readonly list: string[] = [];
  private readonly numbers = new Map<string, number>();

  intern(name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.list.push(name) - 1;
      this.numbers.set(name, number);
    }
    return number;
  }
}

/**
 * What all projections of a batch (the events between two takes) share: merchants, buckets and visitors as small integers.
 * A *side* is a bucket of one merchant, for humans (even) or for bots (odd).
 */
export class Gathering {
  readonly merchants = new Names();
  readonly settings: MerchantSettings[] = [];
  /** The two halves of each merchant id's hash. */
  readonly merchantHigh: number[] = [];
  readonly merchantLow: number[] = [];
  /** (merchant, minutes since 1970) */
  readonly minutes = new PairIndex();
  /** (merchant, quarter hours since 1970): the base of dimensions, whole hours where the merchant's days begin on one. */
  readonly quarters = new PairIndex();
  /** (merchant, local calendar day, in days since 1970-01-01) */
  readonly days = new PairIndex();
  /** (high, low) of the visitor's hash */
  readonly visitors: PairIndex;
  /** (quarter side, visitor): who was there when, so that a visitor's values need no looking up one by one. */
  readonly presences: PairIndex;
  // Calls come in runs of one merchant and quarter.
  private lastMerchant = -1;
  private lastQuarter = -1;
  private lastBucket = 0;
  private ranks: Uint32Array | undefined;
  private readonly places = new Map<Base, Places>();

  /** @param like that of the batch before */
  constructor(like?: Gathering) {
    this.visitors = PairIndex.like(like?.visitors);
    this.presences = PairIndex.like(like?.presences);
  }

  get bytes(): number {
    return (
      this.presences.bytes +
      this.minutes.bytes +
      this.quarters.bytes +
      this.days.bytes +
      this.visitors.bytes +
      this.merchants.list.length * 100
    );
  }

  /** By visitor: its place among all of the batch in ascending order of their hashes. Once no more are interned. */
  get visitorRanks(): Uint32Array {
    return (this.ranks ??= ranksOf(this.visitors));
  }

  bucketsOf(base: Base): PairIndex {
    return base === 'quarter' ? this.quarters : base === 'day' ? this.days : this.minutes;
  }

  placesOf(base: Base): Places {
    let places = this.places.get(base);
    if (places === undefined) this.places.set(base, (places = new Places(base, this)));
    return places;
  }

  daySide(merchant: number, day: number, bot: number): number {
    return this.days.intern(merchant, day) * 2 + bot;
  }

  minuteSide(merchant: number, utcMs: number, bot: number): number {
    return this.minutes.intern(merchant, Math.floor(utcMs / minuteMs)) * 2 + bot;
  }

  quarterSide(merchant: number, utcMs: number, bot: number): number {
    const quarter = Math.floor(utcMs / quarterMs);
    if (merchant !== this.lastMerchant || quarter !== this.lastQuarter) {
      const whole = isWholeHour(this.settings[merchant]!.timezone, utcMs);
      this.lastBucket = this.quarters.intern(merchant, whole ? quarter - (quarter % 4) : quarter);
      this.lastMerchant = merchant;
      this.lastQuarter = quarter;
    }
    return this.lastBucket * 2 + bot;
  }

  internMerchant(merchantId: string, settingsOf: (merchantId: string) => MerchantSettings): number {
    const merchant = this.merchants.intern(merchantId);
    if (merchant === this.settings.length) {
      this.settings.push(settingsOf(merchantId));
      hash64(merchantId, halves.hi, halves.lo, 0);
      this.merchantHigh.push(halves.hi[0]!);
      this.merchantLow.push(halves.lo[0]!);
    }
    return merchant;
  }
}

const halves = { hi: new Uint32Array(1), lo: new Uint32Array(1) };
