import type { Item } from '../../src/protocol/event';
import { inDecimal } from './money';
import type { RowView } from './projection';

/** In major units: the event's value; where it has none, the sum of its items; NaN where nothing tells it. */
export function amount(event: RowView, row: number): number {
  const value = event.numbers.value?.[row] ?? NaN;
  if (!Number.isNaN(value)) return value;
  const items = event.items.get(row);
  if (items === undefined) return NaN;
  let total = NaN;
  for (const item of items) {
    if (item.price !== undefined) total = inDecimal((Number.isNaN(total) ? 0 : total) + lineTotal(item));
  }
  return total;
}

export function quantityOfItems(event: RowView, row: number): number {
  const items = event.items.get(row);
  if (items === undefined) return 0;
  let total = 0;
  for (const item of items) total += quantity(item);
  return total;
}

export function lineTotal(item: Item): number {
  return inDecimal((item.price ?? NaN) * quantity(item));
}

/** Whole pieces, as collection accepts no others: an item without a quantity is one. */
export function quantity(item: Item): number {
  return item.quantity ?? 1;
}
