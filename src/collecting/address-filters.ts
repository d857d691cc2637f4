import { parseAddressRange, rangesHolding } from '../domain/addresses';
import type { AddressFilter } from '../stores/records';

type FiltersHolding = (address: string) => readonly string[];

/** Each list is read once: the key directory gives the same one for every request until it asks again. */
const read = new WeakMap<readonly AddressFilter[], FiltersHolding>();

/** Which of a merchant's filters an address lies in, by id. */
export function filtersHolding(filters: readonly AddressFilter[]): FiltersHolding {
  let known = read.get(filters);
  if (known === undefined) read.set(filters, (known = compiled(filters)));
  return known;
}

function compiled(filters: readonly AddressFilter[]): FiltersHolding {
  const readable = filters.flatMap(({ filterId, pattern }) => {
    const range = parseAddressRange(pattern);
    return range === undefined ? [] : [{ filterId, range }];
  });
  const ranges = readable.map(({ range }) => range);
  return (address) => rangesHolding(ranges, address).map((place) => readable[place]!.filterId);
}
