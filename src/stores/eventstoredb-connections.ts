import { EventStoreDBClient } from '@eventstore/db-client';
import { within } from './within';

const keepAliveIntervalMs = 10_000;
const keepAliveTimeoutMs = 5_000;
const disposeMs = 2_000;
let connectionsOpened = 0;

/**
 * A client with a connection of its own. gRPC shares one connection among all clients of a process whose channel options are equal,
 * and keeps the reconnect pause (up to two minutes) of a connection that failed; a keepalive interval no other client has
 * avoids both.
 * @throws when the connection string cannot be understood
 */
export function openClient(connectionString: string): EventStoreDBClient {
  const interval = keepAliveIntervalMs + (connectionsOpened++ % 5_000);
  const options = `keepAliveInterval=${interval}&keepAliveTimeout=${keepAliveTimeoutMs}&throwOnAppendFailure=true`;
  // The last of two equal options wins.
  return EventStoreDBClient.connectionString(`${connectionString}${connectionString.includes('?') ? '&' : '?'}${options}`);
}

/** Cancels what is running on a client and closes its connection, which the client itself never does. Does not throw. */
export async function closeClient(client: EventStoreDBClient): Promise<void> {
  const channel = async (): Promise<void> => {
    await client.dispose();
    (await (client as unknown as { getChannel(): Promise<{ close(): void }> }).getChannel()).close();
  };
  // A client that cannot be closed has no connection left to close.
  await within(channel(), disposeMs, 'closing a connection').catch(() => undefined);
}

interface Connection {
  readonly client: EventStoreDBClient;
  inUse: number;
  /** Failed: finishes what it carries, takes nothing new. */
  spent: boolean;
}

export interface Borrowed {
  readonly client: EventStoreDBClient;
  /** Call exactly once. `broken`: the connection is not given to anyone else. */
  release(broken: boolean): void;
}

/**
 * Clients for reads and subscriptions. The server accepts 100 concurrent streams on a connection and lets further ones wait without
 * a word, so each connection carries few, and another is opened when all are full.
 */
export class ConnectionPool {
  private readonly connections = new Set<Connection>();
  private readonly closing = new Set<Promise<void>>();

  constructor(
    private readonly connectionString: string,
    private readonly streamsPerConnection: number,
  ) {}

  borrow(): Borrowed {
    let connection: Connection | undefined;
    for (const candidate of this.connections) {
      if (!candidate.spent && candidate.inUse < this.streamsPerConnection) connection ??= candidate;
    }
    if (connection === undefined) {
      connection = { client: openClient(this.connectionString), inUse: 0, spent: false };
      this.connections.add(connection);
    }
    const taken = connection;
    taken.inUse++;
    return {
      client: taken.client,
      release: (broken) => {
        taken.inUse--;
        taken.spent ||= broken;
        const spare = [...this.connections].filter((other) => !other.spent && other.inUse === 0).length > 1;
        if (taken.inUse === 0 && (taken.spent || spare)) this.drop(taken);
      },
    };
  }

  async close(): Promise<void> {
    for (const connection of [...this.connections]) this.drop(connection);
    await Promise.all(this.closing);
  }

  private drop(connection: Connection): void {
    if (!this.connections.delete(connection)) return;
    const closed = closeClient(connection.client).finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }
}
