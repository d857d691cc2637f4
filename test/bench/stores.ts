import { fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { EVENT_BLOCK } from '../../src/stores/block';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { MongoReadStore } from '../../src/stores/mongodb';
import type { StoredDocument } from '../../src/stores/read-store';
import { atEnd } from './ending';
import { spreadOf, type Spread } from './figures';
import { ended } from './running';
import { usageOf } from './usage';

export interface StoreFigures {
  what: string;
  perSecond: Spread;
  serverCpuUs: Spread;
  /** Of this process: the adapter and the driver. */
  clientCpuUs: Spread;
}

const blockBytes = 128 << 10;
const streams = 32;
const appendsInFlight = 8;
const documentsPerFlush = 1_000;
const flushesInFlight = 2;
const documents = 20_000;

/** The embedded stores alone, through the adapters Recount uses: what one operation costs the server and the client. */
export async function benchStores(seconds: number, repetitions: number): Promise<StoreFigures[]> {
  const runs = { seconds: Math.max(0.5, seconds / 5), repetitions: Math.max(3, repetitions) };
  const log = await startStore('eventstoredb');
  const figures = [await appends(log, runs)];
  await log.stop();
  const mongodb = await startStore('mongodb');
  for (const bytes of [1_024, 8_192]) figures.push(await upserts(mongodb, bytes, runs));
  await mongodb.stop();
  return figures;
}

interface StartedStore {
  pid: number;
  port: string;
  stop(): Promise<void>;
}
interface Runs {
  seconds: number;
  repetitions: number;
}

async function appends({ pid, port }: StartedStore, runs: Runs): Promise<StoreFigures> {
  const store = new EventStoreDb(`esdb://127.0.0.1:${port}?tls=false`);
  // As incompressible as a block: brotli has been over it.
  const block = new Uint8Array(randomBytes(blockBytes));
  let next = 0;
  const append = async (): Promise<number> => {
    const record = { id: randomUUID(), type: EVENT_BLOCK, data: block, contentType: 'binary' as const };
    await store.append(`bench-${next++ % streams}`, [record]);
    return 1;
  };
  try {
    return await measured(`append of a ${blockBytes >> 10} KiB block`, pid, appendsInFlight, append, runs);
  } finally {
    await store.close();
  }
}

async function upserts({ pid, port }: StartedStore, bytes: number, runs: Runs): Promise<StoreFigures> {
  const store = new MongoReadStore(`mongodb://127.0.0.1:${port}/recount`);
  const collection = `bench_${bytes}`;
  const values = valuesOf(bytes);
  let next = 0;
  // Each lane replaces documents of its own again and again, as partitions do.
  const flush = async (lane: number): Promise<number> => {
    const from = next++ * documentsPerFlush;
    const rev = 1 + Math.floor(from / documents);
    const batch: StoredDocument[] = Array.from({ length: documentsPerFlush }, (_, i) => {
      const n = (from + i) % documents;
      return { _id: `${(n % 256).toString(16).padStart(2, '0')}shop-${lane}|pages|hour|${n}|000`, rev, values };
    });
    const outcome = await store.documents.flush(collection, batch, { r0: rev - 1, r1: rev });
    if (!outcome.ok) throw new Error(`a conflict at ${outcome.conflict}`);
    return batch.length;
  };
  try {
    return await measured(`guarded upsert of a ${bytes >> 10} KiB document`, pid, flushesInFlight, flush, runs);
  } finally {
    await store.close();
  }
}

/** Like a document of a read model: values with counters and a small set of visitors. */
function valuesOf(bytes: number): object[] {
  const values: object[] = [];
  const valueBytes = 170;
  for (let i = 0; i * valueBytes < bytes; i++) {
    values.push({ v: `/products/${1000 + i}`, h: { pageviews: 17 + i, events: 40 + i, visitors: new Uint8Array(randomBytes(64)) } });
  }
  return values;
}

/** @param work does some operations and says how many */
async function measured(
  what: string,
  pid: number,
  lanes: number,
  work: (lane: number) => Promise<number>,
  { seconds, repetitions }: Runs,
): Promise<StoreFigures> {
  const run = async (): Promise<{ perSecond: number; server: number; client: number }> => {
    const server = usageOf(pid).cpuSeconds;
    const client = process.cpuUsage();
    const from = performance.now();
    let done = 0;
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        while (performance.now() - from < seconds * 1000) {
          // Read `done` only afterwards: the other lanes add to it meanwhile.
          const some = await work(lane);
          done += some;
        }
      }),
    );
    const took = (performance.now() - from) / 1000;
    const { user, system } = process.cpuUsage(client);
    return { perSecond: done / took, server: ((usageOf(pid).cpuSeconds - server) * 1e6) / done, client: (user + system) / done };
  };
  // The first run belongs to the compiler.
  await run();
  const runs = [];
  for (let i = 0; i < repetitions; i++) runs.push(await run());
  return {
    what,
    perSecond: spreadOf(runs.map(({ perSecond }) => perSecond)),
    serverCpuUs: spreadOf(runs.map((one) => one.server)),
    clientCpuUs: spreadOf(runs.map((one) => one.client)),
  };
}

async function startStore(name: 'eventstoredb' | 'mongodb'): Promise<StartedStore> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `recount-bench-${name}-`));
  atEnd(() => fs.rmSync(folder, { recursive: true, force: true }));
  const script = path.join(__dirname, `../../src/embedded/${name}/main.js`);
  const child = fork(script, ['--folder', folder, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  atEnd(() => ended(child));
  for await (const line of createInterface({ input: child.stdout! })) {
    const port = /^listening (\d+)$/.exec(line)?.[1];
    if (port !== undefined) return { pid: child.pid!, port, stop: () => ended(child) };
  }
  throw new Error(`the embedded ${name} ended before it listened`);
}
