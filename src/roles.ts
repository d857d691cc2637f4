import 'reflect-metadata';
import type { Server } from 'node:http';
import { Module, type DynamicModule, type LoggerService, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import helmet from 'helmet';
import { resolveAdminToken } from './admin-token';
import { AdministeringModule } from './administering/administering.module';
import { setupOpenApi } from './administering/openapi';
import { OperatingModule } from './administering/operating.module';
import { CollectingModule } from './collecting/collecting.module';
import { HttpCollector } from './collecting/http-collector';
import { CONFIGURATION, type Configuration, type ResolvedConfiguration, type Role } from './config';
import { readJsonBodies } from './configuring/request-body';
import { ConfiguringModule } from './configuring/configuring.module';
import { ListeningPorts } from './listening';
import { createLogger, LOGGER, type Logger } from './logging';
import { explainListenError } from './ports';
import { ProjectingModule } from './projecting/projecting.module';
import { Readiness } from './readiness';
import { ReportingModule } from './reporting/reporting.module';
import { oneLine } from './start-failure';
import { onStopRequest } from './stop-request';
import { EVENT_STORE, type EventStore } from './stores/event-store';
import { fixPartitions } from './stores/installation';
import { checkStores, StoresModule } from './stores/stores.module';
import { refuseUnreadableRequests } from './unreadable-requests';
import { supervisedArgument } from './supervisor/messages';

/** What each role is made of. Configuring lives with reporting; health and metrics live with everyone. */
const modules: Record<Role, Type[]> = {
  collecting: [CollectingModule],
  projecting: [ProjectingModule],
  reporting: [ConfiguringModule, ReportingModule],
  administering: [ConfiguringModule, AdministeringModule],
};

@Module({})
class AppModule {
  static forRoles(configuration: ResolvedConfiguration, logger: Logger): DynamicModule {
    const own = new Set(configuration.roles.flatMap((role) => modules[role]));
    return {
      module: AppModule,
      global: true,
      imports: [StoresModule.forRoot(configuration), OperatingModule, ...own],
      providers: [{ provide: CONFIGURATION, useValue: configuration }, { provide: LOGGER, useValue: logger }, ListeningPorts, Readiness],
      exports: [CONFIGURATION, LOGGER, ListeningPorts, Readiness],
    };
  }
}

/** Commands and report queries are small; events go past this, through the collector's own reader. */
const bodyBytesMax = 256 << 10;
const stopWithinMs = 4_500;
/** Longer than the minute proxies and clients commonly keep a connection: whoever closes first, the other may just be sending. */
const keepAliveMs = 65_000;
const storesAnswerWithinMs = 6_000;

/**
 * Runs the named roles in this process until it is asked to stop.
 * @throws StartFailure and other one-line errors when it cannot start
 */
export async function runRoles(given: Omit<Configuration, 'roles'> & { roles: readonly Role[] }): Promise<void> {
  const { configuration, tokenPath } = resolve(given);
  const logger = createLogger(configuration.logLevel, { process: configuration.roles.join('+'), pid: process.pid });
  endOnBrokenCode(logger);
  await checkStores(configuration, storesAnswerWithinMs);

  let app: NestExpressApplication | undefined;
  onStopRequest({ stop: () => stopWithin(app, stopWithinMs, logger), force: () => undefined });
  try {
    app = await NestFactory.create<NestExpressApplication>(AppModule.forRoles(configuration, logger), {
      bodyParser: false,
      abortOnError: false,
      forceCloseConnections: true,
      logger: nestLogger(logger),
    });
    await fixPartitions(app.get<EventStore>(EVENT_STORE), configuration.partitions);
    await serve(app, configuration);
  } catch (error) {
    throw explainListenError(error, configuration) ?? error;
  }
  announce(app.get(ListeningPorts).describe(), configuration.roles.includes('administering') ? tokenPath : undefined);
}

function resolve(given: Omit<Configuration, 'roles'> & { roles: readonly Role[] }): {
  configuration: ResolvedConfiguration;
  tokenPath: string | undefined;
} {
  const { eventStore, mongodb, ...rest } = given;
  const { token, path } = resolveAdminToken(given);
  const configuration: ResolvedConfiguration = {
    ...rest,
    adminToken: token,
    // Embedded, for a process that runs some roles only, is the store that the supervisor of this machine runs.
    eventStoreUrl: eventStore.kind === 'remote' ? eventStore.connectionString : `esdb://127.0.0.1:${eventStore.port}?tls=false`,
    mongodbUrl: mongodb.kind === 'remote' ? mongodb.connectionString : `mongodb://127.0.0.1:${mongodb.port}`,
  };
  return { configuration, tokenPath: path };
}

async function serve(app: NestExpressApplication, configuration: ResolvedConfiguration): Promise<void> {
  app.disable('x-powered-by');
  // Recount itself speaks plain HTTP, often behind a proxy that does not: pages must not be told to ask for https.
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } }, strictTransportSecurity: false }));
  // Batches of events are read and answered here, before any body parser or controller: one parse a batch.
  if (configuration.roles.includes('collecting')) app.use(app.get(HttpCollector).middleware);
  app.use(...readJsonBodies(bodyBytesMax));
  setupOpenApi(app);
  const server = app.getHttpServer() as Server;
  server.keepAliveTimeout = keepAliveMs;
  refuseUnreadableRequests(server);
  await app.listen(configuration.httpPort, configuration.bind);
  const address = server.address() as { port: number };
  app.get(ListeningPorts).set('http', address.port);
}

function announce(ports: string, tokenPath: string | undefined): void {
  if (process.argv[2] === supervisedArgument && process.send !== undefined) {
    process.send({ kind: 'ready', ports });
    return;
  }
  if (tokenPath !== undefined) process.stdout.write(`admin token: ${tokenPath}\n`);
  process.stdout.write(`ready ${ports}\n`);
}

/** Drains and flushes, by the shutdown hooks of each module; what hangs is left behind, since nothing acknowledged can be lost. */
async function stopWithin(app: NestExpressApplication | undefined, ms: number, logger: Logger): Promise<void> {
  if (app === undefined) return;
  setTimeout(() => {
    logger.error({ afterMs: ms }, 'stopping took too long, ending anyway');
    process.exit(1);
  }, ms).unref();
  await app.close();
}

/** A rejection nobody handles leaves the process in a state nobody designed: it ends, and whoever runs it starts it again. */
function endOnBrokenCode(logger: Logger): void {
  const end = (error: unknown): void => {
    logger.fatal({ err: error instanceof Error ? error : new Error(String(error)) }, oneLine(error));
    process.exit(1);
  };
  process.on('unhandledRejection', end);
  process.on('uncaughtException', end);
}

/** Nest's own messages on the structured log; what it tells about its wiring is for debugging. */
function nestLogger(logger: Logger): LoggerService {
  const write =
    (level: 'debug' | 'warn' | 'error' | 'trace' | 'fatal') =>
    (message: unknown, ...rest: unknown[]): void =>
      logger[level]({ context: rest.at(-1) }, message instanceof Error ? message.message : String(message));
  return {
    log: write('debug'),
    error: write('error'),
    warn: write('warn'),
    debug: write('debug'),
    verbose: write('trace'),
    fatal: write('fatal'),
  };
}
