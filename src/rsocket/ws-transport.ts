import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Closeable, type Frame, serializeFrame, type ServerTransport } from 'rsocket-core';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { visitorAddressOf } from '../peers/visitor-address';
import { Connection, type ConnectionAcceptor, type EngineFactory, type Wire } from './connection';
import { Connections, Listening } from './connections';
import { frameBytesMax, ProtocolViolation } from './frame-check';
import type { FrameSource } from './frame-reader';
import { LINGER_MS, LISTEN_BACKLOG, type TransportOptions } from './tcp-transport';

const HANDSHAKE_WITHIN_MS = 5_000;
/** Status codes of RFC 6455. */
const NORMAL_CLOSURE = 1_000;
const POLICY_VIOLATION = 1_008;

/** RSocket over WebSocket, one frame a binary message, safe to expose. */
export class WsTransport implements ServerTransport {
  readonly connections = new Connections('ws');
  private readonly server: Server;

  constructor(private readonly options: TransportOptions) {
    this.server = createServer({ headersTimeout: HANDSHAKE_WITHIN_MS, requestTimeout: HANDSHAKE_WITHIN_MS }, (_request, response) => {
      response.writeHead(426, { 'Content-Type': 'text/plain', Connection: 'close', Upgrade: 'websocket' });
      response.end('RSocket over WebSocket is spoken here\n');
    });
    this.server.maxConnections = options.connectionsMax;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async bind(accept: ConnectionAcceptor, createEngine: EngineFactory): Promise<Closeable> {
    const { server } = this;
    const sockets = new WebSocketServer({ server, maxPayload: frameBytesMax, perMessageDeflate: false, clientTracking: false });
    // The same errors as the server's below; without a listener ws would throw them.
    sockets.on('error', () => undefined);
    sockets.on('connection', (socket, request) => {
      this.connect(socket, { visitorAddress: visitorAddressOf(request), origin: request.headers.origin }, accept, createEngine);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.options.host, port: this.options.port, backlog: LISTEN_BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return new Listening(() => {
      sockets.close();
      server.close();
      server.closeIdleConnections();
    });
  }

  private connect(
    socket: WebSocket,
    browser: Pick<Wire, 'visitorAddress' | 'origin'>,
    accept: ConnectionAcceptor,
    createEngine: EngineFactory,
  ): void {
    const messages = new MessageQueue();
    const connection = new Connection(wsWire(socket, browser), messages, accept, createEngine, this.options.connectionBounds);
    socket.on('message', (message, isBinary) => {
      if (connection.done) return;
      messages.push(message, isBinary);
      connection.pump();
    });
    socket.on('error', (error) => connection.wireClosed(error));
    socket.on('close', () => connection.wireClosed());
    this.connections.add(connection);
  }
}

/** A paused WebSocket still gives out what it had read: it waits here. */
class MessageQueue implements FrameSource {
  readonly isMidFrame = false;
  private frames: (Buffer | 'text')[] = [];

  push(message: RawData, isBinary: boolean): void {
    this.frames.push(isBinary ? (message as Buffer) : 'text');
  }

  next(): Buffer | undefined {
    const frame = this.frames.shift();
    if (frame === 'text') throw new ProtocolViolation('frames are binary messages, not text');
    return frame;
  }

  clear(): void {
    this.frames = [];
  }
}

function wsWire(socket: WebSocket, browser: Pick<Wire, 'visitorAddress' | 'origin'>): Wire {
  return {
    ...browser,
    get queuedBytes() {
      return socket.bufferedAmount;
    },
    send: (frame: Frame) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(serializeFrame(frame));
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: (reason) => {
      // The closing handshake has to be read.
      socket.resume();
      socket.close(reason ? POLICY_VIOLATION : NORMAL_CLOSURE);
      const timer = setTimeout(() => socket.terminate(), LINGER_MS);
      socket.once('close', () => clearTimeout(timer));
    },
    destroy: () => socket.terminate(),
  };
}
