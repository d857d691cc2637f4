import type { Touch } from '../acquisition/touch';
import type { Origin } from './origin-bytes';

/** What an event is to a session, as bits. */
export const pageview = 1;
/** A purchase or a completed goal: the session is an engaged one. */
export const engaging = 2;
export const addToCart = 4;
export const checkout = 8;
/** It has a Sale. */
export const sale = 16;
/** It has a Completion. */
export const goal = 32;

const notSetPage = '(not set)';
const engagedAfterMs = 10_000;

/** Orders in one currency, their minor units and pieces: of one order or refund, or of all of a session. */
export interface Sale {
  readonly currency: string;
  orders: number;
  revenue: number;
  tax: number;
  shipping: number;
  refunds: number;
  items: number;
}

/** The goals an event completes. */
export interface Completion {
  /** By their places in the merchant's definitions, which do not change within a generation. */
  readonly goals: readonly number[];
  /** Of the event's `value`; undefined without one. */
  readonly value: Amount | undefined;
}
export interface Amount {
  readonly currency: string;
  minorUnits: number;
}

/** How often a session completed a goal. */
export interface GoalTotals {
  /** Its place in the merchant's definitions. */
  readonly goal: number;
  count: number;
  /** One a currency. */
  readonly values: Amount[];
}

/** Everything that is counted of a session. Events may be added in any order; of equal times, in order of the log. */
export class SessionFacts {
  /** Epoch ms. */
  start = Infinity;
  end = -Infinity;
  /** Of the first event. */
  origin!: Origin;
  /** What the visitor's first session came through. */
  first!: Touch;
  entryTime = Infinity;
  entryPage = notSetPage;
  exitTime = -Infinity;
  exitPage = notSetPage;
  isNew = false;
  isEngaging = false;
  events = 0;
  pageviews = 0;
  orders = 0;
  addToCarts = 0;
  checkouts = 0;
  itemsSold = 0;
  /** One a currency. */
  sales: Sale[] | undefined = undefined;
  /** One a goal. */
  completed: GoalTotals[] | undefined = undefined;

  clear(): void {
    this.start = this.entryTime = Infinity;
    this.end = this.exitTime = -Infinity;
    this.entryPage = this.exitPage = notSetPage;
    this.isNew = this.isEngaging = false;
    this.events = this.pageviews = this.orders = this.addToCarts = this.checkouts = this.itemsSold = 0;
    this.sales = this.completed = undefined;
  }

  add(time: number, kinds: number, page: string, origin: Origin, sold: Sale | undefined, done: Completion | undefined): void {
    if (time < this.start) {
      this.start = time;
      this.origin = origin;
    }
    if (time > this.end) this.end = time;
    this.events++;
    if (kinds === 0) return;
    if ((kinds & pageview) !== 0) {
      this.pageviews++;
      if (time < this.entryTime) {
        this.entryTime = time;
        this.entryPage = page;
      }
      if (time >= this.exitTime) {
        this.exitTime = time;
        this.exitPage = page;
      }
    }
    if ((kinds & engaging) !== 0) this.isEngaging = true;
    if ((kinds & addToCart) !== 0) this.addToCarts++;
    if ((kinds & checkout) !== 0) this.checkouts++;
    if (sold !== undefined) this.sell(sold);
    if (done !== undefined) for (const place of done.goals) this.complete(place, 1, done.value === undefined ? [] : [done.value]);
  }

  /** Adds what happened later, or at the same time and later in the log. */
  addLater(later: SessionFacts): void {
    if (later.start < this.start) {
      this.start = later.start;
      this.origin = later.origin;
    }
    this.end = Math.max(this.end, later.end);
    if (later.entryTime < this.entryTime) {
      this.entryTime = later.entryTime;
      this.entryPage = later.entryPage;
    }
    if (later.exitTime >= this.exitTime) {
      this.exitTime = later.exitTime;
      this.exitPage = later.exitPage;
    }
    this.isEngaging ||= later.isEngaging;
    this.events += later.events;
    this.pageviews += later.pageviews;
    this.addToCarts += later.addToCarts;
    this.checkouts += later.checkouts;
    for (const sold of later.sales ?? []) this.sell(sold);
    for (const { goal: place, count, values } of later.completed ?? []) this.complete(place, count, values);
  }

  get durationMs(): number {
    return this.end - this.start;
  }

  get isBounce(): boolean {
    return this.events === 1 && this.pageviews === 1;
  }

  get isEngaged(): boolean {
    return this.isEngaging || this.pageviews >= 2 || this.durationMs >= engagedAfterMs;
  }

  sell(sold: Sale): void {
    this.orders += sold.orders;
    this.itemsSold += sold.items;
    const sales = (this.sales ??= []);
    let place = 0;
    while (place < sales.length && sales[place]!.currency !== sold.currency) place++;
    const total = (sales[place] ??= { currency: sold.currency, orders: 0, revenue: 0, tax: 0, shipping: 0, refunds: 0, items: 0 });
    total.orders += sold.orders;
    total.revenue += sold.revenue;
    total.tax += sold.tax;
    total.shipping += sold.shipping;
    total.refunds += sold.refunds;
    total.items += sold.items;
  }

  complete(place: number, count: number, values: readonly Amount[]): void {
    const completed = (this.completed ??= []);
    let total = completed.find((one) => one.goal === place);
    if (total === undefined) completed.push((total = { goal: place, count: 0, values: [] }));
    total.count += count;
    for (const { currency, minorUnits } of values) {
      const known = total.values.find((one) => one.currency === currency);
      if (known === undefined) total.values.push({ currency, minorUnits });
      else known.minorUnits += minorUnits;
    }
  }
}
