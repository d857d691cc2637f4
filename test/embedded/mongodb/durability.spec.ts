import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Long, MongoClient, type Document } from 'mongodb';
import { distPath } from '../../dist';
import { Running } from './running-server';
import { endProcess, refusedStart, startProcess, type ServerProcess } from './server-process';

type Row = Document & { _id: string };

let folder: string;
let processes: ServerProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recount-mongodb-'));
});
afterEach(async () => {
  for (const started of processes) await endProcess(started, 'SIGKILL');
  processes = [];
  rmSync(folder, { recursive: true, force: true });
});
const launch = async (options: Parameters<typeof startProcess>[1] = {}) => {
  const started = await startProcess(folder, options);
  processes.push(started);
  return started;
};

/** Small seeded generator, so that a failing run can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

it('finds everything again after a restart, types and indexes included', async () => {
  const first = await Running.start({ folder });
  await first.db.collection<Row>('c').createIndex({ n: -1 }, { unique: true });
  await first.db.collection<Row>('c').insertMany([
    { _id: 'a', n: Long.fromNumber(5) },
    { _id: 'b', n: [1, 2] },
  ]);
  await first.db.collection('gone').insertOne({});
  await first.db.collection('gone').drop();
  await first.stop({ keepFolder: true });
  const second = await Running.start({ folder });
  const rows = await second.db
    .collection<Row>('c')
    .find({ n: { $gte: 2 } }, { promoteLongs: false })
    .sort({ _id: 1 })
    .toArray();
  expect(rows).toEqual([
    { _id: 'a', n: Long.fromNumber(5) },
    { _id: 'b', n: [1, 2] },
  ]);
  expect((await second.db.collection('c').indexes()).map(({ name }) => name)).toEqual(['_id_', 'n_-1']);
  expect((await second.db.listCollections().toArray()).map(({ name }) => name)).toEqual(['c']);
  await second.stop({ keepFolder: true });
});

it('loses no acknowledged write and breaks no index when it is killed again and again', async () => {
  const random = seeded(20260101);
  const acknowledged = new Map<string, number>();
  const attempted = new Map<string, number>();
  for (let kill = 0; kill < 6; kill++) {
    const server = await launch();
    const client = await new MongoClient(server.url, { serverSelectionTimeoutMS: 2000 }).connect();
    const collection = client.db('shop').collection<Row>('counters');
    if (kill === 0) await collection.createIndex({ n: 1, shop: 1 });
    let alive = true;
    const writer = async (name: string) => {
      for (let round = 0; alive; round++) {
        const id = `${name}-${Math.floor(random() * 30)}`;
        const n = Math.max(attempted.get(id) ?? 0, acknowledged.get(id) ?? 0) + 1;
        attempted.set(id, n);
        try {
          await collection.updateOne(
            { _id: id, n: { $lt: n } },
            { $set: { n, shop: name, payload: 'x'.repeat(Math.floor(random() * 3000)) } },
            { upsert: true },
          );
          acknowledged.set(id, n);
        } catch (error) {
          // The kill cuts connections in the middle of writes: these were not acknowledged, and that is all the test needs to know.
          expect((error as Error).name).toMatch(/^Mongo/);
          alive = false;
        }
      }
    };
    const writers = ['p', 'q', 'r', 's'].map(writer);
    await new Promise((resolve) => setTimeout(resolve, 150 + random() * 250));
    await endProcess(server, 'SIGKILL');
    alive = false;
    await Promise.all(writers);
    await client.close();

    const again = await launch();
    const reader = await new MongoClient(again.url).connect();
    const rows = await reader.db('shop').collection<Row>('counters').find().toArray();
    const stored = new Map(rows.map(({ _id, n }) => [_id, n as number]));
    for (const [id, n] of acknowledged) {
      expect(stored.get(id)).toBeGreaterThanOrEqual(n);
      expect(stored.get(id)).toBeLessThanOrEqual(attempted.get(id)!);
    }
    const throughIndex = await reader
      .db('shop')
      .collection<Row>('counters')
      .find({ n: { $gte: 0 } })
      .sort({ n: 1, shop: 1 })
      .toArray();
    expect(throughIndex.map(({ _id }) => _id).sort()).toEqual(rows.map(({ _id }) => _id).sort());
    for (const { _id, n } of rows)
      expect((await reader.db('shop').collection<Row>('counters').find({ n, shop: _id[0] }).toArray()).map((row) => row._id)).toContain(
        _id,
      );
    await reader.close();
    expect(await endProcess(again, 'SIGTERM')).toBe(0);
  }
  expect(acknowledged.size).toBeGreaterThan(20);
});

it('answers OutOfDiskSpace when the disk is full, stays alive, and goes on once there is room', async () => {
  const server = await launch({ fileKibMax: 4096 });
  const client = await new MongoClient(server.url).connect();
  const collection = client.db('shop').collection<Row>('c');
  await collection.insertOne({ _id: 'kept' });
  let refused: { code?: number } | undefined;
  for (let i = 0; i < 50 && refused === undefined; i++) {
    await collection.insertOne({ _id: `large-${i}`, blob: Buffer.alloc(200_000) }).catch((error: { code?: number }) => (refused = error));
  }
  expect(refused).toMatchObject({ code: 14031 });
  expect(await collection.findOne({ _id: 'kept' })).toEqual({ _id: 'kept' });
  expect((await collection.deleteMany({ _id: /^large/ })).deletedCount).toBeGreaterThan(5);
  // Pages freed by one commit may be used again by the next but one.
  await collection.updateOne({ _id: 'kept' }, { $set: { again: 1 } });
  await collection.insertOne({ _id: 'after', blob: Buffer.alloc(200_000) });
  expect((await collection.find().project({ _id: 1 }).toArray()).map(({ _id }) => _id as string)).toEqual(['after', 'kept']);
  await client.close();
});

it('lets one process at a time have a folder, and takes over from a killed one', async () => {
  const first = await launch();
  const refused = await refusedStart(['--folder', folder]);
  expect(refused).toEqual({
    code: 1,
    lines: [expect.stringMatching(new RegExp(`in use by process ${first.child.pid}: stop that process or choose another folder`))],
  });
  await endProcess(first, 'SIGKILL');
  const second = await launch();
  expect(await endProcess(second, 'SIGINT')).toBe(0);
  expect(readdirSync(folder)).not.toContain('lock');
});

it('says in one line what is wrong when it cannot start', async () => {
  const running = await Running.start();
  const port = running.server.port;
  expect(await refusedStart(['--folder', folder, '--port', String(port)])).toEqual({
    code: 1,
    lines: [expect.stringContaining(`port ${port} on 127.0.0.1 is taken: `)],
  });
  await running.stop();
  expect(await refusedStart([])).toEqual({ code: 1, lines: [expect.stringContaining('--folder is missing')] });
  expect(await refusedStart(['--folder', folder, '--port', '99999'])).toEqual({
    code: 1,
    lines: [expect.stringContaining('allowed are 0 to 65535')],
  });
  writeFileSync(join(folder, 'file'), '');
  expect(await refusedStart(['--folder', join(folder, 'file')])).toEqual({
    code: 1,
    lines: [expect.stringContaining('cannot be written')],
  });
  chmodSync(folder, 0o700);
});

it('ends when the process that forked it goes away', async () => {
  const child = fork(distPath('src/embedded/mongodb/main.ts'), ['--folder', folder], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  await once(child.stdout!, 'data');
  child.disconnect();
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
});
