import { find as mingoFind } from 'mingo';
import { exactNumber } from '../bson/number-key';
import { BsonType, ElementWalker, elementsOf, type RawDocument, type RawElement } from '../bson/raw';
import { toPlainDocument, toRawDocument } from '../bson/values';
import { DocumentWriter } from '../bson/writer';
import { CommandError } from '../errors';

/** Turns a stored document into what the client asked to see. */
export type Projection = (document: RawDocument) => RawDocument;

/** Children by name; a leaf names a field that is included or excluded as a whole. */
interface PathTree {
  leaf: boolean;
  readonly children: Map<string, PathTree>;
}

/**
 * Inclusion and exclusion copy bytes and keep every type and the fields' order. What computes ($slice, $elemMatch, expressions) is
 * evaluated on plain JavaScript values.
 */
export function projectionOf(projection: RawDocument | undefined): Projection | undefined {
  if (projection === undefined) return undefined;
  const elements = elementsOf(projection);
  if (elements.length === 0) return undefined;
  if (!elements.every(isSwitch)) return computed(projection, elements);
  const tree: PathTree = { leaf: false, children: new Map() };
  let includeId: boolean | undefined;
  let including: boolean | undefined;
  for (const element of elements) {
    const on = isOn(element);
    if (element.name === '_id') {
      includeId = on;
      continue;
    }
    if (including !== undefined && including !== on) {
      throw new CommandError(
        'FailedToParse',
        `Cannot do ${on ? 'inclusion' : 'exclusion'} on field ${element.name} in ${on ? 'exclusion' : 'inclusion'} projection`,
      );
    }
    including = on;
    plant(tree, element.name);
  }
  including ??= includeId ?? false;
  if (including ? includeId !== false : includeId === false) plant(tree, '_id');
  const keep = including;
  return ({ bytes, start }) => {
    const writer = new DocumentWriter(1024);
    copy(bytes, start, tree, keep, writer);
    const length = writer.length;
    return { bytes: writer.take(), start: 0, end: length };
  };
}

function isSwitch(element: RawElement): boolean {
  return (
    (element.type === BsonType.boolean || exactNumber(element.bytes, element.type, element.start) !== undefined) &&
    !element.name.includes('$')
  );
}

function isOn(element: RawElement): boolean {
  if (element.type === BsonType.boolean) return element.bytes[element.start] !== 0;
  return exactNumber(element.bytes, element.type, element.start) !== 0;
}

function plant(tree: PathTree, field: string): void {
  let node = tree;
  for (const part of field.split('.')) {
    if (part === '') throw new CommandError('BadValue', `FieldPath '${field}' has an empty part`);
    let child = node.children.get(part);
    if (child === undefined) node.children.set(part, (child = { leaf: false, children: new Map() }));
    if (child.leaf) throw new CommandError('BadValue', `Path collision at ${field}`);
    node = child;
  }
  if (node.children.size > 0) throw new CommandError('BadValue', `Path collision at ${field}`);
  node.leaf = true;
}

function copy(bytes: Buffer, start: number, tree: PathTree, including: boolean, writer: DocumentWriter, name?: string): void {
  writer.begin(name);
  const walker = new ElementWalker(bytes, start);
  while (walker.next()) {
    const fieldName = walker.name;
    const child = tree.children.get(fieldName);
    if (child === undefined ? including : child.leaf !== including) {
      if (child === undefined || child.leaf) continue;
    }
    if (child === undefined || child.leaf) writer.value(fieldName, walker.type, bytes, walker.start, walker.end);
    else if (walker.type === BsonType.object) copy(bytes, walker.start, child, including, writer, fieldName);
    else if (walker.type === BsonType.array) copyArray(bytes, walker.start, child, including, writer, fieldName);
    else if (!including) writer.value(fieldName, walker.type, bytes, walker.start, walker.end);
  }
  writer.finish();
}

/** Within an array each document is treated alike; other elements are dropped by an inclusion and kept by an exclusion. */
function copyArray(bytes: Buffer, start: number, tree: PathTree, including: boolean, writer: DocumentWriter, name: string): void {
  writer.begin(name, BsonType.array);
  const items = new ElementWalker(bytes, start);
  let index = 0;
  while (items.next()) {
    if (items.type === BsonType.object) copy(bytes, items.start, tree, including, writer, String(index++));
    else if (items.type === BsonType.array) copyArray(bytes, items.start, tree, including, writer, String(index++));
    else if (!including) writer.value(String(index++), items.type, bytes, items.start, items.end);
  }
  writer.finish();
}

function computed(projection: RawDocument, elements: readonly RawElement[]): Projection {
  const positional = elements.find((element) => element.name.split('.').includes('$'));
  if (positional !== undefined) {
    throw new CommandError('NotImplemented', `the positional projection '${positional.name}' is not supported by this server`);
  }
  const specification = toPlainDocument(projection);
  return (document) => {
    try {
      const [result] = mingoFind<Record<string, unknown>>([toPlainDocument(document)], {}, specification).all();
      return toRawDocument(result ?? {});
    } catch (error) {
      throw new CommandError('BadValue', `projection: ${(error as Error).message}`);
    }
  };
}
