import { Binary, UUID, type Document } from 'bson';
import { toRawDocument } from '../bson/values';
import { CommandError } from '../errors';
import { filterOf } from '../query/filter';
import { matches } from '../query/filter-node';
import { ListSource } from '../query/source';
import { prefixRange } from '../storage/catalog';
import { firstBatch } from './batches';
import type { Command, Handler, Reply, ServerState } from './command';

const create: Handler = (command, server) => {
  command.refuse('capped', 'timeseries', 'viewOn', 'validator', 'clusteredIndex', 'encryptedFields', 'expireAfterSeconds');
  command.refuseCollation();
  const { ns } = command;
  return server.writes.run(
    command.bytes,
    () => {
      if (server.catalog.get(ns) !== undefined) throw new CommandError('NamespaceExists', `Collection ${ns} already exists.`);
      server.catalog.create(ns);
      return { ok: 1 };
    },
    true,
  );
};

const drop: Handler = (command, server) => {
  const { ns } = command;
  return server.writes.run(
    command.bytes,
    () => {
      const collection = server.catalog.get(ns);
      if (collection === undefined) throw new CommandError('NamespaceNotFound', 'ns not found');
      const nIndexesWas = collection.indexes.length + 1;
      server.catalog.drop(collection);
      return { nIndexesWas, ns, ok: 1 };
    },
    true,
  );
};

const dropDatabase: Handler = (command, server) =>
  server.writes.run(
    command.bytes,
    () => {
      for (const collection of server.catalog.list(command.database)) server.catalog.drop(collection);
      return { dropped: command.database, ok: 1 };
    },
    true,
  );

const listCollections: Handler = (command, server) => {
  const nameOnly = command.boolean('nameOnly', false);
  const documents = server.catalog.list(command.database).map((collection): Document => ({
    name: collection.name,
    type: 'collection',
    ...(nameOnly
      ? {}
      : {
          options: {},
          info: { readOnly: false, uuid: new Binary(new UUID(collection.uuid).buffer, Binary.SUBTYPE_UUID) },
          idIndex: { v: 2, key: { _id: 1 }, name: '_id_' },
        }),
  }));
  return listed(command, server, '$cmd.listCollections', documents);
};

function listed(command: Command, server: ServerState, name: string, documents: Document[]): Promise<Reply> {
  const filter = filterOf(command.filter('filter')).node;
  const raw = documents.map(toRawDocument).filter(({ bytes, start }) => matches(filter, bytes, start));
  const ns = `${command.database}.${name}`;
  return firstBatch(server.cursors, ns, new ListSource(raw, 0), { documentsMax: Infinity, timeLimitMs: undefined, single: true });
}

const listDatabases: Handler = (command, server) => {
  const nameOnly = command.boolean('nameOnly', false);
  const filter = filterOf(command.filter('filter')).node;
  const names = [...new Set(server.catalog.list().map((collection) => collection.database))];
  const databases = names
    .map((name) => (nameOnly ? { name } : { name, sizeOnDisk: sizeOf(server, name), empty: false }))
    .filter((database) => {
      const { bytes, start } = toRawDocument(database);
      return matches(filter, bytes, start);
    });
  return {
    databases,
    ...(nameOnly ? {} : { totalSize: server.environment.bytesUsed(), totalSizeMb: server.environment.bytesUsed() >> 20 }),
    ok: 1,
  };
};

/** Everything lies in one file: a database's share is estimated by its share of the entries. */
function sizeOf(server: ServerState, database: string): number {
  const entries = (name?: string) =>
    server.catalog.list(name).reduce((sum, collection) => sum + server.environment.count(prefixRange(collection.id)), 0);
  const all = entries();
  return all === 0 ? 0 : Math.round((server.environment.bytesUsed() * entries(database)) / all);
}

const dbStats: Handler = (command, server) => {
  const collections = server.catalog.list(command.database);
  const objects = collections.reduce((sum, collection) => sum + server.environment.count(prefixRange(collection.id)), 0);
  return {
    db: command.database,
    collections: collections.length,
    views: 0,
    objects,
    indexes: collections.reduce((sum, collection) => sum + collection.indexes.length + 1, 0),
    storageSize: sizeOf(server, command.database),
    ok: 1,
  };
};

const collStats: Handler = (command, server) => {
  const collection = server.catalog.get(command.ns);
  return {
    ns: command.ns,
    count: collection === undefined ? 0 : server.environment.count(prefixRange(collection.id)),
    nindexes: collection === undefined ? 0 : collection.indexes.length + 1,
    capped: false,
    ok: 1,
  };
};

export const collectionCommands = {
  create,
  drop,
  dropdatabase: dropDatabase,
  listcollections: listCollections,
  listdatabases: listDatabases,
  dbstats: dbStats,
  collstats: collStats,
};
