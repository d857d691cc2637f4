import { type DynamicModule, Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { ResolvedConfiguration } from '../config';
import { Readiness, type ReadinessAnswer, type ReadinessCheck } from '../readiness';
import { EVENT_STORE, type EventStore } from './event-store';
import { EventStoreDb } from './eventstoredb';
import { MongoReadStore } from './mongodb';
import { READ_STORE, type ReadStore } from './read-store';
import { pauseMs, withoutCredentials } from './within';

const STORE_URLS = Symbol('StoreUrls');
type StoreUrls = Pick<ResolvedConfiguration, 'eventStoreUrl' | 'mongodbUrl'>;

const readinessMs = 2_000;
const readinessCachedMs = 1_000;
const askAgainMs = 250;

/**
 * The only place where the stores' ports are bound to their adapters: EVENT_STORE and READ_STORE for every module of the process.
 * Neither connects before it is used, so a process starts while a store is briefly away; `checkStores` is for refusing that.
 * Needs Readiness from the application; registers `eventstore` and `mongodb` there. Closes both stores at shutdown.
 */
@Module({})
export class StoresModule implements OnModuleInit, OnApplicationShutdown {
  static forRoot(config: StoreUrls): DynamicModule {
    return {
      module: StoresModule,
      global: true,
      providers: [
        { provide: STORE_URLS, useValue: config },
        { provide: EVENT_STORE, useFactory: () => new EventStoreDb(config.eventStoreUrl) },
        { provide: READ_STORE, useFactory: () => new MongoReadStore(config.mongodbUrl) },
      ],
      exports: [EVENT_STORE, READ_STORE],
    };
  }

  constructor(
    @Inject(STORE_URLS) private readonly urls: StoreUrls,
    @Inject(EVENT_STORE) private readonly eventStore: EventStore,
    @Inject(READ_STORE) private readonly readStore: ReadStore,
    private readonly readiness: Readiness,
  ) {}

  onModuleInit(): void {
    this.readiness.register('eventstore', answering(this.eventStore, 'EVENTSTORE_URL', this.urls.eventStoreUrl));
    this.readiness.register('mongodb', answering(this.readStore, 'MONGODB_URL', this.urls.mongodbUrl));
  }

  /** Last of all shutdown hooks: what the roles still write while they stop needs the stores. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled([this.eventStore.close(), this.readStore.close()]);
  }
}

/** Asks the store at most once a second, however often it is asked itself. */
function answering(store: { ping(timeoutMs: number): Promise<void> }, variable: string, url: string): ReadinessCheck {
  let answer: Promise<ReadinessAnswer> | undefined;
  let askedAt = 0;
  const ask = async (): Promise<ReadinessAnswer> => {
    try {
      await store.ping(readinessMs);
      return { ok: true };
    } catch (error) {
      return { ok: false, detail: unreachable(variable, url, error) };
    }
  };
  return () => {
    const now = performance.now();
    if (answer === undefined || now - askedAt > readinessCachedMs) {
      askedAt = now;
      answer = ask();
    }
    return answer;
  };
}

/**
 * Asks both stores at start, again and again until both have answered or `timeoutMs` is over.
 * @throws Error with one sentence, on a line of its own, for each that did not: the variable, its value without credentials, what is wrong and what to do
 */
export async function checkStores(config: StoreUrls, timeoutMs: number): Promise<void> {
  const answers = await Promise.allSettled([
    checked('EVENTSTORE_URL', config.eventStoreUrl, () => new EventStoreDb(config.eventStoreUrl), timeoutMs),
    checked('MONGODB_URL', config.mongodbUrl, () => new MongoReadStore(config.mongodbUrl), timeoutMs),
  ]);
  const faults = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
  if (faults.length > 0) throw new Error(faults.map((fault) => fault.message).join('\n'), { cause: faults[0] });
}

type Askable = Pick<EventStore & ReadStore, 'ping' | 'close'>;

async function checked(variable: string, url: string, open: () => Askable, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs;
  let store: Askable;
  try {
    store = open();
  } catch (error) {
    const example = variable === 'EVENTSTORE_URL' ? 'esdb://localhost:2113?tls=false' : 'mongodb://localhost:27017';
    throw new Error(
      `${variable}=${withoutCredentials(url)} is not a connection string (${reasonOf(error, url)}); give one like ${example}.`,
      {
        cause: error,
      },
    );
  }
  try {
    for (;;) {
      try {
        return await store.ping(Math.max(1, until - performance.now()));
      } catch (error) {
        if (until - performance.now() < askAgainMs) throw new Error(unreachable(variable, url, error), { cause: error });
      }
      await pauseMs(askAgainMs);
    }
  } finally {
    await store.close();
  }
}

function unreachable(variable: string, url: string, error: unknown): string {
  const product = variable === 'EVENTSTORE_URL' ? 'EventStoreDB' : 'MongoDB';
  return `${product} at ${withoutCredentials(url)} does not answer (${reasonOf(error, url)}): start it, or set ${variable} to where it runs.`;
}

/** One line, and nothing of the credentials a driver may quote. */
function reasonOf(error: unknown, url: string): string {
  const message = error instanceof Error ? error.message : String(error);
  return (
    message
      .replaceAll(url, withoutCredentials(url))
      .replace(/\/\/[^/@\s]*@/g, '//')
      .replace(/\s*\n\s*/g, ' ')
      // What grpc-js ends with where it has nothing to add.
      .replace(/ Resolution note: *$/, '')
  );
}
