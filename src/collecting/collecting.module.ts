import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { LOGGER, type Logger } from '../logging';
import { type ReadinessAnswer, Readiness } from '../readiness';
import { encodeBlock } from '../stores/block';
import { EVENT_STORE, type EventStore } from '../stores/event-store';
import { RsocketEndpoint } from '../rsocket/endpoint';
import { RsocketModule } from '../rsocket/rsocket.module';
import { CollectBatchHandler } from './collect-batch';
import { CollectRoute } from './collect-route';
import { loadCountries } from './countries';
import { HttpCollector } from './http-collector';
import { observeQueue } from './metrics';
import { Sealer } from './sealer';

/** How long each step of the way out may take; together below what a stopping process is given. */
const drainBounds = { answerWithinMs: 1_500, appendWithinMs: 1_500 } as const;
const PING_WITHIN_MS = 1_000;

/** Events in: RSocket over TCP and WebSocket, and the middleware for HTTP; blocks out, to the log. */
@Module({
  imports: [CqrsModule, RsocketModule],
  providers: [
    {
      provide: Sealer,
      inject: [EVENT_STORE, CONFIGURATION, LOGGER],
      useFactory: (eventStore: EventStore, { partitions }: ResolvedConfiguration, logger: Logger) =>
        new Sealer({ eventStore, encodeBlock, partitions, logger }),
    },
    CollectBatchHandler,
    HttpCollector,
    CollectRoute,
  ],
  exports: [HttpCollector],
})
export class CollectingModule implements OnModuleInit {
  constructor(
    private readonly endpoint: RsocketEndpoint,
    private readonly route: CollectRoute,
    private readonly http: HttpCollector,
    private readonly sealer: Sealer,
    private readonly readiness: Readiness,
    @Inject(EVENT_STORE) private readonly eventStore: EventStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** All of it before any port is opened. */
  onModuleInit(): void {
    loadCountries();
    observeQueue(() => this.sealer.gauge.queuedBytes);
    this.readiness.register('collecting', () => this.isReady());
    this.sealer.gauge.onPressure((high) => {
      if (high) this.logger.warn('too many events wait for the log: connections are not read until it has caught up');
      this.endpoint.hold(high);
    });
    this.endpoint.answer(this.route);
    this.endpoint.whenStopping({
      beforeClosing: () => {
        this.http.draining = true;
        return this.sealer.flush(drainBounds.answerWithinMs);
      },
      afterClosing: () => this.sealer.close(drainBounds.appendWithinMs),
    });
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
