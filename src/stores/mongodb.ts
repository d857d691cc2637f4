import { MongoConnection } from './mongodb-connection';
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
  private readonly connection: MongoConnection;

  /** Connects when first used. @param connectionString mongodb://… @throws when it cannot be understood */
  constructor(connectionString: string) {
    this.connection = new MongoConnection(connectionString);
    this.documents = new MongoDocuments(this.connection);
    this.control = new MongoControl(this.connection);
    this.records = new MongoRecords(this.connection);
  }

  async ping(timeoutMs: number): Promise<void> {
    const answer = this.connection.run('read store', () => this.connection.db.command({ ping: 1 }));
    await within(answer, timeoutMs, 'read store');
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}
