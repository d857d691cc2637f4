import type { EventColumns, TextColumn } from '../../src/domain/columns';
import type { Gathering } from './gathering';
import { Payments, type CurrencyMeasure } from './payments';
import type { Condition } from './projection';
import type { MerchantSettings } from './settings';
import { userAgentOf } from './visitors';
import { excludedRows } from './exclusion';

const minuteMs = 60_000;

/**
 * A block as projections see it. The columns beside `rows` are indexed by row and meaningful only for the rows listed; they are
 * the gathering's and overwritten by the next block.
 */
export class Lens {
  private readonly masks = new Map<Condition, Uint8Array>();
  private orders: ReturnType<Lens['forgetOrders']> | undefined;
  private readonly paid = new Map<CurrencyMeasure, Payments>();

  private hasPresences = false;

  constructor(
    readonly columns: EventColumns,
    /** The rows to fold, ascending. */
    readonly rows: Uint32Array,
    private readonly desk: LensColumns,
    private readonly gathering: Gathering,
  ) {}

  get merchants(): Uint32Array {
    return this.desk.merchants;
  }

  /** 1 for a bot. */
  get bots(): Uint8Array {
    return this.desk.bots;
  }

  get minuteSides(): Uint32Array {
    return this.desk.minuteSides;
  }

  get quarterSides(): Uint32Array {
    return this.desk.quarterSides;
  }

  get visitors(): Uint32Array {
    return this.desk.visitors;
  }

  /** The gathering's number of (quarter side, visitor). */
  get presences(): Uint32Array {
    const { presences, quarterSides, visitors } = this.desk;
    if (this.hasPresences) return presences;
    const index = this.gathering.presences;
    for (let i = 0; i < this.rows.length; i++) {
      const row = this.rows[i]!;
      presences[row] = index.intern(quarterSides[row]!, visitors[row]!);
    }
    this.hasPresences = true;
    return presences;
  }

  get presencesMax(): number {
    return this.gathering.presences.size;
  }

  /** 1 for a purchase that is an order: the first of its transaction in the log, or one without. */
  get isOrder(): Uint8Array {
    if (this.orders === undefined) throw new Error('a projection asks for orders without saying so');
    return this.orders.isOrder;
  }

  /** By row, for refunds without an amount of their own: what their orders brought in, where that is known. */
  get refundsOfOrders(): ReadonlyMap<number, { readonly minorUnits: number; readonly currency: string }> {
    if (this.orders === undefined) throw new Error('a projection asks for refunds of orders without saying so');
    return this.orders.refundsOfOrders;
  }

  /** Nothing is known of the block's orders yet: to be filled in. */
  forgetOrders(): { readonly isOrder: Uint8Array; readonly refundsOfOrders: Map<number, { minorUnits: number; currency: string }> } {
    this.orders = { isOrder: new Uint8Array(this.columns.count), refundsOfOrders: new Map() };
    return this.orders;
  }

  /** What the block adds to a measure by currency. */
  payments(measure: CurrencyMeasure): Payments {
    let payments = this.paid.get(measure);
    if (payments === undefined) {
      const mask = measure.when && this.rowsWhere(measure.when);
      const orders = measure.kind === 'money' && measure.orOrder ? this.refundsOfOrders : undefined;
      this.paid.set(measure, (payments = new Payments(measure, this.columns, mask, orders)));
    }
    return payments;
  }

  /** One byte a row, 1 where the condition holds; decided once per dictionary entry and once per block. */
  rowsWhere(condition: Condition): Uint8Array {
    if (condition.ordersOnly) return this.isOrder;
    let mask = this.masks.get(condition);
    if (mask === undefined) {
      const { values, codes } = this.columns.text[condition.field];
      const holds = Uint8Array.from(values, (value) => (condition.holds(value) ? 1 : 0));
      mask = new Uint8Array(this.columns.count);
      for (let row = 0; row < mask.length; row++) mask[row] = holds[codes[row]!]!;
      this.masks.set(condition, mask);
    }
    return mask;
  }
}

/** Room for the columns of one block after the other. */
export class LensColumns {
  rows = new Uint32Array(0);
  merchants = new Uint32Array(0);
  bots = new Uint8Array(0);
  minuteSides = new Uint32Array(0);
  quarterSides = new Uint32Array(0);
  visitors = new Uint32Array(0);
  presences = new Uint32Array(0);

  /** Looks at a block once for all projections. */
  look(gathering: Gathering, columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings): Lens {
    this.makeRoom(columns.count);
    const { rows, merchants, bots, minuteSides, quarterSides, visitors } = this;
    const merchantOf = internMerchants(gathering, columns.text.merchantId, settingsOf);
    const visitorOf = internVisitors(gathering, columns.text.visitorId);
    const botOf = Uint8Array.from(columns.text.userAgent.values, (text) => (userAgentOf(text).bot ? 1 : 0));
    const excluded = excludedRows(columns, settingsOf);
    const merchantCodes = columns.text.merchantId.codes;
    const visitorCodes = columns.text.visitorId.codes;
    const agentCodes = columns.text.userAgent.codes;
    let kept = 0;
    // Neighbours in a block mostly share their minute.
    let lastMerchant = -1;
    let lastMinute = -1;
    let minuteBucket = 0;
    let quarterBucket = 0;
    for (let row = 0; row < columns.count; row++) {
      if (skip[row] === 1 || (excluded !== undefined && excluded[row] === 1)) continue;
      const merchant = merchantOf[merchantCodes[row]!]!;
      const utcMs = columns.times[row]!;
      const minute = Math.floor(utcMs / minuteMs);
      if (merchant !== lastMerchant || minute !== lastMinute) {
        minuteBucket = gathering.minuteSide(merchant, utcMs, 0);
        quarterBucket = gathering.quarterSide(merchant, utcMs, 0);
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
    return new Lens(columns, rows.subarray(0, kept), this, gathering);
  }

  private makeRoom(count: number): void {
    if (this.rows.length >= count) return;
    const room = Math.max(4_096, count * 2);
    this.rows = new Uint32Array(room);
    this.merchants = new Uint32Array(room);
    this.bots = new Uint8Array(room);
    this.minuteSides = new Uint32Array(room);
    this.quarterSides = new Uint32Array(room);
    this.visitors = new Uint32Array(room);
    this.presences = new Uint32Array(room);
  }
}

function internMerchants(gathering: Gathering, column: TextColumn, settingsOf: (merchantId: string) => MerchantSettings): Uint32Array {
  return Uint32Array.from(column.values, (merchantId) => (merchantId === '' ? 0 : gathering.internMerchant(merchantId, settingsOf)));
}

function internVisitors(gathering: Gathering, column: TextColumn): Uint32Array {
  const { hi, lo } = column.hashes();
  const numbers = new Uint32Array(hi.length);
  for (let code = 1; code < hi.length; code++) numbers[code] = gathering.visitors.intern(hi[code]!, lo[code]!);
  return numbers;
}
