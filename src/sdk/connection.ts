import * as net from 'node:net';
import WebSocket from 'ws';
import { encodeBearerAuthMetadata, encodeCompositeMetadata, WellKnownMimeType } from 'rsocket-composite-metadata';
import { ErrorCodes, RSocketConnector, type ClientTransport, type RSocket } from 'rsocket-core';
import { TcpClientTransport } from 'rsocket-tcp-client';
import { WebsocketClientTransport } from 'rsocket-websocket-client';
import { keepAlive, mimeTypes } from '../protocol/rsocket';

/** The server will not have this client: trying again with the same key changes nothing. */
export class RecountRefused extends Error {
  override readonly name = 'RecountRefused';
}
/** No connection, or it was lost; trying again later is right. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}
/** The server answered a request with an error. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  constructor(
    message: string,
    readonly code: ErrorCodes,
  ) {
    super(message);
  }

  /** Whether the same request may succeed later: not when the server cannot read it. */
  get retry(): boolean {
    return this.code !== ErrorCodes.INVALID;
  }
}

/** Bytes handed to the socket and not yet taken by the kernel, above which sending pauses. */
const congestedBytes = 1 << 20;

/** One accepted RSocket connection. It never reconnects: `closed` resolves once, and the owner opens another. */
export class Connection {
  private requests = 0;
  private isClosed = false;
  readonly closed: Promise<Error>;

  private constructor(
    private readonly socket: Wire,
    private readonly rsocket: RSocket,
  ) {
    this.closed = new Promise((resolve) => {
      rsocket.onClose((error) => {
        this.isClosed = true;
        resolve(explain(error));
      });
    });
  }

  /**
   * Connects, and asks an empty batch: the transport reports "connected" before the server has looked at the key, so only
   * an answer proves that it was accepted.
   * @throws RecountRefused, ConnectionLost
   */
  static async open(url: string, writeKey: string, timeoutMs: number): Promise<Connection> {
    const wire = wireTo(url);
    const metadata = encodeCompositeMetadata([[WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION, encodeBearerAuthMetadata(writeKey)]]);
    const connector = new RSocketConnector({
      transport: wire.transport,
      setup: {
        dataMimeType: mimeTypes.json,
        metadataMimeType: mimeTypes.compositeMetadata,
        keepAlive: keepAlive.intervalMs,
        lifetime: keepAlive.lifetimeMs,
        payload: { data: Buffer.alloc(0), metadata },
      },
    });
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        wire.destroy();
        reject(new ConnectionLost(`${url} did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
    });
    try {
      const connecting = connector.connect();
      const rsocket = await Promise.race([connecting, tooLate]).catch((error: unknown) => {
        throw error instanceof ConnectionLost ? error : new ConnectionLost(`cannot connect to ${url}: ${reasonOf(error)}`);
      });
      const connection = new Connection(wire, rsocket);
      const probe = connection.request(Buffer.from('{"events":[]}'), timeoutMs).catch((error: unknown) => {
        // An answer about the batch, even a refusal of it, is an answer from a server that accepted the connection.
        if (!(error instanceof RequestFailed)) throw error;
        // A key may open something, and yet not be for sending events.
        if (error.code !== ErrorCodes.REJECTED) return;
        connection.close();
        throw new RecountRefused(`Recount takes no events with this key: ${error.message}`);
      });
      await Promise.race([probe, tooLate]);
      return connection;
    } finally {
      clearTimeout(timer);
    }
  }

  get requestsMade(): number {
    return this.requests;
  }
  get congested(): boolean {
    return this.socket.pendingBytes() > congestedBytes;
  }

  /** Resolves when the kernel has taken everything that was sent. */
  async written(): Promise<void> {
    while (!this.isClosed && this.socket.pendingBytes() > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** @throws RequestFailed, RecountRefused, ConnectionLost */
  request(data: Buffer, timeoutMs: number): Promise<Buffer> {
    this.requests++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new ConnectionLost(`no answer within ${timeoutMs} ms`));
        this.close();
      }, timeoutMs);
      this.rsocket.requestResponse(
        { data },
        {
          onNext: (payload) => {
            clearTimeout(timer);
            resolve(payload.data ?? Buffer.alloc(0));
          },
          onComplete: () => {
            clearTimeout(timer);
            resolve(Buffer.alloc(0));
          },
          onExtension: () => undefined,
          onError: (error) => {
            clearTimeout(timer);
            // A stream that ends with its connection says so without a code; the connection knows the true reason.
            const code = codeOf(error);
            if (code !== undefined) reject(new RequestFailed(error.message, code));
            else void this.closed.then(reject);
          },
        },
      );
    });
  }

  /** Hands the bytes to the socket; nobody tells whether they arrive. */
  send(data: Buffer): void {
    this.requests++;
    this.rsocket.fireAndForget({ data }, { onComplete: () => undefined, onError: () => undefined });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.rsocket.close();
  }
}

/** What lies under RSocket: the transport, and what RSocket hides of it. */
interface Wire {
  transport: ClientTransport;
  pendingBytes(): number;
  destroy(): void;
}

function wireTo(url: string): Wire {
  if (!url.startsWith('tcp://')) {
    let ws: WebSocket | undefined;
    const create = (target: string): WebSocket => {
      ws = new WebSocket(target, { perMessageDeflate: false });
      return ws;
    };
    return {
      // The transport is typed for browsers; `ws` has the same events, properties and methods.
      transport: new WebsocketClientTransport({ url, wsCreator: create as never }),
      pendingBytes: () => ws?.bufferedAmount ?? 0,
      destroy: () => ws?.terminate(),
    };
  }
  const { hostname, port } = new URL(url.replace(/^tcp:/, 'http:'));
  let socket: net.Socket | undefined;
  return {
    transport: new TcpClientTransport({
      connectionOptions: { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port === '' ? 80 : port) },
      socketCreator: (options) => {
        socket = net.connect({ ...options, noDelay: true } as net.NetConnectOpts);
        return socket;
      },
    }),
    pendingBytes: () => socket?.writableLength ?? 0,
    destroy: () => socket?.destroy(),
  };
}

const refusals: readonly number[] = [ErrorCodes.REJECTED_SETUP, ErrorCodes.INVALID_SETUP, ErrorCodes.UNSUPPORTED_SETUP];

function explain(error: Error | undefined): Error {
  if (refusals.includes(codeOf(error) ?? ErrorCodes.RESERVED)) {
    return new RecountRefused(`Recount refused the connection: ${error!.message}`);
  }
  return new ConnectionLost(error === undefined ? 'connection closed' : `connection lost: ${error.message}`);
}

/**
 * The RSocket error code. Asked of the property, not the class: rsocket-core is compiled to ES5, where what `new RSocketError` gives
 * is a plain Error with a code.
 */
function codeOf(error: Error | undefined): number | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error ?? 'connection failed');
}
