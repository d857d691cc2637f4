import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import { CONFIGURATION, type ResolvedConfiguration } from '../../src/config';
import { ListeningPorts } from '../../src/listening';
import { createLogger, LOGGER } from '../../src/logging';
import { Readiness } from '../../src/readiness';
import { EVENT_STORE } from '../../src/stores/event-store';
import { READ_STORE } from '../../src/stores/read-store';
import { CollectingModule } from '../../src/collecting/collecting.module';
import { HttpCollector } from '../../src/collecting/http-collector';
import { KeyDirectory, keyDirectoryBounds, type KeyDirectoryBounds } from '../../src/peers/key-directory';
import { MemoryEventStore, MemoryKeys } from './memory-stores';

/** The collecting role as it runs, on free ports, with the stores in memory. */
export interface RunningCollector {
  readonly app: INestApplication;
  readonly log: MemoryEventStore;
  readonly keys: MemoryKeys;
  readonly readiness: Readiness;
  readonly tcpPort: number;
  readonly wsPort: number;
  readonly httpUrl: string;
  stop(): Promise<void>;
}

export const writeKey = 'wk_test';
export const restrictedKey = 'wk_restricted';
export const readToken = 'rt_test';

export async function startCollector(
  settings: Partial<ResolvedConfiguration> = {},
  keyBounds: Partial<KeyDirectoryBounds> = {},
): Promise<RunningCollector> {
  const log = new MemoryEventStore();
  const keys = new MemoryKeys();
  keys.put(writeKey, { kind: 'write', merchantId: 'm1', sourceId: 's1', allowedOrigins: [] });
  keys.put(restrictedKey, { kind: 'write', merchantId: 'm2', sourceId: 's2', allowedOrigins: ['https://shop.example'] });
  keys.put(readToken, { kind: 'read', merchantId: 'm1', tokenId: 't1', role: 'viewer' });

  const configuration: Partial<ResolvedConfiguration> = {
    rsocketTcpPort: 0,
    rsocketWsPort: 0,
    bind: '127.0.0.1',
    partitions: 32,
    ...settings,
  };
  const ports = new ListeningPorts();
  const readiness = new Readiness();
  @Module({})
  class Surroundings {}
  const testing = await Test.createTestingModule({
    imports: [
      {
        module: Surroundings,
        global: true,
        providers: [
          { provide: CONFIGURATION, useValue: configuration },
          { provide: LOGGER, useValue: createLogger('silent', {}) },
          { provide: EVENT_STORE, useValue: log },
          { provide: READ_STORE, useValue: keys.readStore },
          { provide: ListeningPorts, useValue: ports },
          { provide: Readiness, useValue: readiness },
        ],
        exports: [CONFIGURATION, LOGGER, EVENT_STORE, READ_STORE, ListeningPorts, Readiness],
      },
      CollectingModule,
    ],
  })
    .overrideProvider(KeyDirectory)
    .useValue(new KeyDirectory(keys.readStore, { ...keyDirectoryBounds, ...keyBounds }))
    .compile();
  const app = testing.createNestApplication({ bodyParser: false, logger: false });
  app.use(app.get(HttpCollector).middleware);
  await app.init();
  const server = createServer(app.getHttpAdapter().getInstance() as Parameters<typeof createServer>[1]);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const [, tcpPort, wsPort] = /rsocket-tcp=(\d+) rsocket-ws=(\d+)/.exec(ports.describe())!;
  return {
    app,
    log,
    keys,
    readiness,
    tcpPort: Number(tcpPort),
    wsPort: Number(wsPort),
    httpUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      await app.close();
      await closeServer(server);
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

let serial = 0;
/** Events as an SDK sends them. */
export const someEvents = (count: number, fields: object = {}): { id: string; name: string; time: number; visitorId: string }[] =>
  Array.from({ length: count }, () => ({ id: `e${++serial}`, name: 'page_view', time: Date.now(), visitorId: 'v1', ...fields }));
