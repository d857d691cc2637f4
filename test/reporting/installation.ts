import { Global, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import pino from 'pino';
import request from 'supertest';
import type { StoredDoc } from '../../projections/kit/document';
import { catalog, type ProjectionDefinition } from '../../projections/catalog';
import { CONFIGURATION } from '../../src/config';
import { hashSecret } from '../../src/configuring/secrets';
import type { AcceptedEvent } from '../../src/domain/columns';
import { noDefinitions, type Definitions, type Funnel, type Goal } from '../../src/domain/definitions';
import { eventsStream, partitionOf } from '../../src/domain/partition';
import { ListeningPorts } from '../../src/listening';
import { LOGGER } from '../../src/logging';
import { CLOCK } from '../../src/reporting/clock';
import { foldingKit } from '../../src/projecting/folding-kit';
import { ProjectionWorker } from '../../src/projecting/worker';
import { ReportingModule } from '../../src/reporting/reporting.module';
import { READ_STORE } from '../../src/stores/read-store';
import {
  collectionOf,
  controlId,
  recordKinds,
  settingsId,
  type KeyRecord,
  type MerchantRecord,
  type SettingsRecord,
  type WorkerRecord,
} from '../../src/stores/records';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { eventually } from '../projecting/installation-under-test';
import { append } from '../projecting/shop-log';
import { foldBlocks } from '../projections/folding';

export const adminToken = 'the-admin-token-of-this-test-and-nothing-else';
export const generationId = 'g1';
const partitions = 4;

/** Reporting over a read store in memory, whose documents were folded by the real kit. */
export class Installation {
  readonly store = new InMemoryReadStore();
  readonly ports = new ListeningPorts();
  app!: INestApplication;
  now = Date.parse('2025-03-20T12:00:00Z');

  async start(): Promise<void> {
    const { store } = this;
    @Global()
    @Module({
      providers: [
        { provide: READ_STORE, useValue: store },
        { provide: CONFIGURATION, useValue: { adminToken, partitions, bind: '127.0.0.1', rsocketTcpPort: 0, rsocketWsPort: 0 } },
        { provide: ListeningPorts, useValue: this.ports },
        { provide: LOGGER, useValue: pino({ level: 'silent' }) },
      ],
      exports: [READ_STORE, CONFIGURATION, LOGGER, ListeningPorts],
    })
    class Stores {}
    const module = await Test.createTestingModule({ imports: [Stores, ReportingModule] })
      .overrideProvider(CLOCK)
      .useValue(() => this.now)
      .compile();
    this.app = module.createNestApplication({ logger: false });
    await this.app.listen(0, '127.0.0.1');
  }

  async stop(): Promise<void> {
    await this.app.close();
  }

  get url(): string {
    const { port } = this.app.getHttpServer().address() as { port: number };
    return `http://127.0.0.1:${port}`;
  }

  /** Asks for a report of a merchant, as one of its readers. */
  ask(merchantId: string, report: string, query: Record<string, string> = {}, token = readToken(merchantId)): request.Test {
    return request(this.url).get(`/v1/merchants/${merchantId}/${report}`).query(query).set('authorization', `Bearer ${token}`);
  }

  /** A report that is not refused. */
  async report<T>(merchantId: string, report: string, query: Record<string, string> = {}): Promise<T> {
    const { body } = await this.ask(merchantId, report, query);
    expect(body).not.toHaveProperty('detail');
    return body as T;
  }

  async register(
    merchantId: string,
    settings: { timezone?: string; currency?: string; spread?: number; funnels?: readonly Funnel[]; goals?: readonly Goal[] } = {},
  ): Promise<void> {
    const timezone = settings.timezone ?? 'UTC';
    const merchant: MerchantRecord = {
      merchantId,
      name: merchantId,
      timezone,
      currency: settings.currency ?? 'USD',
      timezones: [{ timezone, since: 0 }],
      createdAt: 0,
      deleted: false,
      sources: [],
      tokens: [],
      ...(settings.spread && { spreads: [{ spread: settings.spread, since: 0 }], reach: settings.spread }),
      ...(settings.funnels && { funnels: settings.funnels }),
      ...(settings.goals && { goals: settings.goals }),
    };
    await this.store.records.put(recordKinds.merchants, merchantId, merchant);
    const counted: SettingsRecord = {
      since: 0,
      definitions: { ...noDefinitions, funnels: settings.funnels ?? [], goals: settings.goals ?? [] },
    };
    await this.store.records.put(recordKinds.settings, settingsId(merchantId, 1), counted);
    await this.store.records.put(recordKinds.settingsRevisions, settingsId(merchantId, 1), { since: counted.since });
    const token: KeyRecord = { kind: 'read', merchantId, tokenId: `t-${merchantId}`, role: 'viewer' };
    await this.store.records.put(recordKinds.keys, hashSecret(readToken(merchantId)), token);
  }

  async serve(generation = generationId, version = 1): Promise<void> {
    const projections = catalog.map(({ name }) => ({ name, version }));
    await this.store.records.put(recordKinds.generations, generation, {
      generationId: generation,
      projections,
      state: 'live',
      createdAt: 1,
      fingerprint: 'f',
    });
    for (const { name } of catalog) {
      await this.store.records.put(recordKinds.live, name, { projection: name, generationId: generation, version, since: 1 });
    }
  }

  /** Has a worker count events from a log in which collectors placed them; instead of `serve` and `count`. */
  async countFromLog(events: readonly AcceptedEvent[]): Promise<void> {
    const { store } = this;
    const eventStore = new InMemoryEventStore();
    const merchants = await store.records.list<MerchantRecord>(recordKinds.merchants);
    const spreads = new Map(merchants.map(({ id, value }) => [id, value.spreads]));
    for (let i = 0; i < events.length; i += 500) await append(eventStore, partitions, events.slice(i, i + 500), spreads);
    const common = { eventStore, readStore: store, catalog, kit: foldingKit, partitions, logger: pino({ level: 'silent' }) };
    const worker = new ProjectionWorker<ProjectionDefinition>({ ...common, fingerprint: 'f', workerId: 'w1' });
    await worker.start();
    const heads = await Promise.all(Array.from({ length: partitions }, (_, partition) => eventStore.last(eventsStream(partition))));
    await eventually(
      () => store.control.list(`${generationId}|`),
      (controls) =>
        controls.length === partitions &&
        controls.every(({ checkpoint }, partition) => checkpoint.revision === Number(heads[partition]?.revision ?? -1)),
      50_000,
    );
    await worker.stop();
  }

  /** Folds and stores events as the projecting role does. */
  async count(
    events: readonly AcceptedEvent[],
    timezones: Record<string, string> = {},
    generation = generationId,
    definitions: Record<string, Definitions> = {},
  ): Promise<void> {
    const blocks: AcceptedEvent[][] = [];
    for (let i = 0; i < events.length; i += 500) blocks.push(events.slice(i, i + 500));
    const byProjection = new Map<string, StoredDoc[]>();
    for (const document of foldBlocks(blocks, { timezones, definitions }).values()) {
      const projection = document._id.split('|')[1]!.split(/[.:]/)[0]!;
      byProjection.set(projection, [...(byProjection.get(projection) ?? []), document]);
    }
    for (const [projection, documents] of byProjection) {
      const stored = documents.map((document) => ({ ...document }));
      await this.store.documents.flush(collectionOf(projection, generation), stored, { r0: -1, r1: blocks.length });
    }
  }

  /** Counts a merchant's partition up to a record of the log. */
  async checkpoint(partition: number, generation: string, revision: number, logTime: number): Promise<void> {
    const { _id, epoch } = await this.store.control.takeOver(controlId(generation, partition), 'w1');
    await this.store.control.saveCheckpoint(_id, epoch, { revision, logTime, resume: {}, events: 1 });
  }

  /** The same, and tells it as a worker does. */
  async heartbeat(
    merchantId: string,
    seen: { checkpoint?: number; checkpointTime: number; caughtUpAt?: number },
    generation = generationId,
    more: Pick<WorkerRecord, 'claims'> = {},
  ): Promise<void> {
    const partition = partitionOf(merchantId, partitions);
    const { checkpoint = 1, checkpointTime, caughtUpAt = 0 } = seen;
    await this.checkpoint(partition, generation, checkpoint, checkpointTime);
    const told = { partition, generation, checkpoint, checkpointTime, head: 9, caughtUpAt, eventsFolded: 1 };
    const worker: WorkerRecord = { workerId: 'w1', pid: 1, startedAt: 0, at: this.now, partitions: [told], ...more };
    await this.store.records.put(recordKinds.workers, 'w1', worker);
  }
}

export const refusal = ({ status, body }: request.Response): [status: number, detail: string] => [
  status,
  (body as { detail: string }).detail,
];

export const readToken = (merchantId: string): string => `read-token-of-${merchantId}`;
