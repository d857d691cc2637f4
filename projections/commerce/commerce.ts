import { amount, lineTotal, quantity, quantityOfItems } from '../kit/amounts';
import { byCoupon, byHostname, byPage, ofVisitors } from '../kit/dimensions';
import {
  count,
  countByCurrency,
  distinctVisitors,
  money,
  named,
  orders,
  refunds,
  sum,
  type DeclaredProjection,
  type ItemDimension,
} from '../kit/projection';

const addToCart = named('add_to_cart');

const viewItem = named('view_item');
const withItems = named('view_item', 'add_to_cart', 'purchase');

/** What was sold. */
export const commerce: DeclaredProjection = {
  kind: 'declared',
  name: 'commerce',
  version: 4,
  measures: {
    orders: countByCurrency(orders),
    addToCarts: count(addToCart),
    checkouts: count(named('begin_checkout')),
    itemsSold: sum(quantityOfItems, orders),
    cartVisitors: distinctVisitors(addToCart),
    buyers: distinctVisitors(orders),
    revenue: money(amount, orders),
    refunds: refunds(amount),
    tax: money((event, row) => event.numbers.tax?.[row] ?? NaN, orders),
    shipping: money((event, row) => event.numbers.shipping?.[row] ?? NaN, orders),
  },
  orders: true,
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
      orders: { kind: 'countByCurrency', when: orders },
      itemsSold: { kind: 'sum', of: quantity, when: orders },
      revenue: { kind: 'money', of: lineTotal, when: orders },
    },
  };
}
