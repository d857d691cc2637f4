import { randomUUID } from 'node:crypto';
import { deserialize, serialize, type Document } from 'bson';
import { toBuffer } from '../bson/values';
import { CommandError } from '../errors';
import { limits } from '../limits';
import { Collection } from './collection';
import type { Environment, KeyRange } from './environment';
import { keyPattern, pathOf, type IndexDefinition } from './index-definition';

/**
 * What exists: collections, their indexes, and the key ranges of dropped ones that still hold bytes. Kept in memory and written with
 * the change itself, in the same transaction; when that is rolled back, `load` restores what the disk says.
 */
export class Catalog {
  private collections = new Map<string, Collection>();
  private nextId = 1;

  constructor(private readonly environment: Environment) {
    this.load();
  }

  load(): void {
    this.collections = new Map();
    this.nextId = 1;
    for (const { key, value } of this.environment.range(everything)) {
      const record = deserialize(value) as StoredRecord;
      if (record.kind === 'sequence') this.nextId = record.nextId;
      else if (record.kind === 'collection') this.collections.set(record.ns, this.restore(record));
      else if (record.kind !== 'dropped') throw new Error(`Unknown catalog record ${key.toString('latin1')}: written by a newer version?`);
    }
  }

  get(ns: string): Collection | undefined {
    return this.collections.get(ns);
  }

  list(database?: string): Collection[] {
    const all = [...this.collections.values()];
    return (database === undefined ? all : all.filter((collection) => collection.database === database)).sort((a, b) =>
      a.ns < b.ns ? -1 : 1,
    );
  }

  /** Within a transaction. */
  create(ns: string): Collection {
    const existing = this.collections.get(ns);
    if (existing !== undefined) return existing;
    refuseNamespace(ns);
    const collection = this.materialise({ ns, id: this.takeId(), uuid: randomUUID(), indexes: [] });
    this.collections.set(ns, collection);
    this.save(collection);
    return collection;
  }

  /** Within a transaction. */
  save(collection: Collection): void {
    const record: CollectionRecord = {
      kind: 'collection',
      ns: collection.ns,
      id: collection.id,
      uuid: collection.uuid,
      indexes: collection.indexes.map((index) => ({
        id: index.id,
        name: index.name,
        key: Object.entries(keyPattern(index)).map(([field, direction]) => ({ field, direction: Number(direction) })),
        unique: index.unique,
        multikey: index.multikey,
        expireAfterSeconds: index.expireAfterSeconds ?? null,
      })),
    };
    this.write(`c${collection.ns}`, record);
  }

  /** Within a transaction. The entries themselves are removed later, some at a time. */
  drop(collection: Collection): void {
    this.collections.delete(collection.ns);
    this.environment.remove(recordKey(`c${collection.ns}`));
    for (const id of [collection.id, ...collection.indexes.map((index) => index.id)]) this.write(`d${id}`, { kind: 'dropped', id });
  }

  /** Within a transaction. */
  dropIndex(collection: Collection, index: IndexDefinition): void {
    collection.indexes.splice(collection.indexes.indexOf(index), 1);
    this.save(collection);
    this.write(`d${index.id}`, { kind: 'dropped', id: index.id });
  }

  takeId(): number {
    const id = this.nextId++;
    this.write('s', { kind: 'sequence', nextId: this.nextId });
    return id;
  }

  /** Removes some entries of dropped collections, within a transaction; false when nothing is left to remove. */
  reclaim(): boolean {
    for (const { key, value } of this.environment.range({ lower: recordKey('d'), upper: recordKey('e') }, { limit: 1 })) {
      const record = deserialize(value) as DroppedRecord;
      const keys = this.environment.keys(prefixRange(record.id), limits.reclaimKeysPerTransaction);
      for (const entry of keys) this.environment.remove(entry);
      if (keys.length < limits.reclaimKeysPerTransaction) this.environment.remove(key);
      return true;
    }
    return false;
  }

  hasDropped(): boolean {
    return this.environment.keys({ lower: recordKey('d'), upper: recordKey('e') }, 1).length > 0;
  }

  private restore(record: CollectionRecord): Collection {
    const indexes: IndexDefinition[] = record.indexes.map((index) => ({
      id: index.id,
      name: index.name,
      fields: index.key.map(({ field, direction }) => ({ field, path: pathOf(field), descending: direction < 0 })),
      unique: index.unique,
      multikey: index.multikey,
      ...(index.expireAfterSeconds === null ? {} : { expireAfterSeconds: index.expireAfterSeconds }),
    }));
    return this.materialise({ ns: record.ns, id: record.id, uuid: record.uuid, indexes });
  }

  private materialise(definition: { ns: string; id: number; uuid: string; indexes: IndexDefinition[] }): Collection {
    return new Collection(this.environment, definition, (collection) => this.save(collection));
  }

  private write(name: string, record: Document): void {
    this.environment.put(recordKey(name), toBuffer(serialize(record)));
  }
}

/** Every key with this four-byte prefix. */
export function prefixRange(id: number): KeyRange {
  const lower = Buffer.alloc(4);
  lower.writeUInt32BE(id);
  const upper = Buffer.alloc(4);
  upper.writeUInt32BE(id + 1);
  return { lower, upper };
}

/** Catalog records have the prefix 0, which no collection or index is given. */
const everything = prefixRange(0);

function recordKey(name: string): Buffer {
  return Buffer.concat([everything.lower, Buffer.from(name)]);
}

interface CollectionRecord {
  kind: 'collection';
  ns: string;
  id: number;
  uuid: string;
  indexes: {
    id: number;
    name: string;
    key: { field: string; direction: number }[];
    unique: boolean;
    multikey: boolean;
    expireAfterSeconds: number | null;
  }[];
}
interface DroppedRecord {
  kind: 'dropped';
  id: number;
}
type StoredRecord = CollectionRecord | DroppedRecord | { kind: 'sequence'; nextId: number };

/** Throws InvalidNamespace for a name no collection may have. */
export function refuseNamespace(ns: string): void {
  const dot = ns.indexOf('.');
  const database = ns.slice(0, dot);
  const name = ns.slice(dot + 1);
  if (Buffer.byteLength(ns) > limits.namespaceBytesMax || dot <= 0 || dot > 63 || /[/\\ "$\0]/.test(database)) {
    throw new CommandError('InvalidNamespace', `Invalid namespace specified '${ns}'`);
  }
  if (name === '' || name.includes('$') || name.includes('\0') || name.startsWith('.') || name.endsWith('.') || name.includes('..')) {
    throw new CommandError('InvalidNamespace', `Invalid collection name specified '${ns}'`);
  }
}
