import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { type Closeable, type Frame, serializeFrameWithLength, type ServerTransport } from 'rsocket-core';
import { Connection, type ConnectionAcceptor, type ConnectionBounds, type EngineFactory, type Wire } from './connection';
import { Connections, Listening } from './connections';
import { FrameReader } from './frame-reader';

export interface TransportOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly connectionsMax: number;
  readonly connectionBounds?: ConnectionBounds;
}

/** Enough for thousands of SDKs that come back at once after a restart. */
export const LISTEN_BACKLOG = 4_096;
/** Time for a peer to read the ERROR frame before its socket is taken away. */
export const LINGER_MS = 1_000;

/** RSocket over TCP, safe to expose. */
export class TcpTransport implements ServerTransport {
  readonly connections = new Connections('tcp');
  private server: Server | undefined;

  constructor(private readonly options: TransportOptions) {}

  get port(): number {
    return (this.server!.address() as AddressInfo).port;
  }

  async bind(accept: ConnectionAcceptor, createEngine: EngineFactory): Promise<Closeable> {
    const server = createServer({ noDelay: true }, (socket) => this.connect(socket, accept, createEngine));
    server.maxConnections = this.options.connectionsMax;
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.options.host, port: this.options.port, backlog: LISTEN_BACKLOG }, () => {
        server.off('error', reject);
        // A failed accept (no file descriptors left) concerns the one connection that was refused.
        server.on('error', () => undefined);
        resolve();
      });
    });
    return new Listening(() => server.close());
  }

  private connect(socket: Socket, accept: ConnectionAcceptor, createEngine: EngineFactory): void {
    const reader = new FrameReader();
    const connection = new Connection(tcpWire(socket), reader, accept, createEngine, this.options.connectionBounds);
    socket.on('data', (chunk) => {
      if (connection.done) return;
      reader.push(chunk);
      connection.pump();
    });
    socket.on('error', (error) => connection.wireClosed(error));
    socket.on('close', () => connection.wireClosed());
    this.connections.add(connection);
  }
}

function tcpWire(socket: Socket): Wire {
  return {
    // SDKs that speak TCP run on the shop's servers: their address is not the visitor's.
    visitorAddress: undefined,
    origin: undefined,
    get queuedBytes() {
      return socket.writableLength;
    },
    send: (frame: Frame) => void socket.write(serializeFrameWithLength(frame)),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => {
      socket.end();
      // Bytes left unread would turn the close into a reset, which overtakes the ERROR frame.
      socket.resume();
      const timer = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once('close', () => clearTimeout(timer));
    },
    destroy: () => void socket.destroy(),
  };
}
