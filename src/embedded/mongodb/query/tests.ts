import { compareRaw } from '../bson/compare';
import { encodeText, nullRank, numberRank, typeRank } from '../bson/key-codec';
import { exactNumber } from '../bson/number-key';
import { BsonType, ElementWalker, findElement, type RawValue } from '../bson/raw';

/** What one value is asked. Order comparisons hold only within the operand's own kind of type, as in MongoDB. */
export type Test =
  | { readonly kind: 'equal'; readonly operand: RawValue }
  | { readonly kind: 'order'; readonly operand: RawValue; readonly less: boolean; readonly orEqual: boolean }
  | {
      readonly kind: 'in';
      readonly operands: readonly RawValue[];
      readonly encoded: ReadonlySet<string>;
      readonly patterns: readonly RegExp[];
      readonly hasNull: boolean;
    }
  | { readonly kind: 'exists' }
  | { readonly kind: 'type'; readonly types: ReadonlySet<number> }
  | { readonly kind: 'size'; readonly size: number }
  | { readonly kind: 'modulo'; readonly divisor: number; readonly remainder: number }
  | { readonly kind: 'pattern'; readonly pattern: RegExp }
  /** Some element of the array satisfies this: of the element itself, or of the document it is. */
  | { readonly kind: 'element'; readonly matches: (type: number, bytes: Buffer, start: number, end: number) => boolean };

/**
 * Whether some value the path leads to passes the test. Arrays on the way are entered: each element that is a document, and the
 * element at a numeric name. Where a document lacks the name, the test is asked about "missing".
 */
export function findLeaf(bytes: Buffer, start: number, path: readonly Buffer[], depth: number, test: Test): boolean {
  const found = findElement(bytes, start, path[depth]!);
  if (found === undefined) return passesMissing(test);
  return enter(bytes, found.type, found.start, found.end, path, depth, test);
}

function enter(bytes: Buffer, type: number, start: number, end: number, path: readonly Buffer[], depth: number, test: Test): boolean {
  if (depth === path.length - 1) return passes(test, type, bytes, start, end);
  if (type === BsonType.object) return findLeaf(bytes, start, path, depth + 1, test);
  if (type !== BsonType.array) return passesMissing(test);
  const next = path[depth + 1]!;
  const items = new ElementWalker(bytes, start);
  while (items.next()) {
    if (items.type === BsonType.object && findLeaf(bytes, items.start, path, depth + 1, test)) return true;
    if (items.nameIs(next) && enter(bytes, items.type, items.start, items.end, path, depth + 1, test)) return true;
  }
  return false;
}

function passesMissing(test: Test): boolean {
  switch (test.kind) {
    case 'equal':
      return typeRank(test.operand.type) === nullRank;
    case 'order':
      return test.orEqual && typeRank(test.operand.type) === nullRank;
    case 'in':
      return test.hasNull;
    default:
      return false;
  }
}

/** The value itself, or when it is an array one of its elements. */
function passes(test: Test, type: number, bytes: Buffer, start: number, end: number): boolean {
  switch (test.kind) {
    case 'exists':
      return true;
    case 'size':
      return type === BsonType.array && countElements(bytes, start) === test.size;
    case 'element': {
      if (type !== BsonType.array) return false;
      const items = new ElementWalker(bytes, start);
      while (items.next()) if (test.matches(items.type, bytes, items.start, items.end)) return true;
      return false;
    }
    default: {
      if (passesOne(test, type, bytes, start, end)) return true;
      if (type !== BsonType.array) return false;
      const items = new ElementWalker(bytes, start);
      while (items.next()) if (passesOne(test, items.type, bytes, items.start, items.end)) return true;
      return false;
    }
  }
}

/** The test of one value, arrays not entered. */
export function passesOne(test: Test, type: number, bytes: Buffer, start: number, end: number): boolean {
  switch (test.kind) {
    case 'equal': {
      const { operand } = test;
      if (typeRank(type) !== typeRank(operand.type)) return false;
      return compareRaw(type, bytes, start, end, operand.type, operand.bytes, operand.start, operand.end) === 0;
    }
    case 'order': {
      const { operand } = test;
      const rank = typeRank(type);
      if (rank !== typeRank(operand.type)) return false;
      if (rank === numberRank && (isNaN(type, bytes, start) || isNaN(operand.type, operand.bytes, operand.start))) {
        return test.orEqual && isNaN(type, bytes, start) && isNaN(operand.type, operand.bytes, operand.start);
      }
      const order = compareRaw(type, bytes, start, end, operand.type, operand.bytes, operand.start, operand.end);
      return order === 0 ? test.orEqual : order < 0 === test.less;
    }
    case 'in':
      if (test.encoded.has(encodeText(type, bytes, start, end))) return true;
      return (
        test.patterns.length > 0 &&
        isText(type) &&
        test.patterns.some((pattern) => pattern.test(bytes.toString('utf8', start + 4, end - 1)))
      );
    case 'type':
      return test.types.has(type);
    case 'modulo': {
      const value = exactNumber(bytes, type, start);
      return value !== undefined && Number.isFinite(value) && Math.trunc(value) % test.divisor === test.remainder;
    }
    case 'pattern':
      return isText(type) && test.pattern.test(bytes.toString('utf8', start + 4, end - 1));
    case 'exists':
    case 'size':
    case 'element':
      return passes(test, type, bytes, start, end);
  }
}

function isText(type: number): boolean {
  return type === BsonType.string || type === BsonType.symbol;
}

function isNaN(type: number, bytes: Buffer, start: number): boolean {
  return type === BsonType.double && Number.isNaN(bytes.readDoubleLE(start));
}

function countElements(bytes: Buffer, start: number): number {
  const walker = new ElementWalker(bytes, start);
  let count = 0;
  while (walker.next()) count++;
  return count;
}
