import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start, type StartedServer } from '../../src/embedded/eventstoredb';
import { Readiness } from '../../src/readiness';
import { EVENT_STORE, type EventStore, StoreUnavailable } from '../../src/stores/event-store';
import { READ_STORE, type ReadStore } from '../../src/stores/read-store';
import { checkStores, StoresModule } from '../../src/stores/stores.module';

@Global()
@Module({ providers: [Readiness], exports: [Readiness] })
class ApplicationModule {}

describe('the stores of a process', () => {
  let folder: string;
  let server: StartedServer;
  /** Accepts connections and never says a word. */
  let silent: Server;
  let silentPort: number;
  const held = new Set<Socket>();
  const nowhere = 'mongodb://user:secret@127.0.0.1:1/recount';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recount-stores-'));
    server = await start({ folder, port: 0 });
    silent = createServer((socket) => {
      held.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => held.delete(socket));
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    silentPort = (silent.address() as { port: number }).port;
  });
  afterAll(async () => {
    const closed = new Promise<void>((resolve) => silent.close(() => resolve()));
    for (const socket of held) socket.destroy();
    await closed;
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const application = async (urls: { eventStoreUrl: string; mongodbUrl: string }) => {
    const module = await Test.createTestingModule({ imports: [ApplicationModule, StoresModule.forRoot(urls)] }).compile();
    return (await module.init()).enableShutdownHooks();
  };

  it('start while a store is away, and say in readiness which one and what to do', async () => {
    const app = await application({ eventStoreUrl: server.connectionString, mongodbUrl: nowhere });
    const answers = await app.get(Readiness).ask();
    expect(answers['eventstore']).toEqual({ ok: true });
    expect(answers['mongodb']).toMatchObject({
      ok: false,
      detail: expect.stringContaining('MongoDB at mongodb://127.0.0.1:1/recount does not'),
    });
    expect(JSON.stringify(answers)).toContain('set MONGODB_URL');
    expect(JSON.stringify(answers)).not.toContain('secret');
    await app.close();
  });

  it('answer readiness within two seconds when they are silent, asking once for many questions', async () => {
    const app = await application({
      eventStoreUrl: `esdb://127.0.0.1:${silentPort}?tls=false`,
      mongodbUrl: `mongodb://127.0.0.1:${silentPort}`,
    });
    const readiness = app.get(Readiness);
    const begun = Date.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => readiness.ask()));
    expect(Date.now() - begun).toBeLessThan(2_800);
    for (const answer of answers) expect(answer).toMatchObject({ eventstore: { ok: false }, mongodb: { ok: false } });
    expect(held.size).toBeLessThan(5);
    await app.close();
  });

  it('are closed with the application', async () => {
    const app = await application({ eventStoreUrl: server.connectionString, mongodbUrl: nowhere });
    const eventStore = app.get<EventStore>(EVENT_STORE);
    const readStore = app.get<ReadStore>(READ_STORE);
    await eventStore.ping(2_000);
    await app.close();
    await expect(eventStore.ping(500)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(readStore.ping(500)).rejects.toBeInstanceOf(StoreUnavailable);
  });
});

describe('checking the stores at start', () => {
  const check = (eventStoreUrl: string, mongodbUrl: string): Promise<string[]> =>
    checkStores({ eventStoreUrl, mongodbUrl }, 600).then(
      () => [],
      (error: Error) => error.message.split('\n'),
    );

  it('gives one line for each store that does not answer: variable, place, what to do, but no password', async () => {
    const lines = await check('esdb://admin:changeit@127.0.0.1:1?tls=false', 'mongodb://user:secret@127.0.0.1:1');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('EventStoreDB at esdb://127.0.0.1:1?tls=false does not answer');
    expect(lines[0]).toContain('start it, or set EVENTSTORE_URL to where it runs');
    expect(lines[1]).toContain('MongoDB at mongodb://127.0.0.1:1 does not answer');
    expect(lines[1]).toContain('start it, or set MONGODB_URL to where it runs');
    expect(lines.join()).not.toMatch(/changeit|secret/);
    // Printed as one line they are sentences all the same, and a pause left over is no number to show a person.
    for (const line of lines) expect(line).toMatch(/\.$/);
    expect(lines.join()).not.toMatch(/\d\.\d{3,} ms|Resolution note/);
  });

  it('tells a mistyped address from a store that is away', async () => {
    const lines = await check('http://127.0.0.1:2113', 'mongo://127.0.0.1:27017');
    expect(lines[0]).toMatch(
      /^EVENTSTORE_URL=http:\/\/127.0.0.1:2113 is not a connection string \(.*\); give one like esdb:\/\/localhost:2113/,
    );
    expect(lines[1]).toMatch(
      /^MONGODB_URL=mongo:\/\/127.0.0.1:27017 is not a connection string \(.*\); give one like mongodb:\/\/localhost:27017/,
    );
    for (const name of ['my%20shop', 'a.b', 'a$b', 'x'.repeat(64)]) {
      const [, line] = await check('http://127.0.0.1:2113', `mongodb://127.0.0.1:27017/${name}?replicaSet=rs0`);
      expect(line).toMatch(/^MONGODB_URL=\S+ is not a connection string \(".*" is no name of a database\); give one like mongodb:/);
    }
  });
});
