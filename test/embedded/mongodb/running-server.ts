import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Decimal128, type Double, type Int32, type Long, MongoClient, type ObjectId, type Db, type Document } from 'mongodb';
import { start, type Started, type StartOptions } from '../../../src/embedded/mongodb';

/** A server within the test's process on a folder of its own, and a client of it. */
export class Running {
  private constructor(
    readonly folder: string,
    readonly server: Started,
    readonly client: MongoClient,
    readonly reports: unknown[],
  ) {}

  static async start(options: Partial<StartOptions> = {}): Promise<Running> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'recount-mongodb-'));
    const reports: unknown[] = [];
    const server = await start({ folder, report: (error) => reports.push(error), ...options });
    const client = await new MongoClient(server.connectionString).connect();
    return new Running(folder, server, client, reports);
  }

  get db(): Db {
    return this.client.db('shop');
  }

  /** One of its own for each test, unless it is named. */
  collection(name = expect.getState().currentTestName!.replace(/\W+/g, '_').slice(-60)) {
    return this.db.collection<Document & { _id: string | number | Int32 | Long | Double | Decimal128 | ObjectId | null }>(name);
  }

  async stop(options: { keepFolder?: boolean } = {}): Promise<void> {
    await this.client.close();
    await this.server.stop();
    if (options.keepFolder !== true) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One for all tests of a spec, none of which may leave a report. */
export function runningForAll(options?: Partial<StartOptions>): () => Running {
  let running: Running;
  beforeAll(async () => {
    running = await Running.start(options);
  });
  afterAll(async () => {
    expect(running.reports).toEqual([]);
    await running.stop();
  });
  return () => running;
}

/** Of the error an action ends with; undefined when it succeeds. */
export async function codeOf(action: Promise<unknown>): Promise<number | string | undefined> {
  try {
    await action;
    return undefined;
  } catch (error) {
    return (error as { code?: number }).code;
  }
}
