import { CompositeMetadata, decodeAuthMetadata } from 'rsocket-composite-metadata';
import { ErrorCodes, RSocketError, RSocketServer, type Closeable } from 'rsocket-core';
import { TcpTransport } from '../../src/rsocket/tcp-transport';
import type { CollectAnswer, CollectRequest, IncomingEvent } from '../../src/protocol/event';

type Answer = CollectAnswer | Error | 'silence';

/** A collector whose answers a test decides: every batch it gets is written down, whatever it answers. */
export class ScriptedServer {
  readonly batches: CollectRequest[] = [];
  readonly keys: string[] = [];
  /** Asked for each request/response batch; the default accepts. */
  answer: (batch: CollectRequest, n: number) => Answer = (batch) => ({ accepted: batch.events.length, rejected: [] });
  private transport!: TcpTransport;
  private listening: Closeable | undefined;
  port = 0;

  constructor(public key = 'right') {}

  /** Events of all batches in the order they came, repetitions included. */
  get events(): IncomingEvent[] {
    return this.batches.flatMap((batch) => batch.events);
  }
  get openConnections(): number {
    return this.transport.connections.count;
  }

  async start(port = 0): Promise<this> {
    this.transport = new TcpTransport({ host: '127.0.0.1', port, connectionsMax: 100 });
    const server = new RSocketServer({
      transport: this.transport,
      acceptor: {
        accept: (setup) => {
          const key = keyOf(setup.metadata);
          this.keys.push(key);
          if (key !== this.key) return Promise.reject(new RSocketError(ErrorCodes.REJECTED_SETUP, 'this write key does not exist'));
          return Promise.resolve({
            fireAndForget: ({ data }, responder) => {
              this.batches.push(JSON.parse(data!.toString()) as CollectRequest);
              responder.onComplete();
              return { cancel: () => undefined };
            },
            requestResponse: ({ data }, responder) => {
              const batch = JSON.parse(data!.toString()) as CollectRequest;
              // The SDK asks an empty batch to learn whether it was let in.
              const answer = batch.events.length === 0 ? { accepted: 0, rejected: [] } : this.answer(batch, this.batches.push(batch));
              if (answer instanceof Error) responder.onError(withClass(answer));
              else if (answer !== 'silence') responder.onNext({ data: Buffer.from(JSON.stringify(answer)) }, true);
              return { cancel: () => undefined, onExtension: () => undefined };
            },
          });
        },
      },
    });
    this.listening = await server.bind();
    this.port = this.transport.port;
    return this;
  }

  /** Every connection ends, as when a process is killed; the port stays open. */
  cut(): void {
    this.transport.connections.destroyAll();
  }

  stop(): void {
    this.listening?.close();
    this.cut();
  }
}

function keyOf(metadata: Buffer | null | undefined): string {
  for (const entry of new CompositeMetadata(metadata!)) {
    if (entry.mimeType === 'message/x.rsocket.authentication.v0') return decodeAuthMetadata(entry.content).payload.toString();
  }
  return '';
}

/** The engine gives its code only to what is an instance of the class, which, compiled to ES5, its own constructor does not make. */
function withClass(error: Error): Error {
  return 'code' in error ? (Object.setPrototypeOf(error, RSocketError.prototype) as Error) : error;
}
