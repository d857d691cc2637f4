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
import { eventually, newFolder } from '../running/recount';
import { distPath } from '../dist';
import { Stack, type Report } from './stack';

/** Counts refunds as orders. */
const buggyCommerce: DeclaredProjection = { ...commerce, measures: { ...commerce.measures, orders: count(named('purchase', 'refund')) } };
const buggyCatalog = catalog.map((projection) => (projection === commerce ? buggyCommerce : projection));

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

describe('a bug in a projection', () => {
  let stores: Store[];
  let stack: Stack;
  let worker: ProjectionWorker<ProjectionDefinition> | undefined;
  let urls: { eventStore: string; mongodb: string };

  beforeAll(async () => {
    const folder = newFolder();
    stores = [await startStore('eventstoredb', folder), await startStore('mongodb', folder)];
    urls = {
      eventStore: `esdb://127.0.0.1:${stores[0]!.port}?tls=false`,
      mongodb: `mongodb://127.0.0.1:${stores[1]!.port}/?directConnection=true`,
    };
    stack = await Stack.start(
      { ROLES: 'collecting,reporting,administering', EVENTSTORE_URL: urls.eventStore, MONGODB_URL: urls.mongodb, PARTITIONS: '4' },
      folder,
    );
  }, 60_000);
  afterAll(async () => {
    await withdraw();
    await stack.process.stop();
    const gone = stores.map((store) => new Promise((resolve) => store.process.once('exit', resolve)));
    for (const store of stores) store.process.kill('SIGTERM');
    await Promise.all(gone);
    await stack.end();
  }, 30_000);

  let workers = 0;
  let connections: { close(): Promise<void> }[] = [];
  async function withdraw(): Promise<void> {
    await worker?.stop();
    worker = undefined;
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
  }
  async function deploy(projections: readonly ProjectionDefinition[]): Promise<void> {
    await withdraw();
    const eventStore = new EventStoreDb(urls.eventStore);
    const readStore = new MongoReadStore(urls.mongodb);
    connections = [eventStore, readStore];
    worker = new ProjectionWorker({
      eventStore,
      readStore,
      catalog: projections,
      kit: foldingKit,
      fingerprint: `${codeFingerprint()}${projections === catalog ? '' : ' with a bug'}`,
      partitions: 4,
      workerId: `worker-${workers++}`,
      logger: createLogger('silent', {}),
    });
    await worker.start();
  }

  it('is counted out by a reset under live traffic, with every read answered', async () => {
    const writeKey = await stack.merchant('shop');
    await deploy(buggyCatalog);

    let over = false;
    const sent = { orders: 0, refunds: 0 };
    const traffic = (async () => {
      for (let batch = 0; !over; batch++) {
        const events = Array.from({ length: 20 }, (_, i) => ({
          id: `${batch}-${i}`,
          name: i % 4 === 0 ? 'refund' : 'purchase',
          time: Date.now(),
          visitorId: `visitor-${i}`,
          value: 1,
          currency: 'USD',
        }));
        const { status } = await stack.ask('POST', '/v1/collect', { events }, writeKey);
        expect(status).toBe(202);
        sent.orders += 15;
        sent.refunds += 5;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();

    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    const query = { metrics: 'orders,refunds', from: day(Date.now()), to: day(Date.now() + 86_400_000), interval: 'day' };
    const look = (): Promise<Report> => stack.timeseries('shop', query);
    const refundsIn = ({ totals }: Report): number => Number((totals['refunds'] as { amount: string }).amount);
    const isWrong = (report: Report): boolean => report.totals['orders'] === 4 * refundsIn(report);
    const isRight = (report: Report): boolean => report.totals['orders'] === 3 * refundsIn(report);

    // Until a worker has begun there is no number to show.
    await eventually(
      async () => (await stack.ask('GET', `/v1/merchants/shop/timeseries?${new URLSearchParams(query).toString()}`)).status === 200,
    );
    await eventually(async () => refundsIn(await look()) > 50);
    const wrong = await look();
    expect(isWrong(wrong)).toBe(true);

    // From here on somebody looks all the time, and every look is answered.
    const looks: Report[] = [];
    const reader = (async () => {
      while (!over) {
        looks.push(await look());
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();

    await deploy(catalog);
    await eventually(async () => !isWrong(await look()));
    const { status, body } = await stack.ask<{ rebuildId: string }>('POST', '/admin/projections/commerce/reset', {});
    expect(status).toBe(202);
    const states: string[] = [];
    await eventually(async () => {
      const rebuild = (
        await stack.ask<{ state: string; eventsRead: number; eventsTotal: number }>('GET', `/admin/rebuilds/${body.rebuildId}`)
      ).body;
      if (states.at(-1) !== rebuild.state) states.push(rebuild.state);
      expect(rebuild.eventsRead).toBeLessThanOrEqual(rebuild.eventsTotal);
      return rebuild.state === 'live';
    }, 30_000);
    // Readers follow within a second.
    await eventually(async () => isRight(await look()), 1_000);
    const seen = looks.length;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    over = true;
    await Promise.all([traffic, reader]);
    await stack.counted('shop');

    expect(states.at(-1)).toBe('live');
    const right = await look();
    expect({ orders: right.totals['orders'], refunds: refundsIn(right) }).toEqual({ orders: sent.orders, refunds: sent.refunds });
    // Once right, never wrong again; and every answer agrees with itself.
    expect(looks.slice(seen).every(isRight)).toBe(true);
    for (const { rows, totals } of looks) expect(rows.reduce((sum, row) => sum + (row['orders'] as number), 0)).toBe(totals['orders']);
    // What is counted never shrinks while the history is counted again.
    const refunds = looks.map(refundsIn);
    expect(refunds).toEqual([...refunds].sort((a, b) => a - b));
    expect(looks.length).toBeGreaterThan(20);
  }, 120_000);
});
