import { KeyWriter, refuseLongKey } from '../bson/key-codec';
import { BsonType, documentEnd, findElement, type RawDocument, type RawValue } from '../bson/raw';
import { describe, rawNull, toExactValue } from '../bson/values';
import { CommandError } from '../errors';
import { limits } from '../limits';
import type { Environment } from './environment';
import { entriesOf, keyPattern, type IndexDefinition } from './index-definition';

const idName = Buffer.from('_id');

/**
 * The documents of one collection and their index entries. A document lies under prefix + encoded _id exactly as the client sent it
 * (with _id moved to the front). Each change checks everything that can be refused before it writes anything.
 */
export class Collection {
  readonly ns: string;
  readonly id: number;
  readonly uuid: string;
  readonly indexes: IndexDefinition[];
  private readonly keyWriter = new KeyWriter();

  constructor(
    private readonly environment: Environment,
    definition: { ns: string; id: number; uuid: string; indexes: IndexDefinition[] },
    /** Called within the transaction in which an index first meets an array. */
    private readonly onMultikey: (collection: Collection) => void,
  ) {
    this.ns = definition.ns;
    this.id = definition.id;
    this.uuid = definition.uuid;
    this.indexes = definition.indexes;
  }

  get database(): string {
    return this.ns.slice(0, this.ns.indexOf('.'));
  }

  get name(): string {
    return this.ns.slice(this.ns.indexOf('.') + 1);
  }

  /** The key of the document with this _id, valid until the next call. */
  keyFor(type: number, bytes: Buffer, start: number, end: number): Buffer {
    return this.keyWriter.reset().prefix(this.id).value(type, bytes, start, end).view();
  }

  /** The stored document, valid only until the next read or write. */
  get(key: Uint8Array): Buffer | undefined {
    return key.length > limits.keyBytesMax ? undefined : this.environment.get(key);
  }

  /** The document must be valid and carry an _id. Throws DuplicateKey. */
  insert(document: RawDocument): void {
    const id = findElement(document.bytes, document.start, idName);
    if (id === undefined) throw new CommandError('BadValue', 'a document without _id reached the store');
    let key = this.keyFor(id.type, document.bytes, id.start, id.end);
    refuseLongKey(key.length, '_id_');
    if (this.environment.has(key)) throw this.duplicateId(id.value());
    const stored = document.bytes.subarray(document.start, document.end);
    if (this.indexes.length > 0) {
      key = Buffer.from(key); // writing entries reuses the buffer it lies in
      this.writeEntries(key, undefined, stored);
    }
    this.environment.put(key, stored);
  }

  /** `key` must be a buffer of its own. `old` is needed only when there are indexes, and must then not be the volatile buffer of `get`. Throws DuplicateKey. */
  replace(key: Buffer, old: Buffer | undefined, replacement: Buffer): void {
    if (this.indexes.length > 0) this.writeEntries(key, old, replacement);
    this.environment.put(key, replacement);
  }

  remove(key: Buffer, old: Buffer | undefined): void {
    if (this.indexes.length > 0) this.writeEntries(key, old, undefined);
    this.environment.remove(key);
  }

  /** Moves the document's entries in every index from what `old` had to what `replacement` has. */
  private writeEntries(key: Buffer, old: Buffer | undefined, replacement: Buffer | undefined): void {
    const id = key.subarray(4);
    const changes = this.indexes.map((index) => {
      const before = old === undefined ? [] : this.entries(index, old);
      const after = replacement === undefined ? [] : this.entries(index, replacement);
      const removed = before.filter((entry) => !after.some((other) => other.equals(entry)));
      const added = after.filter((entry) => !before.some((other) => other.equals(entry)));
      for (const entry of added) this.refuseTaken(index, entry, id, replacement!);
      return { index, removed, added };
    });
    for (const { index, removed, added } of changes) {
      for (const entry of removed) this.environment.remove(this.entryKey(index, entry, id));
      for (const entry of added) this.environment.put(this.entryKey(index, entry, id), id);
    }
  }

  /** Adds the entries of a document that is stored already, while an index is built. */
  addEntries(index: IndexDefinition, key: Buffer, document: Buffer): void {
    const id = key.subarray(4);
    for (const entry of this.entries(index, document)) {
      this.refuseTaken(index, entry, id, document);
      this.environment.put(this.entryKey(index, entry, id), id);
    }
  }

  private entries(index: IndexDefinition, document: Buffer): Buffer[] {
    const before = index.multikey;
    const entries = entriesOf(index, document, 0);
    if (index.multikey !== before) this.onMultikey(this);
    return entries;
  }

  private entryKey(index: IndexDefinition, entry: Buffer, id: Buffer): Buffer {
    this.keyWriter.reset().prefix(index.id).append(entry);
    if (!index.unique) this.keyWriter.append(id);
    refuseLongKey(this.keyWriter.length, index.name);
    return this.keyWriter.view();
  }

  private refuseTaken(index: IndexDefinition, entry: Buffer, id: Buffer, document: Buffer): void {
    const key = this.entryKey(index, entry, id);
    if (!index.unique) return;
    const owner = this.environment.get(key);
    if (owner === undefined || id.equals(owner.subarray(0, id.length))) return;
    const values = index.fields.map(({ field, path }): [string, RawValue] => [field, valueAt(document, path) ?? rawNull]);
    throw this.duplicate(index.name, keyPattern(index), values);
  }

  duplicateId(id: RawValue): CommandError {
    return this.duplicate('_id_', { _id: 1 }, [['_id', id]]);
  }

  private duplicate(indexName: string, pattern: Record<string, unknown>, values: [string, RawValue][]): CommandError {
    const described = values.map(([field, value]) => `${field}: ${describe(value)}`).join(', ');
    return new CommandError(
      'DuplicateKey',
      `E11000 duplicate key error collection: ${this.ns} index: ${indexName} dup key: { ${described} }`,
      {
        keyPattern: pattern,
        keyValue: Object.fromEntries(values.map(([field, value]) => [field, toExactValue(value)])),
      },
    );
  }
}

function valueAt(document: Buffer, path: readonly Buffer[]): RawValue | undefined {
  let start = 0;
  for (let i = 0; i < path.length; i++) {
    const found = findElement(document, start, path[i]!);
    if (found === undefined || i === path.length - 1) return found?.value();
    if (found.type !== BsonType.object) return undefined;
    start = found.start;
  }
  return undefined;
}

/** The exact bytes of a stored document in a buffer that may be longer, copied so that they outlive the next read. */
export function keep(stored: Buffer): Buffer {
  return Buffer.from(stored.subarray(0, documentEnd(stored, 0)));
}
