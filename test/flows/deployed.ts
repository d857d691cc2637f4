import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { catalog } from '../../projections/catalog';
import { commerce } from '../../projections/commerce/commerce';
import { count, named, type DeclaredProjection, type ProjectionDefinition } from '../../projections/kit/projection';
import { createLogger } from '../../src/logging';
import { codeFingerprint } from '../../src/projecting/fingerprint';
import { foldingKit } from '../../src/projecting/folding-kit';
import { ProjectionWorker } from '../../src/projecting/worker';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { MongoReadStore } from '../../src/stores/mongodb';
import { distPath } from '../dist';
import { newFolder } from '../running/recount';
import { Stack } from './stack';

/** Counts refunds as orders. */
const buggyCommerce: DeclaredProjection = { ...commerce, measures: { ...commerce.measures, orders: count(named('purchase', 'refund')) } };
export const buggyCatalog = catalog.map((projection) => (projection === commerce ? buggyCommerce : projection));

interface Store {
  process: ChildProcess;
  port: number;
}

async function startStore(kind: 'eventstoredb' | 'mongodb', folder: string): Promise<Store> {
  const child = spawn(process.execPath, [distPath(`src/embedded/${kind}/main.ts`), '--folder', `${folder}/${kind}`, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^listening (\d+)$/.exec(line)?.[1];
    if (port !== undefined) return { process: child, port: Number(port) };
  }
  throw new Error(`${kind} ended before it listened`);
}

/** Recount with all roles but projecting in processes of their own, over real stores; what projects is deployed from here. */
export class Deployed {
  private worker: ProjectionWorker<ProjectionDefinition> | undefined;
  private workers = 0;
  private connections: { close(): Promise<void> }[] = [];

  private constructor(
    readonly stack: Stack,
    private readonly stores: readonly Store[],
    private readonly urls: { eventStore: string; mongodb: string },
  ) {}

  static async start(): Promise<Deployed> {
    const folder = newFolder();
    const stores = [await startStore('eventstoredb', folder), await startStore('mongodb', folder)];
    const urls = {
      eventStore: `esdb://127.0.0.1:${stores[0]!.port}?tls=false`,
      mongodb: `mongodb://127.0.0.1:${stores[1]!.port}/?directConnection=true`,
    };
    const stack = await Stack.start(
      { ROLES: 'collecting,reporting,administering', EVENTSTORE_URL: urls.eventStore, MONGODB_URL: urls.mongodb, PARTITIONS: '4' },
      folder,
    );
    return new Deployed(stack, stores, urls);
  }

  async end(): Promise<void> {
    await this.withdraw();
    await this.stack.process.stop();
    const gone = this.stores.map((store) => new Promise((resolve) => store.process.once('exit', resolve)));
    for (const store of this.stores) store.process.kill('SIGTERM');
    await Promise.all(gone);
    await this.stack.end();
  }

  /** Another version of the projections in place of the one before. */
  async deploy(projections: readonly ProjectionDefinition[]): Promise<void> {
    await this.withdraw();
    const eventStore = new EventStoreDb(this.urls.eventStore);
    const readStore = new MongoReadStore(this.urls.mongodb);
    this.connections = [eventStore, readStore];
    this.worker = new ProjectionWorker({
      eventStore,
      readStore,
      catalog: projections,
      kit: foldingKit,
      fingerprint: `${codeFingerprint()}${projections === catalog ? '' : ' with a bug'}`,
      partitions: 4,
      workerId: `worker-${this.workers++}`,
      logger: createLogger('silent', {}),
    });
    await this.worker.start();
  }

  private async withdraw(): Promise<void> {
    await this.worker?.stop();
    this.worker = undefined;
    await Promise.all(this.connections.splice(0).map((connection) => connection.close()));
  }
}
