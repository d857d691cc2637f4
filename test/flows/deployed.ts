import { catalog } from '../../projections/catalog';
import { commerce } from '../../projections/commerce/commerce';
import { countByCurrency, named, type DeclaredProjection, type ProjectionDefinition } from '../../projections/kit/projection';
import { createLogger } from '../../src/logging';
import { codeFingerprint } from '../../src/projecting/fingerprint';
import { foldingKit } from '../../src/projecting/folding-kit';
import { ProjectionWorker } from '../../src/projecting/worker';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { MongoReadStore } from '../../src/stores/mongodb';
import { EmbeddedStore } from '../running/embedded-store';
import { newFolder } from '../running/recount';
import { Stack } from './stack';

/** Counts refunds as orders. */
const buggyCommerce: DeclaredProjection = {
  ...commerce,
  measures: { ...commerce.measures, orders: countByCurrency(named('purchase', 'refund')) },
};
export const buggyCatalog = catalog.map((projection) => (projection === commerce ? buggyCommerce : projection));

/** Recount with all roles but projecting in processes of their own, over real stores; what projects is deployed from here. */
export class Deployed {
  private worker: ProjectionWorker<ProjectionDefinition> | undefined;
  private workers = 0;
  private connections: { close(): Promise<void> }[] = [];

  private constructor(
    readonly stack: Stack,
    private readonly stores: readonly EmbeddedStore[],
    private readonly urls: { eventStore: string; mongodb: string },
  ) {}

  static async start(): Promise<Deployed> {
    const folder = newFolder();
    const stores = [await EmbeddedStore.start('eventstoredb', folder), await EmbeddedStore.start('mongodb', folder)];
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
    await Promise.all(this.stores.map((store) => store.end()));
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
