import { type Db, MongoClient } from 'mongodb';
import { asStoreError } from './mongodb-errors';
import { MongoControl } from './mongodb-control';
import { MongoDocuments } from './mongodb-documents';
import { MongoRecords } from './mongodb-records';
import type { ControlStore, DocumentStore, ReadStore, RecordStore } from './read-store';
import { within } from './within';

/**
 * The read models on MongoDB (or the embedded server that speaks its protocol): standalone, replica set or sharded cluster.
 *
 * Values come back as the type they were written: a `number` as a number, a `bigint` (stored as a 64-bit integer) as a bigint, bytes as
 * a Buffer. Fields that are undefined are not stored. The database is the one named in the connection string, otherwise `recount`.
 */
export class MongoReadStore implements ReadStore {
  readonly documents: DocumentStore;
  readonly control: ControlStore;
  readonly records: RecordStore;
  private readonly client: MongoClient;
  private readonly db: Db;

  /** Connects when first used. @param connectionString mongodb://… @throws when it cannot be understood */
  constructor(connectionString: string) {
    this.client = new MongoClient(connectionString, {
      // A store that is frozen or away shows within ten seconds, whichever of these notices.
      serverSelectionTimeoutMS: 5_000,
      connectTimeoutMS: 5_000,
      socketTimeoutMS: 10_000,
      heartbeatFrequencyMS: 2_000,
      maxPoolSize: 50,
      maxIdleTimeMS: 60_000,
      appName: 'recount',
      readConcern: { level: 'majority' },
      writeConcern: { w: 'majority', journal: true },
      ignoreUndefined: true,
      useBigInt64: true,
      promoteBuffers: true,
    });
    this.db = this.client.db(databaseOf(connectionString));
    this.documents = new MongoDocuments(this.db);
    this.control = new MongoControl(this.db);
    this.records = new MongoRecords(this.db);
  }

  async ping(timeoutMs: number): Promise<void> {
    try {
      await within(this.db.command({ ping: 1 }), timeoutMs, 'read store');
    } catch (error) {
      throw asStoreError(error, 'read store');
    }
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}

function databaseOf(connectionString: string): string {
  const path = /^mongodb(?:\+srv)?:\/\/[^/?]*\/([^?]+)/i.exec(connectionString)?.[1];
  return path === undefined ? 'recount' : decodeURIComponent(path);
}
