import { Query } from 'mingo';
import { encodeText, nullRank, typeRank } from '../bson/key-codec';
import { exactNumber } from '../bson/number-key';
import { BsonType, ElementWalker, cstringEnd, elementsOf, type RawDocument, type RawElement, type RawValue } from '../bson/raw';
import { isNumberType, stringOf, toPlainDocument, typeNames } from '../bson/values';
import { CommandError } from '../errors';
import { matches, type FilterNode } from './filter-node';
import { passesOne, type Test } from './tests';

const dollar = 0x24;

/** Compiles a query document. Throws BadValue for what is malformed or unknown. */
export function compileFilter(query: RawDocument): FilterNode {
  const nodes: FilterNode[] = [];
  for (const element of elementsOf(query)) {
    if (element.name.charCodeAt(0) === dollar) {
      const node = logical(element);
      if (node !== undefined) nodes.push(node);
    } else field(element, nodes);
  }
  return nodes.length === 1 ? nodes[0]! : { kind: 'all', nodes };
}

function logical(element: RawElement): FilterNode | undefined {
  switch (element.name) {
    case '$and':
      return { kind: 'all', nodes: clauses(element) };
    case '$or':
      return { kind: 'any', nodes: clauses(element) };
    case '$nor':
      return { kind: 'not', node: { kind: 'any', nodes: clauses(element) } };
    case '$comment':
      return undefined;
    case '$expr':
      return foreign({ $expr: (toPlainDocument(wrapElement(element)) as Record<string, unknown>).$expr });
    default:
      throw new CommandError('BadValue', `unknown top level operator: ${element.name}`);
  }
}

function wrapElement(element: RawElement): RawDocument {
  const name = Buffer.from(element.name);
  const bytes = Buffer.alloc(4 + 1 + name.length + 1 + (element.end - element.start) + 1);
  bytes.writeInt32LE(bytes.length, 0);
  bytes[4] = element.type;
  name.copy(bytes, 5);
  element.bytes.copy(bytes, 6 + name.length, element.start, element.end);
  return { bytes, start: 0, end: bytes.length };
}

function clauses(element: RawElement): FilterNode[] {
  const items = element.type === BsonType.array ? elementsOf(element) : [];
  if (items.length === 0) throw new CommandError('BadValue', `${element.name} argument must be a nonempty array`);
  return items.map((item) => {
    if (item.type !== BsonType.object) throw new CommandError('BadValue', `${element.name} argument's entries must be objects`);
    return compileFilter(item);
  });
}

/** `field: value` or `field: {operators}`. */
function field(element: RawElement, nodes: FilterNode[]): void {
  const { name } = element;
  const path = name.includes('.') ? name.split('.').map((part) => Buffer.from(part)) : [Buffer.from(name)];
  if (element.type === BsonType.object && hasOperators(element)) operators(name, path, element, nodes);
  else if (element.type === BsonType.regex) {
    nodes.push({ kind: 'field', field: name, path, test: { kind: 'pattern', pattern: patternOf(element) } });
  } else nodes.push({ kind: 'field', field: name, path, test: { kind: 'equal', operand: element } });
}

/** Whether the document's first name begins with a dollar sign. */
export function hasOperators(document: RawDocument): boolean {
  const walker = new ElementWalker(document.bytes, document.start);
  return walker.next() && walker.bytes[walker.nameStart] === dollar && !['$ref', '$id', '$db'].includes(walker.name);
}

function operators(name: string, path: readonly Buffer[], document: RawDocument, nodes: FilterNode[]): void {
  const leaf = (test: Test): FilterNode => ({ kind: 'field', field: name, path, test });
  const not = (node: FilterNode): FilterNode => ({ kind: 'not', node });
  const elements = elementsOf(document);
  for (const element of elements) {
    switch (element.name) {
      case '$eq':
        nodes.push(leaf({ kind: 'equal', operand: element }));
        break;
      case '$ne':
        if (element.type === BsonType.regex) throw new CommandError('BadValue', "Can't have regex as arg to $ne.");
        nodes.push(not(leaf({ kind: 'equal', operand: element })));
        break;
      case '$lt':
      case '$lte':
      case '$gt':
      case '$gte':
        if (element.type === BsonType.regex)
          throw new CommandError('BadValue', `Can't have RegEx as arg to predicate over field '${name}'.`);
        nodes.push(leaf({ kind: 'order', operand: element, less: element.name[1] === 'l', orEqual: element.name.length === 4 }));
        break;
      case '$in':
        nodes.push(leaf(membership(element)));
        break;
      case '$nin':
        nodes.push(not(leaf(membership(element))));
        break;
      case '$exists':
        nodes.push(truthy(element) ? leaf({ kind: 'exists' }) : not(leaf({ kind: 'exists' })));
        break;
      case '$type':
        nodes.push(leaf({ kind: 'type', types: typesOf(element) }));
        break;
      case '$size':
        nodes.push(leaf({ kind: 'size', size: integerOf(element, '$size') }));
        break;
      case '$mod':
        nodes.push(leaf(moduloOf(element)));
        break;
      case '$regex': {
        const options = elements.find((other) => other.name === '$options');
        nodes.push(leaf({ kind: 'pattern', pattern: patternOf(element, options === undefined ? undefined : stringOf(options)) }));
        break;
      }
      case '$options':
        if (!elements.some((other) => other.name === '$regex')) throw new CommandError('BadValue', '$options needs a $regex');
        break;
      case '$not': {
        const inner: FilterNode[] = [];
        if (element.type === BsonType.regex) inner.push(leaf({ kind: 'pattern', pattern: patternOf(element) }));
        else if (element.type === BsonType.object && hasOperators(element)) operators(name, path, element, inner);
        else throw new CommandError('BadValue', '$not needs a regex or a document');
        nodes.push(not({ kind: 'all', nodes: inner }));
        break;
      }
      case '$all':
        all(name, element, leaf, nodes);
        break;
      case '$elemMatch':
        nodes.push(leaf(elementMatch(element)));
        break;
      case '$bitsAllSet':
      case '$bitsAnySet':
      case '$bitsAllClear':
      case '$bitsAnyClear':
        nodes.push(foreign({ [name]: toPlainDocument(wrapElement(element)) }));
        break;
      default:
        throw new CommandError('BadValue', `unknown operator: ${element.name}`);
    }
  }
}

function foreign(criteria: Record<string, unknown>): FilterNode {
  let query: Query;
  try {
    query = new Query(criteria as ConstructorParameters<typeof Query>[0]);
  } catch (error) {
    throw new CommandError('BadValue', (error as Error).message);
  }
  return { kind: 'foreign', matches: (document) => query.test(toPlainDocument(document)) };
}

function membership(element: RawElement): Test {
  if (element.type !== BsonType.array) throw new CommandError('BadValue', `${element.name} needs an array`);
  const operands: RawValue[] = [];
  const encoded = new Set<string>();
  const patterns: RegExp[] = [];
  let hasNull = false;
  for (const item of elementsOf(element)) {
    if (item.type === BsonType.regex) {
      patterns.push(patternOf(item));
      continue;
    }
    operands.push(item);
    encoded.add(encodeText(item.type, item.bytes, item.start, item.end));
    if (typeRank(item.type) === nullRank) hasNull = true;
  }
  return { kind: 'in', operands, encoded, patterns, hasNull };
}

function all(name: string, element: RawElement, leaf: (test: Test) => FilterNode, nodes: FilterNode[]): void {
  if (element.type !== BsonType.array) throw new CommandError('BadValue', '$all needs an array');
  const items = elementsOf(element);
  if (items.length === 0) nodes.push({ kind: 'any', nodes: [] });
  for (const item of items) {
    const match = item.type === BsonType.object ? elementsOf(item).find((inner) => inner.name === '$elemMatch') : undefined;
    if (match !== undefined) nodes.push(leaf(elementMatch(match)));
    else if (item.type === BsonType.regex) nodes.push(leaf({ kind: 'pattern', pattern: patternOf(item) }));
    else nodes.push(leaf({ kind: 'equal', operand: item }));
  }
}

function elementMatch(element: RawElement): Test {
  if (element.type !== BsonType.object) throw new CommandError('BadValue', '$elemMatch needs an Object');
  if (!hasOperators(element) || ['$and', '$or', '$nor', '$expr'].includes(elementsOf(element)[0]!.name)) {
    const node = compileFilter(element);
    return {
      kind: 'element',
      matches: (type, bytes, start) => (type === BsonType.object || type === BsonType.array) && matches(node, bytes, start),
    };
  }
  const nodes: FilterNode[] = [];
  operators('', [Buffer.alloc(0)], element, nodes);
  return { kind: 'element', matches: (type, bytes, start, end) => nodes.every((node) => valueSatisfies(node, type, bytes, start, end)) };
}

/** Whether one value satisfies the operators themselves, as `{$elemMatch: {$gt: 1}}` and `{$pull: {a: {$gt: 1}}}` ask. */
function valueSatisfies(node: FilterNode, type: number, bytes: Buffer, start: number, end: number): boolean {
  switch (node.kind) {
    case 'field':
      return passesOne(node.test, type, bytes, start, end);
    case 'not':
      return !valueSatisfies(node.node, type, bytes, start, end);
    case 'all':
      return node.nodes.every((child) => valueSatisfies(child, type, bytes, start, end));
    case 'any':
      return node.nodes.some((child) => valueSatisfies(child, type, bytes, start, end));
    case 'foreign':
      throw new CommandError('NotImplemented', 'bitwise operators within $elemMatch and $pull are not supported by this server');
  }
}

/** What `$pull` removes: elements equal to a value, satisfying operators, or documents matching a query. */
export function compileElementCondition(condition: RawValue): (type: number, bytes: Buffer, start: number, end: number) => boolean {
  if (condition.type === BsonType.object) {
    const test = elementMatch({ ...condition, name: '$pull' });
    if (test.kind === 'element') return test.matches;
  }
  const test: Test =
    condition.type === BsonType.regex ? { kind: 'pattern', pattern: patternOf(condition) } : { kind: 'equal', operand: condition };
  return (type, bytes, start, end) => passesOne(test, type, bytes, start, end);
}

function truthy(value: RawValue): boolean {
  if (value.type === BsonType.boolean) return value.bytes[value.start] !== 0;
  if (value.type === BsonType.null || value.type === BsonType.undefined) return false;
  return !isNumberType(value.type) || exactNumber(value.bytes, value.type, value.start) !== 0;
}

function integerOf(value: RawValue, what: string): number {
  const number = exactNumber(value.bytes, value.type, value.start);
  if (number === undefined || !Number.isInteger(number)) throw new CommandError('BadValue', `${what} needs an integer`);
  return number;
}

function moduloOf(element: RawElement): Test {
  const items = element.type === BsonType.array ? elementsOf(element) : [];
  if (items.length !== 2) throw new CommandError('BadValue', 'malformed mod, needs to be an array of two numbers');
  const [divisor, remainder] = items.map((item) => Math.trunc(exactNumber(item.bytes, item.type, item.start) ?? NaN));
  if (!Number.isFinite(divisor!) || !Number.isFinite(remainder!)) throw new CommandError('BadValue', 'malformed mod, needs two numbers');
  if (divisor === 0) throw new CommandError('BadValue', 'divisor cannot be 0');
  return { kind: 'modulo', divisor: divisor!, remainder: remainder! };
}

function typesOf(element: RawElement): Set<number> {
  const types = new Set<number>();
  for (const item of element.type === BsonType.array ? elementsOf(element) : [element]) {
    if (item.type === BsonType.string) {
      const name = stringOf(item);
      const codes =
        name === 'number'
          ? [BsonType.int, BsonType.long, BsonType.double, BsonType.decimal]
          : Object.keys(typeNames).filter((code) => typeNames[Number(code)] === name);
      if (codes.length === 0) throw new CommandError('BadValue', `Unknown type name alias: ${name}`);
      for (const code of codes) types.add(Number(code));
    } else {
      const code = integerOf(item, '$type');
      types.add(code === -1 ? BsonType.minKey : code);
    }
  }
  return types;
}

function patternOf(value: RawValue, options?: string): RegExp {
  let source: string;
  let flags = options;
  if (value.type === BsonType.regex) {
    const end = cstringEnd(value.bytes, value.start, value.end);
    source = value.bytes.toString('utf8', value.start, end);
    flags ??= value.bytes.toString('utf8', end + 1, value.end - 1);
  } else if (value.type === BsonType.string) source = stringOf(value);
  else throw new CommandError('BadValue', '$regex has to be a string');
  if (/[^imsxu]/.test(flags ?? '')) throw new CommandError('BadValue', `invalid flag in regex options: ${flags}`);
  if (flags?.includes('x')) throw new CommandError('NotImplemented', 'the x option of regular expressions is not supported by this server');
  try {
    return new RegExp(source, [...new Set(flags ?? '')].join(''));
  } catch (error) {
    throw new CommandError('BadValue', `Regular expression is invalid: ${(error as Error).message}`);
  }
}
