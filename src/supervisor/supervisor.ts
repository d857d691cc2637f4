import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { resolveAdminToken, type AdminToken } from '../admin-token';
import type { Configuration, Role, StoreLocation } from '../config';
import { createLogger } from '../logging';
import { checkPorts, publicPorts } from '../ports';
import { Child, type ChildPlan } from './child';
import { claimDataFolder } from './data-folder';
import { portIn, supervisedArgument } from './messages';

const loopback = '127.0.0.1';
const storeStartWithinMs = 300_000;
const roleStartWithinMs = 60_000;
/** Front, workers and then both stores: one after the other these stay well below the five seconds a stop may take. */
const stopWithinMs = { front: 2_000, worker: 1_500, mongodb: 700, eventstoredb: 700 };

/** All of Recount on one machine: the stores, one front process and the projecting workers, each a process of its own. */
export interface Running {
  /** `http=8080 rsocket-tcp=7878 rsocket-ws=7879` */
  ports: string;
  httpPort: number;
  rsocketTcpPort: number;
  adminToken: AdminToken;
  /** Front first, the stores last: what one process still holds, the next is still there to take. */
  stop(): Promise<void>;
  /** Ends every process at once. */
  kill(): void;
}

/**
 * @param onStarting gets the function that stops what has been started so far, before anything is
 * @throws StartFailure; everything started until then has been stopped
 */
export async function startAll(configuration: Configuration, onStarting: (stop: Pick<Running, 'stop' | 'kill'>) => void): Promise<Running> {
  const logger = createLogger(configuration.logLevel, { process: 'supervisor' });
  const groups: Child[][] = [];
  let release = (): void => undefined;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      for (const group of [...groups].reverse()) await Promise.all(group.map((child) => child.stop()));
      release();
    })());
  const kill = (): void => {
    for (const child of groups.flat()) child.kill();
    release();
  };
  onStarting({ stop, kill });

  const startGroup = async (plans: ChildPlan[]): Promise<string[]> => {
    const group = plans.map((plan) => new Child(plan, logger));
    groups.push(group);
    return Promise.all(group.map((child) => child.start()));
  };
  try {
    release = claimDataFolder(configuration.dataDir);
    await checkPorts([...publicPorts(configuration), ...embeddedPorts(configuration)]);
    const adminToken = resolveAdminToken(configuration);

    const log = storePlan('eventstoredb', configuration.eventStore, configuration.dataDir);
    const readModels = storePlan('mongodb', configuration.mongodb, configuration.dataDir);
    const storePorts = await startGroup([...log.plans, ...readModels.plans]);
    const inherited = {
      ...process.env,
      DATA_DIR: configuration.dataDir,
      EVENTSTORE_URL: log.urlAt(storePorts[0]),
      MONGODB_URL: readModels.urlAt(storePorts[log.plans.length]),
    };

    let ports = '';
    const front = rolePlan('front', ['collecting', 'reporting', 'administering'], stopWithinMs.front, () => ({
      ...inherited,
      HTTP_PORT: String(portIn(ports, 'http') ?? configuration.httpPort),
      RSOCKET_TCP_PORT: String(portIn(ports, 'rsocket-tcp') ?? configuration.rsocketTcpPort),
      RSOCKET_WS_PORT: String(portIn(ports, 'rsocket-ws') ?? configuration.rsocketWsPort),
    }));
    const workers = Array.from({ length: workerCount() }, (_, i) =>
      // Health and metrics of a worker are for this machine alone, on a port of its own.
      ({
        ...rolePlan(`worker-${i + 1}`, ['projecting'], stopWithinMs.worker, () => ({ ...inherited, HTTP_PORT: '0', BIND: loopback })),
        nodeArgs: [workerYoungGeneration],
      }),
    );
    const [, [frontPorts]] = await Promise.all([startGroup(workers), startGroup([front])]);
    ports = frontPorts!;
    return { ports, httpPort: portIn(ports, 'http') ?? 0, rsocketTcpPort: portIn(ports, 'rsocket-tcp') ?? 0, adminToken, stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Folding a block leaves garbage by the megabyte: with room for some blocks most of it dies young, which costs nothing. */
const workerYoungGeneration = '--max-semi-space-size=32';

/** Two where there are two cores: the stores and the front want some of each, but a rebuild then has them all. */
function workerCount(): number {
  return Math.min(2, availableParallelism());
}

function embeddedPorts(configuration: Configuration): { variable: string; port: number; host: string }[] {
  const stores = [
    { variable: 'EMBEDDED_EVENTSTORE_PORT', location: configuration.eventStore },
    { variable: 'EMBEDDED_MONGODB_PORT', location: configuration.mongodb },
  ];
  return stores.flatMap(({ variable, location }) =>
    location.kind === 'embedded' ? [{ variable, port: location.port, host: loopback }] : [],
  );
}

const schemes = {
  eventstoredb: (port: string) => `esdb://${loopback}:${port}?tls=false`,
  mongodb: (port: string) => `mongodb://${loopback}:${port}`,
};

/** No process when the store is somewhere else. */
function storePlan(
  name: keyof typeof schemes,
  location: StoreLocation,
  dataDir: string,
): { plans: ChildPlan[]; urlAt: (port: string | undefined) => string } {
  if (location.kind === 'remote') return { plans: [], urlAt: () => location.connectionString };
  let port = String(location.port);
  const plan: ChildPlan = {
    name: `the embedded ${name} store`,
    script: join(__dirname, '..', 'embedded', name, 'main.js'),
    args: () => ['--folder', join(dataDir, name), '--port', port],
    env: () => process.env,
    readyBy: 'listening-line',
    startWithinMs: storeStartWithinMs,
    stopWithinMs: stopWithinMs[name],
  };
  return {
    plans: [plan],
    urlAt: (listening) => {
      port = listening ?? port;
      return schemes[name](port);
    },
  };
}

function rolePlan(name: string, roles: Role[], stopMs: number, env: () => NodeJS.ProcessEnv): ChildPlan {
  return {
    name,
    script: join(__dirname, '..', 'main.js'),
    args: () => [supervisedArgument, name],
    env: () => ({ ...env(), ROLES: roles.join(',') }),
    readyBy: 'message',
    startWithinMs: roleStartWithinMs,
    stopWithinMs: stopMs,
  };
}
