import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import { eventsStream, partitionOf } from '../../src/domain/partition';
import { EVENT_BLOCK } from '../../src/stores/block';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { recordKinds } from '../../src/stores/records';
import { EmbeddedStore } from '../running/embedded-store';
import { eventually, isAlive } from '../running/recount';
import { Stack } from '../flows/stack';

const hourMs = 3_600_000;
const partitions = 4;
/** One whose events were counted, and one of whom nothing ever came. */
const merchants = ['shop', 'quiet'];

/** What readers are told of how far the numbers are complete; each answer must tell at least as much as all before it. */
class Reading {
  readonly told = new Map<string, number>();

  async ask(stack: Stack, merchantId: string): Promise<number> {
    const { meta } = await stack.timeseries(merchantId, { metrics: 'events', interval: 'day' });
    const key = `${merchantId} ${meta.projection}@${meta.version}`;
    const asOf = meta.asOf === null ? 0 : Date.parse(meta.asOf);
    const before = this.told.get(key) ?? 0;
    if (asOf < before) throw new Error(`${key}: ${show(asOf)} after ${show(before)}`);
    this.told.set(key, asOf);
    return asOf;
  }

  /** Reads on and on until all that came before `since` is counted. */
  async until(stack: Stack, since: number): Promise<void> {
    await eventually(async () => {
      const all = await Promise.all(merchants.map((merchantId) => this.ask(stack, merchantId)));
      return all.every((asOf) => asOf > since);
    });
  }
}
const show = (asOf: number): string => (asOf === 0 ? 'nothing' : new Date(asOf).toISOString());

/** Ends everything at once, as a machine that loses its power does. */
async function killAll(stack: Stack): Promise<void> {
  const pids = [...stack.process.pids().values()];
  process.kill(stack.process.child.pid!, 'SIGKILL');
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await stack.process.ended;
  await eventually(() => pids.every((pid) => !isAlive(pid)));
}

const portOf = (stack: Stack, store: string): string =>
  stack.process.log().find(({ msg, child }) => msg === 'started' && child === `the embedded ${store} store`)!.ports!;

async function inMongo<T>(port: string | number, work: (db: Db) => Promise<T>): Promise<T> {
  const mongo = await new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`).connect();
  try {
    return await work(mongo.db('recount'));
  } finally {
    await mongo.close();
  }
}

interface Stored {
  _id: string;
  value: { at: number; until: number };
}

/** As if what the workers noted had been noted hours before. */
async function passHours(folder: string): Promise<void> {
  const store = await EmbeddedStore.start('mongodb', folder);
  try {
    await inMongo(store.port, async (db) => {
      const workers = await db.collection<Stored>(recordKinds.workers).updateMany({}, { $inc: { 'value.at': -5 * hourMs } });
      expect(workers.modifiedCount).toBeGreaterThan(0);
      await db.collection<Stored>(recordKinds.leases).updateMany({}, { $inc: { 'value.until': -5 * hourMs } });
    });
  } finally {
    await store.end();
  }
}

/** A record of the shop's partition that no version can read: nothing behind it is counted. */
async function appendUnreadable(stack: Stack): Promise<void> {
  const log = new EventStoreDb(`esdb://127.0.0.1:${portOf(stack, 'eventstoredb')}?tls=false`);
  try {
    const record = { id: randomUUID(), type: EVENT_BLOCK, data: Buffer.from('RBLKx'), contentType: 'binary' as const };
    await log.append(eventsStream(partitionOf('shop', partitions)), [record]);
  } finally {
    await log.close();
  }
}

describe('how far the numbers are complete, as readers are told', () => {
  let stack: Stack;
  let reading: Reading;
  const start = (folder?: string): Promise<Stack> => Stack.start({ PARTITIONS: String(partitions) }, folder);
  beforeEach(async () => {
    stack = await start();
    reading = new Reading();
    const writeKey = await stack.merchant('shop');
    await stack.merchant('quiet');
    const event = { id: 'e-1', name: 'page_view', visitorId: 'v', url: 'https://shop.example/', time: Date.now() };
    expect((await stack.ask('POST', '/v1/collect', [event], writeKey)).status).toBe(202);
    // Nothing comes any more: what workers see of the log is all that tells how far it is counted.
    await reading.until(stack, Date.now() + 3_000);
  });
  afterEach(() => stack.end());

  it.each(['at once', 'hours later'])('goes on from there when everything is killed and started again %s', async (when) => {
    await killAll(stack);
    if (when === 'hours later') await passHours(stack.folder);
    const startedAt = Date.now();
    stack = await start(stack.folder);
    await reading.until(stack, startedAt);
  });

  it('does not go back where nobody ever sees the end of the log again', async () => {
    await appendUnreadable(stack);
    const isStopped = async (): Promise<boolean> => {
      const { body } = await stack.ask<{ partitions: { stopped?: string }[] }>('GET', '/admin/partitions');
      return body.partitions.some(({ stopped }) => stopped !== undefined);
    };
    await eventually(isStopped);
    for (let times = 0; times < 2; times++) {
      await Promise.all(merchants.map((merchantId) => reading.ask(stack, merchantId)));
      await killAll(stack);
      await passHours(stack.folder);
      stack = await start(stack.folder);
      await eventually(isStopped);
      // Those who are not heard of any more are forgotten by now, and no reader of this front has asked yet.
      await inMongo(portOf(stack, 'mongodb'), (db) =>
        eventually(async () => {
          const gone = { 'value.at': { $lt: Date.now() - hourMs }, 'value.partitions.0': { $exists: true } };
          return (await db.collection<Stored>(recordKinds.workers).countDocuments(gone)) === 0;
        }),
      );
      await Promise.all(merchants.map((merchantId) => reading.ask(stack, merchantId)));
    }
  });
});
