import type { Item } from '../../src/protocol/event';
import { byCoupon, byHostname, byPage, ofVisitors } from '../kit/dimensions';
import { inDecimal } from '../kit/money';
import { count, distinctVisitors, money, named, sum, type DeclaredProjection, type ItemDimension, type RowNumber } from '../kit/projection';

const purchase = named('purchase');
const refund = named('refund');
const addToCart = named('add_to_cart');

const viewItem = named('view_item');
const withItems = named('view_item', 'add_to_cart', 'purchase');

/** What was sold. */
export const commerce: DeclaredProjection = {
  kind: 'declared',
  name: 'commerce',
  version: 2,
  measures: {
    orders: count(purchase),
    addToCarts: count(addToCart),
    checkouts: count(named('begin_checkout')),
    itemsSold: sum(quantityOfItems, purchase),
    cartVisitors: distinctVisitors(addToCart),
    buyers: distinctVisitors(purchase),
    revenue: money(amount, purchase),
    refunds: money(amount, refund),
    tax: money((event, row) => event.numbers.tax?.[row] ?? NaN, purchase),
    shipping: money((event, row) => event.numbers.shipping?.[row] ?? NaN, purchase),
  },
  totals: true,
  dimensions: { ...ofVisitors, page: byPage, hostname: byHostname, coupon: byCoupon },
  itemDimensions: {
    product: soldBy((item) => item.itemId),
    category: soldBy((item) => item.category || undefined),
    brand: soldBy((item) => item.brand || undefined),
  },
};

function soldBy(value: ItemDimension['value']): ItemDimension {
  return {
    when: withItems,
    value,
    measures: {
      views: { kind: 'count', when: viewItem },
      addToCarts: { kind: 'count', when: addToCart },
      orders: { kind: 'count', when: purchase },
      itemsSold: { kind: 'sum', of: quantity, when: purchase },
      revenue: { kind: 'money', of: lineTotal, when: purchase },
    },
  };
}

/** The event's value; where it has none, the sum of its items. */
export function amount(...[event, row]: Parameters<RowNumber>): number {
  const value = event.numbers.value?.[row] ?? NaN;
  if (!Number.isNaN(value)) return value;
  let total = NaN;
  for (const item of event.items.get(row) ?? []) {
    if (item.price !== undefined) total = inDecimal((Number.isNaN(total) ? 0 : total) + lineTotal(item));
  }
  return total;
}

export function quantityOfItems(...[event, row]: Parameters<RowNumber>): number {
  let total = 0;
  for (const item of event.items.get(row) ?? []) total += quantity(item);
  return total;
}

function lineTotal(item: Item): number {
  return inDecimal((item.price ?? NaN) * quantity(item));
}

/** Whole pieces: an item without a quantity is one, a fraction of a piece counts as sent, rounded. */
function quantity(item: Item): number {
  return Math.round(item.quantity ?? 1);
}
