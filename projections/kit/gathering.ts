import { hash64 } from '../../src/domain/hash64';
import type { EventColumns, TextColumn } from '../../src/domain/columns';
import { PairIndex } from './pair-index';
import type { MerchantSettings } from './settings';
import { userAgentOf } from './visitors';
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
  readonly visitors = new PairIndex(1024);
  // Calls come in runs of one merchant and quarter.
  private lastMerchant = -1;
  private lastQuarter = -1;
  private lastBucket = 0;

  get bytes(): number {
    return this.minutes.bytes + this.quarters.bytes + this.days.bytes + this.visitors.bytes + this.merchants.list.length * 100;
  }

  bucketsOf(base: 'minute' | 'quarter' | 'day'): PairIndex {
    return base === 'minute' ? this.minutes : base === 'quarter' ? this.quarters : this.days;
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

  /** Looks at a block once for all projections. */
  look(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings): Lens {
    const merchantOf = this.internMerchants(columns.text.merchantId, settingsOf);
    const visitorOf = this.internVisitors(columns.text.visitorId);
    const botOf = Uint8Array.from(columns.text.userAgent.values, (text) => (userAgentOf(text).bot ? 1 : 0));
    const merchantCodes = columns.text.merchantId.codes;
    const visitorCodes = columns.text.visitorId.codes;
    const agentCodes = columns.text.userAgent.codes;

    const rows = new Uint32Array(columns.count);
    const merchants = new Uint32Array(columns.count);
    const bots = new Uint8Array(columns.count);
    const minuteSides = new Uint32Array(columns.count);
    const quarterSides = new Uint32Array(columns.count);
    const visitors = new Uint32Array(columns.count);
    let kept = 0;
    // Neighbours in a block mostly share their minute.
    let lastMerchant = -1;
    let lastMinute = -1;
    let minuteBucket = 0;
    let quarterBucket = 0;
    for (let row = 0; row < columns.count; row++) {
      if (skip[row] === 1) continue;
      const merchant = merchantOf[merchantCodes[row]!]!;
      const utcMs = columns.times[row]!;
      const minute = Math.floor(utcMs / minuteMs);
      if (merchant !== lastMerchant || minute !== lastMinute) {
        minuteBucket = this.minuteSide(merchant, utcMs, 0);
        quarterBucket = this.quarterSide(merchant, utcMs, 0);
        lastMerchant = merchant;
        lastMinute = minute;
      }
      const bot = botOf[agentCodes[row]!]!;
      rows[kept++] = row;
      merchants[row] = merchant;
      bots[row] = bot;
      minuteSides[row] = minuteBucket + bot;
      quarterSides[row] = quarterBucket + bot;
      visitors[row] = visitorOf[visitorCodes[row]!]!;
    }
    return { columns, rows: rows.subarray(0, kept), merchants, bots, minuteSides, quarterSides, visitors };
  }

  private internMerchants(column: TextColumn, settingsOf: (merchantId: string) => MerchantSettings): Uint32Array {
    const hi = new Uint32Array(1);
    const lo = new Uint32Array(1);
    return Uint32Array.from(column.values, (merchantId) => {
      if (merchantId === '') return 0;
      const merchant = this.merchants.intern(merchantId);
      if (merchant === this.settings.length) {
        this.settings.push(settingsOf(merchantId));
        hash64(merchantId, hi, lo, 0);
        this.merchantHigh.push(hi[0]!);
        this.merchantLow.push(lo[0]!);
      }
      return merchant;
    });
  }

  private internVisitors(column: TextColumn): Uint32Array {
    const hi = new Uint32Array(1);
    const lo = new Uint32Array(1);
    return Uint32Array.from(column.values, (visitorId) => {
      if (visitorId === '') return 0;
      hash64(visitorId, hi, lo, 0);
      return this.visitors.intern(hi[0]!, lo[0]!);
    });
  }
}

/** A block as projections see it. The columns beside `rows` are indexed by row and meaningful only for the rows listed. */
export interface Lens {
  readonly columns: EventColumns;
  /** The rows to fold, ascending. */
  readonly rows: Uint32Array;
  readonly merchants: Uint32Array;
  /** 1 for a bot. */
  readonly bots: Uint8Array;
  readonly minuteSides: Uint32Array;
  readonly quarterSides: Uint32Array;
  readonly visitors: Uint32Array;
}
