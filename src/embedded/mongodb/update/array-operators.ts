import { compareValues } from '../bson/compare';
import { exactNumber } from '../bson/number-key';
import { BsonType, elementsOf, type RawElement, type RawValue } from '../bson/raw';
import { asRaw, type ArrayNode, type Node } from '../bson/tree';
import { CommandError } from '../errors';
import { sortKey, sortOf } from '../query/sort';

/** $push with $each, $position, $slice and $sort. */
export function push(array: ArrayNode, operand: RawValue): void {
  const modifiers = modifiersOf(operand);
  if (modifiers === undefined) {
    array.items.push(operand);
    return;
  }
  const each = eachOf(modifiers);
  const position = integer(modifiers.get('$position'), '$position') ?? array.items.length;
  array.items.splice(position < 0 ? Math.max(0, array.items.length + position) : position, 0, ...each);
  const sort = modifiers.get('$sort');
  if (sort !== undefined) sortItems(array.items, sort);
  const slice = integer(modifiers.get('$slice'), '$slice');
  if (slice === undefined) return;
  if (slice >= 0) array.items.length = Math.min(array.items.length, slice);
  else array.items.splice(0, Math.max(0, array.items.length + slice));
}

/** Adds what is not there yet, comparing as MongoDB compares values. */
export function addToSet(array: ArrayNode, operand: RawValue): void {
  const modifiers = modifiersOf(operand);
  for (const value of modifiers === undefined ? [operand] : eachOf(modifiers)) {
    if (!array.items.some((item) => compareValues(asRaw(item), value) === 0)) array.items.push(value);
  }
}

function modifiersOf(operand: RawValue): Map<string, RawElement> | undefined {
  if (operand.type !== BsonType.object) return undefined;
  const modifiers = new Map(elementsOf(operand).map((element) => [element.name, element]));
  if (!modifiers.has('$each')) return undefined;
  for (const name of modifiers.keys()) {
    if (!['$each', '$position', '$slice', '$sort'].includes(name))
      throw new CommandError('BadValue', `Unrecognized clause in $push: ${name}`);
  }
  return modifiers;
}

function eachOf(modifiers: Map<string, RawElement>): RawElement[] {
  const each = modifiers.get('$each')!;
  if (each.type !== BsonType.array) throw new CommandError('TypeMismatch', 'The argument to $each must be an array');
  return elementsOf(each);
}

function integer(value: RawElement | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  const number = exactNumber(value.bytes, value.type, value.start);
  if (number === undefined || !Number.isInteger(number))
    throw new CommandError('BadValue', `The value for ${name} must be an integer value`);
  return number;
}

function sortItems(items: Node[], sort: RawElement): void {
  if (sort.type !== BsonType.object) {
    const direction = exactNumber(sort.bytes, sort.type, sort.start);
    if (direction !== 1 && direction !== -1) throw new CommandError('BadValue', 'The $sort element value must be either 1 or -1');
    const values = items.map(asRaw).sort((a, b) => compareValues(a, b) * direction);
    items.splice(0, items.length, ...values);
    return;
  }
  const fields = sortOf(sort);
  const rows = items
    .map(asRaw)
    .map((value) => ({ value, order: value.type === BsonType.object ? sortKey(fields, value.bytes, value.start) : Buffer.alloc(0) }));
  rows.sort((a, b) => a.order.compare(b.order));
  items.splice(0, items.length, ...rows.map(({ value }) => value));
}
