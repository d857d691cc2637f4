import { exactNumber } from '../bson/number-key';
import { BsonType, elementsOf, type RawElement } from '../bson/raw';
import { stringOf, toRawDocument } from '../bson/values';
import { CommandError } from '../errors';
import { limits } from '../limits';
import { ListSource } from '../query/source';
import { prefixRange } from '../storage/catalog';
import type { Collection } from '../storage/collection';
import { describeIndex, pathOf, type IndexDefinition, type IndexField } from '../storage/index-definition';
import { firstBatch } from './batches';
import { refuseCollation, type Handler, type Reply, type ServerState } from './command';

const createIndexes: Handler = async (command, server): Promise<Reply> => {
  const { ns } = command;
  const specifications = (command.array('indexes') ?? []).map(specificationOf);
  if (specifications.length === 0) throw new CommandError('BadValue', 'Must specify at least one index to create');
  return server.writes.run(
    command.bytes,
    () => {
      const createdCollectionAutomatically = server.catalog.get(ns) === undefined;
      const collection = server.catalog.create(ns);
      const before = collection.indexes.length + 1;
      for (const specification of specifications) addIndex(server, collection, specification);
      const after = collection.indexes.length + 1;
      return {
        numIndexesBefore: before,
        numIndexesAfter: after,
        createdCollectionAutomatically,
        ...(before === after ? { note: 'all indexes already exist' } : {}),
        ok: 1,
      };
    },
    true, // building may meet a duplicate after it has written entries
  );
};

type Specification = Omit<IndexDefinition, 'id' | 'multikey'>;

/** Throws CannotCreateIndex for what this server does not build. */
function specificationOf(element: RawElement): Specification {
  if (element.type !== BsonType.object) throw new CommandError('TypeMismatch', "'indexes' must hold documents");
  const options = new Map(elementsOf(element).map((option) => [option.name, option]));
  const key = options.get('key');
  const name = options.get('name');
  if (key === undefined || key.type !== BsonType.object)
    throw new CommandError('FailedToParse', "The 'key' field is a required property of an index specification");
  if (name === undefined || name.type !== BsonType.string)
    throw new CommandError('FailedToParse', "The 'name' field is a required property of an index specification");
  for (const option of ['partialFilterExpression', 'weights', 'wildcardProjection', 'storageEngine']) {
    if (options.has(option)) throw new CommandError('CannotCreateIndex', `the index option '${option}' is not supported by this server`);
  }
  for (const option of ['sparse', 'hidden', 'clustered', 'prepareUnique']) {
    if (isTrue(options.get(option)))
      throw new CommandError('CannotCreateIndex', `the index option '${option}' is not supported by this server`);
  }
  refuseCollation(options.get('collation'));
  const fields = elementsOf(key).map(fieldOf);
  if (fields.length === 0) throw new CommandError('CannotCreateIndex', 'Index keys cannot be empty.');
  const ttl = options.get('expireAfterSeconds');
  const expireAfterSeconds = ttl === undefined ? undefined : exactNumber(ttl.bytes, ttl.type, ttl.start);
  if (ttl !== undefined) {
    if (expireAfterSeconds === undefined || !(expireAfterSeconds >= 0 && expireAfterSeconds <= 0x7fffffff)) {
      throw new CommandError(
        'CannotCreateIndex',
        "TTL index 'expireAfterSeconds' option must be within an acceptable range, 0 to 2147483647",
      );
    }
    if (fields.length > 1)
      throw new CommandError('CannotCreateIndex', 'TTL indexes are single-field indexes, compound indexes do not support TTL');
  }
  return {
    name: stringOf(name),
    fields,
    unique: isTrue(options.get('unique')),
    ...(expireAfterSeconds === undefined ? {} : { expireAfterSeconds }),
  };
}

function fieldOf({ name: field, type, bytes, start }: RawElement): IndexField {
  const direction = exactNumber(bytes, type, start);
  if (direction === undefined || direction === 0 || Number.isNaN(direction)) {
    throw new CommandError('CannotCreateIndex', `only ascending (1) and descending (-1) indexes are supported by this server: ${field}`);
  }
  if (field === '' || field.startsWith('$') || field.includes('$**') || field.split('.').includes('')) {
    throw new CommandError('CannotCreateIndex', `not a field an index can be on: '${field}'`);
  }
  return { field, path: pathOf(field), descending: direction < 0 };
}

function isTrue(value: RawElement | undefined): boolean {
  if (value === undefined) return false;
  if (value.type === BsonType.boolean) return value.bytes[value.start] !== 0;
  return (exactNumber(value.bytes, value.type, value.start) ?? 0) !== 0;
}

function addIndex(server: ServerState, collection: Collection, specification: Specification): void {
  const shape = ({ fields }: Pick<Specification, 'fields'>) =>
    fields.map(({ field, descending }) => `${field}:${descending ? -1 : 1}`).join();
  if (shape(specification) === '_id:1') return;
  const sameName = collection.indexes.find((index) => index.name === specification.name);
  const sameShape = collection.indexes.find((index) => shape(index) === shape(specification));
  if (sameName !== undefined && sameName !== sameShape) {
    throw new CommandError(
      'IndexKeySpecsConflict',
      `An existing index has the same name as the requested index '${specification.name}' with a different key`,
    );
  }
  if (sameShape !== undefined) {
    const sameOptions = sameShape.unique === specification.unique && sameShape.expireAfterSeconds === specification.expireAfterSeconds;
    if (sameShape.name === specification.name && sameOptions) return;
    throw new CommandError('IndexOptionsConflict', `Index already exists with a different name or options: ${sameShape.name}`);
  }
  if (collection.indexes.length + 1 >= limits.indexesPerCollectionMax)
    throw new CommandError('CannotCreateIndex', `a collection has at most ${limits.indexesPerCollectionMax} indexes`);
  const index: IndexDefinition = { ...specification, id: server.catalog.takeId(), multikey: false };
  const documents = prefixRange(collection.id);
  for (const { key, value } of server.environment.range(documents)) collection.addEntries(index, key, value);
  collection.indexes.push(index);
  server.catalog.save(collection);
}

const dropIndexes: Handler = (command, server) => {
  const { ns } = command;
  const selector = command.get('index');
  return server.writes.run(
    command.bytes,
    () => {
      const collection = existing(server, ns);
      const before = collection.indexes.length + 1;
      for (const index of selected(collection, selector)) server.catalog.dropIndex(collection, index);
      return { nIndexesWas: before, ok: 1 };
    },
    true,
  );
};

function selected(collection: Collection, selector: RawElement | undefined): IndexDefinition[] {
  const names =
    selector?.type === BsonType.array
      ? elementsOf(selector).map(stringOf)
      : selector?.type === BsonType.string
        ? [stringOf(selector)]
        : undefined;
  if (names !== undefined) {
    if (names.length === 1 && names[0] === '*') return [...collection.indexes];
    return names.map((name) => {
      if (name === '_id_') throw new CommandError('InvalidOptions', 'cannot drop _id index');
      const index = collection.indexes.find((candidate) => candidate.name === name);
      if (index === undefined) throw new CommandError('IndexNotFound', `index not found with name [${name}]`);
      return index;
    });
  }
  if (selector?.type !== BsonType.object) throw new CommandError('TypeMismatch', "dropIndexes needs the index's name or key");
  const wanted = elementsOf(selector).map(fieldOf);
  const index = collection.indexes.find(
    ({ fields }) =>
      fields.length === wanted.length &&
      fields.every(({ field, descending }, i) => wanted[i]!.field === field && wanted[i]!.descending === descending),
  );
  if (index === undefined)
    throw new CommandError('IndexNotFound', `can't find index with key: ${JSON.stringify(wanted.map(({ field }) => field))}`);
  return [index];
}

const listIndexes: Handler = (command, server) => {
  const collection = existing(server, command.ns);
  const documents = [{ v: 2, key: { _id: 1 }, name: '_id_' }, ...collection.indexes.map(describeIndex)].map(toRawDocument);
  return firstBatch(server.cursors, command.ns, new ListSource(documents, 0), {
    documentsMax: Infinity,
    timeLimitMs: undefined,
    single: true,
  });
};

function existing(server: ServerState, ns: string): Collection {
  const collection = server.catalog.get(ns);
  if (collection === undefined) throw new CommandError('NamespaceNotFound', `ns does not exist: ${ns}`);
  return collection;
}

export const indexCommands = {
  createindexes: createIndexes,
  dropindexes: dropIndexes,
  deleteindexes: dropIndexes,
  listindexes: listIndexes,
};
