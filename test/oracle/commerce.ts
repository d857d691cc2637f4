import type { AcceptedEvent } from '../../src/domain/columns';
import type { Item } from '../../src/protocol/event';
import { given, isBot } from './events';
import { amountOf, countByCurrency, totalOf, type Amount, type CountsByCurrency, type Money } from './money';

export interface CommerceCounts {
  orders: number;
  ordersByCurrency: CountsByCurrency;
  itemsSold: number;
  productViews: number;
  addToCarts: number;
  checkouts: number;
  buyers: number;
  cartVisitors: number;
  revenue: Money;
  tax: Money;
  shipping: Money;
  refunds: Money;
}

export interface ItemCounts {
  views: number;
  addToCarts: number;
  orders: number;
  ordersByCurrency: CountsByCurrency;
  itemsSold: number;
  revenue: Money;
}

/** What a merchant's purchases and refunds are, decided over all events that count, in the order of the log. */
export interface Orders {
  readonly orders: ReadonlySet<AcceptedEvent>;
  readonly refundOf: (refund: AcceptedEvent) => Amount | undefined;
}

/** "`purchase` events, the first in the log per `transactionId` (bots' apart from humans'); those without one count each" */
export function ordersAmong(events: readonly AcceptedEvent[]): Orders {
  const orders = new Set<AcceptedEvent>();
  const orderOf = new Map<string, AcceptedEvent>();
  const refunds = new Map<AcceptedEvent, Amount | undefined>();
  for (const event of events) {
    const transactionId = given(event.transactionId) && JSON.stringify([event.transactionId, isBot(event)]);
    if (event.name === 'purchase') {
      if (transactionId !== undefined && orderOf.has(transactionId)) continue;
      if (transactionId !== undefined) orderOf.set(transactionId, event);
      orders.add(event);
    } else if (event.name === 'refund') {
      // A full refund: the order must stand before it in the log.
      const order = transactionId === undefined ? undefined : orderOf.get(transactionId);
      refunds.set(event, ownAmount(event) ?? (order && ownAmount(order)));
    }
  }
  return { orders, refundOf: (refund) => refunds.get(refund) };
}

/** "the event's `value`, or else the sum of price × quantity of its items" */
function ownAmount(event: AcceptedEvent): Amount | undefined {
  return amount(event, event.value) ?? amountOf(event, priced(event.items ?? []));
}

const amount = (event: AcceptedEvent, price: number | undefined): Amount | undefined => amountOf(event, [{ price, quantity: 1 }]);
const quantityOf = (item: Item): number => item.quantity ?? 1;
const priced = (items: readonly Item[]) => items.map((item) => ({ price: item.price, quantity: quantityOf(item) }));
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const visitorsOf = (events: readonly AcceptedEvent[]): number => new Set(events.map((event) => event.visitorId)).size;

/** Of some of the events of a merchant, whose orders are told. */
export function countCommerce(events: readonly AcceptedEvent[], { orders, refundOf }: Orders): CommerceCounts {
  const made = events.filter((event) => orders.has(event));
  const named = (name: string): AcceptedEvent[] => events.filter((event) => event.name === name);
  return {
    orders: made.length,
    ordersByCurrency: countByCurrency(made),
    itemsSold: sum(made.flatMap((order) => (order.items ?? []).map(quantityOf))),
    productViews: named('view_item').length,
    addToCarts: named('add_to_cart').length,
    checkouts: named('begin_checkout').length,
    buyers: visitorsOf(made),
    cartVisitors: visitorsOf(named('add_to_cart')),
    revenue: totalOf(made.map(ownAmount)),
    tax: totalOf(made.map((order) => amount(order, order.tax))),
    shipping: totalOf(made.map((order) => amount(order, order.shipping))),
    refunds: totalOf(named('refund').map(refundOf)),
  };
}

/**
 * Of the events with items that `has` picks: "views, addToCarts and orders count events (`view_item`, `add_to_cart`, orders) in which
 * the value occurs, itemsSold and revenue add up its items (price × quantity)".
 */
export function countItems(events: readonly AcceptedEvent[], { orders }: Orders, has: (item: Item) => boolean): ItemCounts {
  const holding = events.filter((event) => (event.items ?? []).some(has));
  const made = holding.filter((event) => orders.has(event));
  return {
    views: holding.filter((event) => event.name === 'view_item').length,
    addToCarts: holding.filter((event) => event.name === 'add_to_cart').length,
    orders: made.length,
    ordersByCurrency: countByCurrency(made),
    itemsSold: sum(made.flatMap((order) => order.items!.filter(has).map(quantityOf))),
    revenue: totalOf(made.map((order) => amountOf(order, priced(order.items!.filter(has))))),
  };
}
