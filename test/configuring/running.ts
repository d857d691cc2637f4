import { Global, type INestApplication, Module, type Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { pino } from 'pino';
import request from 'supertest';
import { OperatingModule } from '../../src/administering/operating.module';
import { setupOpenApi } from '../../src/administering/openapi';
import { CONFIGURATION } from '../../src/config';
import { readJsonBodies } from '../../src/configuring/request-body';
import { LOGGER } from '../../src/logging';
import { Readiness } from '../../src/readiness';
import { EVENT_STORE, type EventStore } from '../../src/stores/event-store';
import { READ_STORE } from '../../src/stores/read-store';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';

const adminToken = 'admin-token-of-the-test';

/** A process that answers HTTP over stores in memory. */
export interface Running<Log extends EventStore = InMemoryEventStore> {
  app: INestApplication;
  log: Log;
  store: InMemoryReadStore;
  readiness: Readiness;
  adminToken: string;
  /** A request with a token; the admin's when none is given, none at all for null. */
  send(method: 'get' | 'post' | 'put' | 'patch' | 'delete', path: string, body?: unknown, token?: string | null): request.Test;
  close(): Promise<void>;
}

export async function run<Log extends EventStore = InMemoryEventStore>(
  modules: Type[],
  stores: { log?: Log; store?: InMemoryReadStore; partitions?: number } = {},
): Promise<Running<Log>> {
  const { log = new InMemoryEventStore() as EventStore as Log, store = new InMemoryReadStore(), partitions = 4 } = stores;
  const readiness = new Readiness();
  const given = [
    { provide: CONFIGURATION, useValue: { adminToken, partitions, roles: ['collecting', 'reporting', 'administering'] } },
    { provide: EVENT_STORE, useValue: log },
    { provide: READ_STORE, useValue: store },
    { provide: LOGGER, useValue: pino({ level: 'silent' }) },
    { provide: Readiness, useValue: readiness },
  ];
  @Global()
  @Module({ providers: given, exports: given.map(({ provide }) => provide) })
  class StoresInMemory {}

  const testing = await Test.createTestingModule({ imports: [StoresInMemory, OperatingModule, ...modules] }).compile();
  const app = testing.createNestApplication<NestExpressApplication>({ logger: false, bodyParser: false });
  app.use(readJsonBodies(256 << 10));
  setupOpenApi(app);
  await app.init();
  const send: Running<Log>['send'] = (method, path, body, token = adminToken) => {
    const asked = request(app.getHttpServer())[method](path);
    if (token !== null) void asked.set('authorization', `Bearer ${token}`);
    return body === undefined ? asked : asked.send(body as object);
  };
  return { app, log, store, readiness, adminToken, send, close: () => app.close() };
}
