import { type Db, MongoClient } from 'mongodb';
import { StoreUnavailable } from './event-store';
import { asStoreError } from './mongodb-errors';

/** A store that is frozen or away shows within ten seconds, even where the driver tries a second time. */
const timeouts = { serverSelectionTimeoutMS: 3_000, connectTimeoutMS: 3_000, socketTimeoutMS: 7_000, heartbeatFrequencyMS: 2_000 };

/** One driver client and the one database this product keeps there. */
export class MongoConnection {
  readonly db: Db;
  private readonly client: MongoClient;
  private connecting: Promise<unknown> | undefined;
  private closed = false;

  /** Connects when first used. @throws when the connection string cannot be understood */
  constructor(connectionString: string) {
    this.client = new MongoClient(connectionString, {
      ...timeouts,
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
  }

  /** Runs `work` connected; faults that may pass become StoreUnavailable, named by `what`. */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      await this.connected();
      return await work();
    } catch (error) {
      throw asStoreError(error, what);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.client.close();
  }

  /** The driver reconnects by itself once it was connected; but when its very first attempt fails, it never makes another. */
  private async connected(): Promise<void> {
    if (this.closed) throw new StoreUnavailable('the read store is closed');
    this.connecting ??= this.client.connect();
    try {
      await this.connecting;
    } catch (error) {
      this.connecting = undefined;
      throw error;
    }
  }
}

function databaseOf(connectionString: string): string {
  const path = /^mongodb(?:\+srv)?:\/\/[^/?]*\/([^?]+)/i.exec(connectionString)?.[1];
  const name = path === undefined ? 'recount' : decodeURIComponent(path);
  // What servers refuse of names, on any system: they would say so of every write, and of no ping.
  if (!/^[^/\\. "$*<>:|?\0]{1,63}$/.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a database`);
  return name;
}
