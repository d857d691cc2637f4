import type { EventColumns } from '../../src/domain/columns';
import type { Goal } from '../../src/domain/definitions';
import { rowMatcher } from '../../src/domain/matching';
import { pathOf } from '../../src/domain/urls';
import { amount, quantityOfItems } from '../kit/amounts';
import type { HistoryEvent } from '../kit/history';
import { noCurrency, toMinorUnits } from '../kit/money';
import { Origins } from './origin';
import type { Origin } from './origin-bytes';
import { addToCart, checkout, type Completion, engaging, goal, pageview, sale, type Sale } from './session-facts';

const kindsByName = new Map([
  ['page_view', pageview],
  ['purchase', engaging],
  ['add_to_cart', addToCart],
  ['begin_checkout', checkout],
]);

/** What visits need to know of a block's events, decided once per dictionary entry. */
export class BlockEvents {
  readonly origins: Origins;
  private readonly kinds: Uint8Array;
  private readonly isRefund: Uint8Array;
  private readonly pages: string[];
  /** Of one merchant each. */
  private readonly goals = new Map<readonly Goal[], readonly ((row: number) => boolean)[]>();

  constructor(readonly columns: EventColumns) {
    const { name, url } = columns.text;
    this.origins = new Origins(columns);
    this.kinds = Uint8Array.from(name.values, (text) => kindsByName.get(text) ?? 0);
    this.isRefund = Uint8Array.from(name.values, (text) => (text === 'refund' ? 1 : 0));
    this.pages = new Array<string>(url.values.length);
  }

  kindsOf(event: HistoryEvent): number {
    const { row, isOrder } = event;
    const name = this.columns.text.name.codes[row]!;
    let kinds = this.kinds[name]!;
    if (isOrder || this.isRefund[name] === 1) kinds |= sale;
    const goals = event.settings.definitions?.goals;
    if (goals !== undefined && goals.length > 0 && this.completes(goals, row)) kinds |= engaging | goal;
    return kinds;
  }

  pageOf(row: number): string {
    const code = this.columns.text.url.codes[row]!;
    return (this.pages[code] ??= pathOf(this.columns.text.url.values[code]!) ?? '(not set)');
  }

  originOf(row: number): Origin {
    return this.origins.of(row);
  }

  /** Of an order or a refund. */
  saleOf({ row, isOrder, refundOfOrder }: HistoryEvent): Sale {
    const { text, numbers } = this.columns;
    const currency = text.currency.values[text.currency.codes[row]!]! || noCurrency;
    const minorUnits = (major: number | undefined): number =>
      major === undefined || Number.isNaN(major) ? 0 : toMinorUnits(major, currency);
    const value = amount(this.columns, row);
    const sold = { currency, orders: 0, revenue: 0, tax: 0, shipping: 0, refunds: 0, items: 0 };
    if (isOrder) {
      sold.orders = 1;
      sold.revenue = minorUnits(value);
      sold.tax = minorUnits(numbers.tax?.[row]);
      sold.shipping = minorUnits(numbers.shipping?.[row]);
      sold.items = quantityOfItems(this.columns, row);
    } else if (!Number.isNaN(value)) {
      sold.refunds = minorUnits(value);
    } else if (refundOfOrder !== undefined) {
      sold.currency = refundOfOrder.currency;
      sold.refunds = refundOfOrder.minorUnits;
    }
    return sold;
  }

  /** Of an event that completes any goal. */
  completionOf({ row, settings }: HistoryEvent): Completion {
    const { text } = this.columns;
    const currency = text.currency.values[text.currency.codes[row]!]! || noCurrency;
    const value = this.columns.numbers.value?.[row] ?? NaN;
    const goals: number[] = [];
    this.matchersOf(settings.definitions!.goals).forEach((matches, place) => {
      if (matches(row)) goals.push(place);
    });
    return { goals, value: Number.isNaN(value) ? undefined : { currency, minorUnits: toMinorUnits(value, currency) } };
  }

  private completes(goals: readonly Goal[], row: number): boolean {
    const matchers = this.matchersOf(goals);
    for (let i = 0; i < matchers.length; i++) if (matchers[i]!(row)) return true;
    return false;
  }

  private matchersOf(goals: readonly Goal[]): readonly ((row: number) => boolean)[] {
    let matchers = this.goals.get(goals);
    if (matchers === undefined) this.goals.set(goals, (matchers = goals.map((one) => rowMatcher(this.columns, one))));
    return matchers;
  }
}

let last: BlockEvents | undefined;

/** Blocks are folded one after the other: the last one's is kept. */
export function blockEventsOf(columns: EventColumns): BlockEvents {
  if (last?.columns !== columns) last = new BlockEvents(columns);
  return last;
}
