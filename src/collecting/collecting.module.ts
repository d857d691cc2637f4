import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { LOGGER, type Logger } from '../logging';
import { type ReadinessAnswer, Readiness } from '../readiness';
import { encodeBlock } from '../stores/block';
import { EVENT_STORE, type EventStore } from '../stores/event-store';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { CollectBatchHandler } from './collect-batch';
import { loadCountries } from './countries';
import { HttpCollector } from './http-collector';
import { KeyDirectory } from './key-directory';
import { observeQueue } from './metrics';
import { RsocketEndpoint } from './rsocket-endpoint';
import { Sealer } from './sealer';

/** How long each step of the way out may take; together below what a stopping process is given. */
const drainBounds = { answerWithinMs: 1_500, sendAwayWithinMs: 500, appendWithinMs: 1_500 } as const;
const PING_WITHIN_MS = 1_000;

/** Events in: RSocket over TCP and WebSocket, and the middleware for HTTP; blocks out, to the log. */
@Module({
  imports: [CqrsModule],
  providers: [
    {
      provide: Sealer,
      inject: [EVENT_STORE, CONFIGURATION, LOGGER],
      useFactory: (eventStore: EventStore, { partitions }: ResolvedConfiguration, logger: Logger) =>
        new Sealer({ eventStore, encodeBlock, partitions, logger }),
    },
    { provide: KeyDirectory, inject: [READ_STORE], useFactory: (readStore: ReadStore) => new KeyDirectory(readStore) },
    CollectBatchHandler,
    HttpCollector,
    RsocketEndpoint,
  ],
  exports: [HttpCollector],
})
export class CollectingModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly endpoint: RsocketEndpoint,
    private readonly http: HttpCollector,
    private readonly sealer: Sealer,
    private readonly readiness: Readiness,
    @Inject(EVENT_STORE) private readonly eventStore: EventStore,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    loadCountries();
    observeQueue(() => this.sealer.gauge.queuedBytes);
    this.readiness.register('collecting', () => this.isReady());
    await this.endpoint.listen();
  }

  /**
   * Answers who waits, asks clients to go elsewhere, takes what they had sent, and appends the rest. What is lost after that was
   * never acknowledged.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.http.draining = true;
    await this.sealer.flush(drainBounds.answerWithinMs);
    // Only now, so that connections the system has accepted and this process has not are taken rather than reset.
    this.endpoint.stopListening();
    // The answers are on their way through promises; they must be written before the connections are told to close.
    await new Promise((resolve) => setImmediate(resolve));
    await this.endpoint.sendAway(drainBounds.sendAwayWithinMs);
    await this.sealer.close(drainBounds.appendWithinMs);
    this.endpoint.destroy();
  }

  private async isReady(): Promise<ReadinessAnswer> {
    if (this.http.draining) return { ok: false, detail: 'shutting down' };
    const { gauge } = this.sealer;
    const queue = `${Math.ceil(gauge.queuedBytes / 1_024)} KiB wait for the log`;
    if (gauge.isHigh) return { ok: false, detail: `${queue}: connections are not read until it has caught up` };
    try {
      await this.eventStore.ping(PING_WITHIN_MS);
      return { ok: true, detail: queue };
    } catch (error) {
      return { ok: false, detail: `the event store does not answer (${(error as Error).message}); check EVENTSTORE_URL` };
    }
  }
}
