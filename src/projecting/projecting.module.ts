import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type BeforeApplicationShutdown, Inject, Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { catalog } from '../../projections/catalog';
import type { ProjectionDefinition } from '../../projections/kit/projection';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { type Logger, LOGGER } from '../logging';
import { Readiness } from '../readiness';
import { EVENT_STORE, type EventStore } from '../stores/event-store';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { codeFingerprint } from './fingerprint';
import { foldingKit } from './folding-kit';
import { observeProjecting, projectingMetrics } from './metrics';
import { ProjectionWorker } from './worker';

/** Runs one worker for as long as the application runs. */
@Injectable()
class ProjectingService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly worker: ProjectionWorker<ProjectionDefinition>;

  constructor(
    @Inject(EVENT_STORE) eventStore: EventStore,
    @Inject(READ_STORE) readStore: ReadStore,
    @Inject(CONFIGURATION) { partitions }: ResolvedConfiguration,
    @Inject(LOGGER) logger: Logger,
    readiness: Readiness,
  ) {
    this.worker = new ProjectionWorker({
      eventStore,
      readStore,
      catalog,
      kit: foldingKit,
      fingerprint: codeFingerprint(),
      partitions,
      workerId: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
      logger,
      metrics: projectingMetrics,
    });
    observeProjecting({ lags: () => this.worker.lags(), rebuilds: () => this.worker.rebuilds() });
    readiness.register('projecting', () => this.worker.readiness());
  }

  onApplicationBootstrap(): Promise<void> {
    return this.worker.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.worker.stop();
  }
}

/** The projecting role: folds the log into the read models. */
@Module({ providers: [ProjectingService] })
export class ProjectingModule {}
