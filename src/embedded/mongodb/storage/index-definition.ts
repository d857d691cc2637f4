import { Long, type Document } from 'bson';
import { KeyWriter, refuseLongKey } from '../bson/key-codec';
import { BsonType, ElementWalker, findElement } from '../bson/raw';
import { CommandError } from '../errors';

export interface IndexField {
  /** Dotted name as declared. */
  readonly field: string;
  readonly path: readonly Buffer[];
  readonly descending: boolean;
}

/** A secondary index. Its entries: prefix, the fields' values, and unless it is unique the document's id; the value is the id. */
export interface IndexDefinition {
  readonly id: number;
  readonly name: string;
  readonly fields: readonly IndexField[];
  readonly unique: boolean;
  readonly expireAfterSeconds?: number;
  /** True once a document had an array here: several entries a document, so scans must drop repetitions and cannot serve sorts. */
  multikey: boolean;
}

export function describeIndex(index: IndexDefinition): Document {
  return {
    v: 2,
    key: keyPattern(index),
    name: index.name,
    ...(index.unique ? { unique: true } : {}),
    ...(index.expireAfterSeconds === undefined ? {} : { expireAfterSeconds: numberFor(index.expireAfterSeconds) }),
  };
}

export function keyPattern(index: IndexDefinition): Document {
  return Object.fromEntries(index.fields.map(({ field, descending }) => [field, descending ? -1 : 1]));
}

function numberFor(value: number): number | Long {
  return Number.isInteger(value) && Math.abs(value) > 0x7fffffff ? Long.fromNumber(value) : value;
}

export function pathOf(field: string): Buffer[] {
  return field.split('.').map((name) => Buffer.from(name));
}

const writer = new KeyWriter();

/**
 * The fields part of each entry this document has in the index, without prefix and id, distinct.
 * Throws CannotIndexParallelArrays when two fields are arrays, KeyTooLong beyond the limit.
 */
export function entriesOf(index: IndexDefinition, bytes: Buffer, start: number): Buffer[] {
  const values = index.fields.map((field) => valuesAt(bytes, start, field));
  let many = -1;
  for (let i = 0; i < values.length; i++) {
    if (!values[i]!.array) continue;
    if (many >= 0)
      throw new CommandError(
        'CannotIndexParallelArrays',
        `cannot index parallel arrays [${index.fields[i]!.field}] [${index.fields[many]!.field}]`,
      );
    many = i;
  }
  if (many >= 0) index.multikey = true;
  const count = many < 0 ? 1 : values[many]!.encoded.length;
  const entries = new Map<string, Buffer>();
  for (let n = 0; n < count; n++) {
    writer.reset();
    for (let i = 0; i < values.length; i++) writer.append(values[i]!.encoded[i === many ? n : 0]!);
    refuseLongKey(writer.length, index.name);
    if (count === 1) return [writer.copy()];
    entries.set(writer.text(), writer.copy());
  }
  return [...entries.values()];
}

interface FieldValues {
  readonly encoded: readonly Buffer[];
  readonly array: boolean;
}

const valueWriter = new KeyWriter();

function valuesAt(bytes: Buffer, start: number, { path, descending }: IndexField): FieldValues {
  const encoded: Buffer[] = [];
  const array = collect(bytes, start, path, 0, descending, encoded);
  if (encoded.length === 0) encoded.push(valueWriter.reset().missing(descending).copy());
  return { encoded, array };
}

/** Collects what the path leads to; true when an array was passed on the way. */
function collect(bytes: Buffer, start: number, path: readonly Buffer[], depth: number, descending: boolean, into: Buffer[]): boolean {
  const found = findElement(bytes, start, path[depth]!);
  if (found === undefined) {
    into.push(valueWriter.reset().missing(descending).copy());
    return false;
  }
  const last = depth === path.length - 1;
  if (found.type === BsonType.array) {
    const items = new ElementWalker(bytes, found.start);
    let any = false;
    while (items.next()) {
      any = true;
      if (last) into.push(valueWriter.reset().value(items.type, bytes, items.start, items.end, descending).copy());
      else if (items.type === BsonType.object) collect(bytes, items.start, path, depth + 1, descending, into);
    }
    // An empty array is indexed as "undefined", which shares the rank of null here.
    if (!any && last) into.push(valueWriter.reset().missing(descending).copy());
    return true;
  }
  if (last) {
    into.push(valueWriter.reset().value(found.type, bytes, found.start, found.end, descending).copy());
    return false;
  }
  if (found.type === BsonType.object) return collect(bytes, found.start, path, depth + 1, descending, into);
  into.push(valueWriter.reset().missing(descending).copy());
  return false;
}
