import type { Server } from '@grpc/grpc-js';
import { EventLog, type EventLogOptions } from './log/event-log';
import { FolderInUse, lockFolder } from './log/folder-lock';
import { CorruptLog } from './log/recovery';
import { OpenCalls } from './open-calls';
import { buildServer, listen } from './server';
import { StreamStore } from './stream-store';

export interface StartOptions extends Partial<Omit<EventLogOptions, 'folder'>> {
  /** Where the log is kept; created when missing. One server at a time. */
  folder: string;
  /** Default 127.0.0.1: nothing is authenticated, so nothing but this machine should reach it. */
  host?: string;
  /** Default 2113; 0 picks a free one. */
  port?: number;
  /** Bytes of data, metadata and types one append may carry. Default 1 MiB, as the server's. */
  maxAppendBytes?: number;
  /** Streams a connection may have open at a time. Default 100, as the server's. */
  concurrentStreamsMax?: number;
}

export interface StartedServer {
  readonly port: number;
  /** esdb://… */
  readonly connectionString: string;
  /** Finishes accepted appends, ends open calls and closes the log. */
  stop(): Promise<void>;
}

/** The server cannot start; the message is one line saying why and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Calls that are still open this long after they were told to end are cut. */
const shutdownMs = 1_000;

/** Starts an EventStoreDB-compatible server over a folder. Throws StartError when it cannot. */
export async function start(options: StartOptions): Promise<StartedServer> {
  const { folder, host = '127.0.0.1', port = 2113 } = options;
  const log = options.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const lock = await lockFolder(folder).catch((error: Error) => {
    throw startError(error, folder, host, port);
  });
  let eventLog: EventLog | undefined;
  try {
    eventLog = await EventLog.open({ ...options, log });
    return await serve(eventLog, options, host, port, () => lock.release());
  } catch (error) {
    await eventLog?.close();
    await lock.release();
    throw startError(error as Error, folder, host, port);
  }
}

async function serve(
  log: EventLog,
  options: StartOptions,
  host: string,
  port: number,
  release: () => Promise<void>,
): Promise<StartedServer> {
  const store = new StreamStore(log, options.maxAppendBytes ?? 1_048_576);
  const calls = new OpenCalls();
  const reachable = { host: host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host, port };
  const server = buildServer(store, calls, () => reachable, { concurrentStreamsMax: options.concurrentStreamsMax ?? 100 });
  reachable.port = await listen(server, host, port);
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    // Appends that were accepted are answered before their calls end.
    await log.finishWriting();
    calls.endAll('the server is stopping');
    await shutDown(server);
    await log.close();
    await release();
  };
  const authority = reachable.host.includes(':') ? `[${reachable.host}]` : reachable.host;
  return {
    port: reachable.port,
    connectionString: `esdb://${authority}:${reachable.port}?tls=false`,
    stop: () => (stopping ??= stop()),
  };
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), shutdownMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function startError(error: Error, folder: string, host: string, port: number): Error {
  const { code } = error as NodeJS.ErrnoException;
  const message = error.message;
  if (error instanceof FolderInUse) return new StartError(message);
  if (error instanceof CorruptLog) return new StartError(`${message}; restore the folder from a backup, or start with an empty one`);
  if (message.includes('EADDRINUSE')) return new StartError(`port ${port} on ${host} is taken; stop what uses it, or choose another port`);
  if (message.includes('EADDRNOTAVAIL')) return new StartError(`${host} is not an address of this machine; choose another host`);
  if (message.includes('EACCES') && message.includes('listen'))
    return new StartError(`port ${port} may not be opened by this user; choose one above 1023`);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new StartError(`${folder} cannot be written by this user; change its owner or choose another folder`);
  if (code === 'ENOTDIR' || code === 'EEXIST') return new StartError(`${folder} is not a folder; choose another one`);
  if (code === 'ENOSPC') return new StartError(`the disk of ${folder} is full; free some space`);
  return error;
}
