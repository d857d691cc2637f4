import { asInteger, combineNumbers, intValue, longValue, zeroLike } from '../bson/arithmetic';
import { compareValues } from '../bson/compare';
import { exactNumber } from '../bson/number-key';
import { BsonType, elementsOf, type RawValue } from '../bson/raw';
import { ArrayNode, ObjectNode, asRaw, opened, type Node } from '../bson/tree';
import { describe, isNumberType, rawNull, stringOf, toRawValue, typeNames } from '../bson/values';
import { CommandError } from '../errors';
import { limits } from '../limits';
import { compileElementCondition } from '../query/filter-compiler';
import { addToSet, push } from './array-operators';

export interface Operator {
  readonly name: OperatorName;
  readonly field: string;
  readonly path: readonly string[];
  readonly operand: RawValue;
}

const names = [
  '$set',
  '$setOnInsert',
  '$unset',
  '$inc',
  '$mul',
  '$min',
  '$max',
  '$rename',
  '$currentDate',
  '$bit',
  '$push',
  '$addToSet',
  '$pop',
  '$pull',
  '$pullAll',
] as const;
export type OperatorName = (typeof names)[number];
export const operatorNames: ReadonlySet<OperatorName> = new Set(names);

/** Where a path ends: the document or array that holds the value, and its name or position there. */
type Place = { readonly parent: ObjectNode; readonly name: string } | { readonly parent: ArrayNode; readonly at: number };

export function applyOperator(document: ObjectNode, operator: Operator, now: Date): void {
  const { name, operand, field, path } = operator;
  switch (name) {
    case '$set':
    case '$setOnInsert':
      put(placeFor(document, path), operand);
      return;
    case '$unset': {
      const place = find(document, path);
      if (place !== undefined) remove(place);
      return;
    }
    case '$inc':
    case '$mul': {
      if (!isNumberType(operand.type)) {
        throw new CommandError(
          'TypeMismatch',
          `Cannot ${name === '$inc' ? 'increment' : 'multiply'} with non-numeric argument: {${field}: ${describe(operand)}}`,
        );
      }
      const place = placeFor(document, path);
      const current = get(place);
      if (current === undefined) put(place, name === '$inc' ? operand : zeroLike(operand));
      else put(place, combineNumbers(numberAt(document, current, operator), operand, name === '$inc' ? 'add' : 'multiply'));
      return;
    }
    case '$min':
    case '$max': {
      const place = placeFor(document, path);
      const current = get(place);
      const order = current === undefined ? 0 : compareValues(operand, asRaw(current));
      if (current === undefined || (name === '$max' ? order > 0 : order < 0)) put(place, operand);
      return;
    }
    case '$rename':
      rename(document, operator);
      return;
    case '$currentDate':
      put(placeFor(document, path), currentDate(operand, now));
      return;
    case '$bit':
      bit(document, operator);
      return;
    case '$push':
    case '$addToSet': {
      const place = placeFor(document, path);
      const current = get(place);
      const array = current === undefined ? new ArrayNode() : arrayAt(current, operator);
      if (name === '$push') push(array, operand);
      else addToSet(array, operand);
      put(place, array);
      return;
    }
    case '$pop':
    case '$pull':
    case '$pullAll':
      takeOut(document, operator);
  }
}

/** The place the path leads to, with documents created on the way where there is nothing. Throws PathNotViable at a scalar. */
function placeFor(document: ObjectNode, path: readonly string[]): Place {
  let parent: ObjectNode | ArrayNode = document;
  for (let i = 0; ; i++) {
    const name = path[i]!;
    const place: Place = parent instanceof ObjectNode ? { parent, name } : { parent, at: positionOf(parent, name, path) };
    if (i === path.length - 1) return place;
    const current = get(place);
    const next = current === undefined ? new ObjectNode() : opened(current);
    if (!(next instanceof ObjectNode) && !(next instanceof ArrayNode)) {
      throw new CommandError('PathNotViable', `Cannot create field '${path[i + 1]}' in element {${name}: ${describe(next)}}`);
    }
    if (next !== current) put(place, next);
    parent = next;
  }
}

function positionOf(array: ArrayNode, name: string, path: readonly string[]): number {
  if (!/^(0|[1-9][0-9]*)$/.test(name))
    throw new CommandError('PathNotViable', `Cannot create field '${name}' in the array at '${path.join('.')}'`);
  const at = Number(name);
  if (at - array.items.length > limits.arrayPaddingMax)
    throw new CommandError('BadValue', `can't backfill more than ${limits.arrayPaddingMax} elements`);
  return at;
}

/** The place, only if something is there. */
function find(document: ObjectNode, path: readonly string[]): Place | undefined {
  let parent: Node = document;
  for (let i = 0; i < path.length; i++) {
    const name = path[i]!;
    let place: Place;
    if (parent instanceof ObjectNode) place = { parent, name };
    else if (parent instanceof ArrayNode && /^\d+$/.test(name)) place = { parent, at: Number(name) };
    else return undefined;
    const current: Node | undefined = get(place);
    if (current === undefined || i === path.length - 1) return current === undefined ? undefined : place;
    const next: Node = opened(current);
    if (next !== current) put(place, next);
    parent = next;
  }
  return undefined;
}

function get(place: Place): Node | undefined {
  return 'at' in place ? place.parent.items[place.at] : place.parent.fields.get(place.name);
}

function put(place: Place, node: Node): void {
  if (!('at' in place)) {
    place.parent.fields.set(place.name, node);
    return;
  }
  while (place.parent.items.length < place.at) place.parent.items.push(rawNull);
  place.parent.items[place.at] = node;
}

function remove(place: Place): void {
  if ('at' in place) place.parent.items[place.at] = rawNull;
  else place.parent.fields.delete(place.name);
}

function numberAt(document: ObjectNode, node: Node, operator: Operator): RawValue {
  const value = asRaw(node);
  if (isNumberType(value.type)) return value;
  throw new CommandError(
    'TypeMismatch',
    `Cannot apply ${operator.name} to a value of non-numeric type. {_id: ${idOf(document)}} has the field '${operator.path.at(-1)}' of non-numeric type ${typeNames[value.type]}`,
  );
}

function idOf(document: ObjectNode): string {
  const id = document.fields.get('_id');
  return id === undefined ? 'none' : describe(asRaw(id));
}

function arrayAt(node: Node, operator: Operator): ArrayNode {
  const array = opened(node);
  if (array instanceof ArrayNode) return array;
  throw new CommandError('BadValue', `The field '${operator.field}' must be an array but is of type ${typeNames[asRaw(node).type]}`);
}

function rename(document: ObjectNode, operator: Operator): void {
  const source = find(document, operator.path);
  if (source === undefined) return;
  const target = stringOf(operator.operand).split('.');
  const value = get(source)!;
  if ('at' in source) throw new CommandError('BadValue', `The source field cannot be an array element, '${operator.field}'`);
  remove(source);
  put(placeFor(document, target), value);
}

function currentDate(operand: RawValue, now: Date): RawValue {
  const type = operand.type === BsonType.object ? elementsOf(operand).find((element) => element.name === '$type') : undefined;
  if (type !== undefined && type.type === BsonType.string && stringOf(type) === 'timestamp') {
    return { ...longValue(BigInt(Math.floor(now.getTime() / 1000)) << 32n), type: BsonType.timestamp };
  }
  if (operand.type !== BsonType.boolean && (type === undefined || type.type !== BsonType.string || stringOf(type) !== 'date')) {
    throw new CommandError('BadValue', "$currentDate takes true or {$type: 'date'} or {$type: 'timestamp'}");
  }
  return toRawValue(now);
}

function bit(document: ObjectNode, operator: Operator): void {
  const place = placeFor(document, operator.path);
  const current = get(place);
  const operations = operator.operand.type === BsonType.object ? elementsOf(operator.operand) : [];
  let value = current === undefined ? intValue(0) : numberAt(document, current, operator);
  const isInteger = (number: RawValue) => number.type === BsonType.int || number.type === BsonType.long;
  if (operations.length === 0 || !isInteger(value) || !operations.every(isInteger)) {
    throw new CommandError('BadValue', `$bit works on integers: ${operator.field}`);
  }
  for (const operation of operations) {
    const [a, b] = [asInteger(value), asInteger(operation)];
    const long = value.type === BsonType.long || operation.type === BsonType.long;
    let result: bigint;
    if (operation.name === 'and') result = a & b;
    else if (operation.name === 'or') result = a | b;
    else if (operation.name === 'xor') result = a ^ b;
    else throw new CommandError('BadValue', `The $bit modifier only supports 'and', 'or', and 'xor', not '${operation.name}'`);
    value = long ? longValue(result) : intValue(Number(result));
  }
  put(place, value);
}

function takeOut(document: ObjectNode, operator: Operator): void {
  const place = find(document, operator.path);
  if (place === undefined) return;
  const array = arrayAt(get(place)!, operator);
  const { operand, name } = operator;
  if (name === '$pop') {
    const end = exactNumber(operand.bytes, operand.type, operand.start);
    if (end !== 1 && end !== -1) throw new CommandError('FailedToParse', `$pop expects 1 or -1, found: ${describe(operand)}`);
    if (end === 1) array.items.pop();
    else array.items.shift();
    put(place, array);
    return;
  }
  let unwanted: (value: RawValue) => boolean;
  if (name === '$pull') {
    const condition = compileElementCondition(operand);
    unwanted = ({ type, bytes, start, end }) => condition(type, bytes, start, end);
  } else {
    if (operand.type !== BsonType.array) throw new CommandError('BadValue', '$pullAll requires an array argument');
    const values = elementsOf(operand);
    unwanted = (value) => values.some((other) => compareValues(value, other) === 0);
  }
  put(place, new ArrayNode(array.items.filter((item) => !unwanted(asRaw(item)))));
}
