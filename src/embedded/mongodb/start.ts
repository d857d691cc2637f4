import { createServer, type AddressInfo, type Server } from 'node:net';
import type { ServerState } from './commands/command';
import { Connection } from './connection';
import { Cursors } from './cursors';
import { Housekeeping } from './housekeeping';
import { limits } from './limits';
import { Catalog } from './storage/catalog';
import { Environment } from './storage/environment';
import { FolderLock } from './storage/folder-lock';
import { WriteQueue } from './storage/write-queue';

export interface StartOptions {
  /** Holds everything; created when absent. One server a folder. */
  folder: string;
  /** Default 127.0.0.1: there is no authentication. */
  host?: string;
  /** Default 0: a free one. */
  port?: number;
  /** How often expired documents are removed; default once a minute. */
  ttlIntervalMs?: number;
  /** Told about defects and failed background work; default: standard error. */
  report?: (error: unknown) => void;
  /** Told when the data file cannot be written any more; the process should end and be started again. Default: reported. */
  onFatal?: (error: unknown) => void;
}

export interface Started {
  readonly port: number;
  readonly connectionString: string;
  /** Answers what is being executed, refuses the rest, closes the file. */
  stop(): Promise<void>;
}

/** Starts the server. Rejects with FolderInUse, or the error of the file system or of listening. */
export async function start(options: StartOptions): Promise<Started> {
  const { folder, host = '127.0.0.1', port = 0, ttlIntervalMs = limits.ttlIntervalMs } = options;
  const report =
    options.report ??
    ((error: unknown) => process.stderr.write(`embedded mongodb: ${error instanceof Error ? error.stack : String(error)}\n`));
  const lock = FolderLock.acquire(folder);
  let environment: Environment | undefined;
  try {
    environment = Environment.open(folder);
    const catalog = new Catalog(environment);
    const connections = new Set<Connection>();
    const listener = createServer({ pauseOnConnect: false });
    listener.maxConnections = limits.connectionsMax;
    const server: ServerState = {
      environment,
      catalog,
      cursors: new Cursors(),
      writes: new WriteQueue(environment, catalog, options.onFatal ?? report),
      startedAt: new Date(),
      connections: () => connections.size,
      address: () => String((listener.address() as AddressInfo | null)?.port ?? port),
    };
    let lastConnectionId = 0;
    listener.on('connection', (socket) => {
      const connection = new Connection(socket, server, ++lastConnectionId, report);
      connections.add(connection);
      socket.on('close', () => connections.delete(connection));
    });
    await listen(listener, host, port);
    const housekeeping = new Housekeeping(server, report, ttlIntervalMs);
    const watch = setInterval(() => {
      const now = Date.now();
      server.cursors.closeIdle(now);
      for (const connection of connections) connection.closeIfStuck(now);
    }, 5_000);
    watch.unref();
    const opened = environment;
    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      clearInterval(watch);
      housekeeping.stop();
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const connection of connections) connection.finish();
      await closed;
      await server.writes.close();
      await opened.close();
      lock.release();
    };
    const actual = (listener.address() as AddressInfo).port;
    const shownHost = host.includes(':') ? `[${host}]` : host;
    return { port: actual, connectionString: `mongodb://${shownHost}:${actual}/?directConnection=true`, stop: () => (stopped ??= stop()) };
  } catch (error) {
    await environment?.close();
    lock.release();
    throw error;
  }
}

function listen(listener: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ host, port, backlog: 1024 }, () => {
      listener.off('error', reject);
      resolve();
    });
  });
}
