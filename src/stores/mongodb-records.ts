import type { Collection } from 'mongodb';
import type { MongoConnection } from './mongodb-connection';
import { whileRacing, withPrefix } from './mongodb-control';
import { isDuplicateKey } from './mongodb-errors';
import type { RecordStore, Versioned } from './read-store';

/** As stored: the collection is the kind, `order` is 0 unless the record is projected from a stream. */
interface StoredRecord {
  _id: string;
  rev: number;
  order: number;
  value: object;
}

export class MongoRecords implements RecordStore {
  constructor(private readonly connection: MongoConnection) {}

  get<T extends object>(kind: string, id: string): Promise<Versioned<T> | undefined> {
    return this.connection.run(`reading ${kind} ${id}`, async () => {
      const found = await this.stored(kind).findOne({ _id: id });
      return found ? asVersioned<T>(found) : undefined;
    });
  }

  list<T extends object>(kind: string, idPrefix = '', options: { limit?: number; after?: string } = {}): Promise<Versioned<T>[]> {
    const { limit, after } = options;
    if (limit !== undefined && limit <= 0) return Promise.resolve([]);
    const prefixed = withPrefix(idPrefix);
    const filter = after === undefined ? prefixed : { _id: { ...prefixed._id, $gt: after } };
    return this.connection.run(`listing ${kind}`, async () => {
      const found = await this.stored(kind)
        .find(filter, { sort: { _id: 1 }, ...(limit === undefined ? {} : { limit }) })
        .toArray();
      return found.map(asVersioned<T>);
    });
  }

  async put<T extends object>(kind: string, id: string, value: T): Promise<void> {
    await this.connection.run(`writing ${kind} ${id}`, () =>
      whileRacing(() =>
        this.stored(kind).updateOne({ _id: id }, { $set: { value }, $inc: { rev: 1 }, $setOnInsert: { order: 0 } }, { upsert: true }),
      ),
    );
  }

  putIf<T extends object>(kind: string, id: string, value: T, rev: number): Promise<boolean> {
    return this.connection.run(`writing ${kind} ${id}`, async () => {
      if (rev > 0) return (await this.stored(kind).updateOne({ _id: id, rev }, { $set: { value }, $inc: { rev: 1 } })).matchedCount === 1;
      return unlessDuplicate(() => this.stored(kind).insertOne({ _id: id, rev: 1, order: 0, value }));
    });
  }

  putNewer<T extends object>(kind: string, id: string, value: T, order: number): Promise<boolean> {
    const change = { $set: { value, order }, $inc: { rev: 1 } };
    const write = (): Promise<boolean> =>
      unlessDuplicate(() => this.stored(kind).updateOne({ _id: id, order: { $lt: order } }, change, { upsert: true }));
    return this.connection.run(`writing ${kind} ${id}`, async () => {
      for (;;) {
        if (await write()) return true;
        // The id exists: with this order or a later one, unless another writer inserted an earlier one just now.
        const stored = await this.stored(kind).findOne({ _id: id }, { projection: { order: 1 } });
        if (stored && stored.order >= order) return false;
      }
    });
  }

  async delete(kind: string, id: string): Promise<void> {
    await this.connection.run(`deleting ${kind} ${id}`, () => this.stored(kind).deleteOne({ _id: id }));
  }

  private stored(kind: string): Collection<StoredRecord> {
    return this.connection.db.collection<StoredRecord>(kind);
  }
}

const asVersioned = <T>({ _id, rev, value }: StoredRecord): Versioned<T> => ({ id: _id, rev, value: value as T });

async function unlessDuplicate(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}
