import { Inject, Injectable } from '@nestjs/common';
import { ErrorCodes, RSocketServer, type ServerTransport, type SocketAcceptor } from 'rsocket-core';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { ListeningPorts } from '../listening';
import { KeyDirectory } from '../peers/key-directory';
import { listenFailure } from '../ports';
import type { Connection, ConnectionAcceptor, EngineFactory } from './connection';
import { Responder } from './responder';
import type { RsocketRoute } from './route';
import { authenticate, KeysUnavailable } from './setup';
import { TcpTransport } from './tcp-transport';
import { WsTransport } from './ws-transport';

const CONNECTIONS_MAX = 20_000;
/** After everyone was asked to go elsewhere. */
const GONE_WITHIN_MS = 500;

interface Endpoint {
  readonly transport: TcpTransport | WsTransport;
  readonly name: 'rsocket-tcp' | 'rsocket-ws';
  readonly variable: 'RSOCKET_TCP_PORT' | 'RSOCKET_WS_PORT';
  readonly port: number;
  stop?: () => void;
}

/** What a role does on the way out. */
export interface StopSteps {
  /** While connections are still open and new ones still taken: answers who waits. */
  beforeClosing(): Promise<void>;
  /** When clients were asked to go elsewhere, and before the connections that stayed are cut. */
  afterClosing(): Promise<void>;
}

/** The two RSocket ports of this process: who may connect, what is read when, who answers it, and how it ends. */
@Injectable()
export class RsocketEndpoint {
  private readonly endpoints: readonly Endpoint[];
  private readonly routes = new Map<string, RsocketRoute>();
  private readonly stopSteps: StopSteps[] = [];

  constructor(
    private readonly keys: KeyDirectory,
    private readonly ports: ListeningPorts,
    @Inject(CONFIGURATION) private readonly configuration: ResolvedConfiguration,
  ) {
    const { bind: host, rsocketTcpPort, rsocketWsPort } = configuration;
    const tcp = new TcpTransport({ host, port: rsocketTcpPort, connectionsMax: CONNECTIONS_MAX });
    const ws = new WsTransport({ host, port: rsocketWsPort, connectionsMax: CONNECTIONS_MAX });
    this.endpoints = [
      { transport: tcp, name: 'rsocket-tcp', variable: 'RSOCKET_TCP_PORT', port: rsocketTcpPort },
      { transport: ws, name: 'rsocket-ws', variable: 'RSOCKET_WS_PORT', port: rsocketWsPort },
    ];
  }

  /** Before the ports are opened: who answers what. */
  answer(route: RsocketRoute): void {
    this.routes.set(route.name, route);
  }

  whenStopping(steps: StopSteps): void {
    this.stopSteps.push(steps);
  }

  /** Stops reading from those who send events, or reads again. */
  hold(isHeld: boolean): void {
    for (const { transport } of this.endpoints) transport.connections.hold(isHeld);
  }

  /** @throws StartFailure saying which port cannot be listened on, and what to do */
  async listen(): Promise<void> {
    for (const endpoint of this.endpoints) {
      try {
        const listening = await this.serve(endpoint.transport).bind();
        endpoint.stop = () => listening.close();
      } catch (error) {
        this.destroy();
        throw listenFailure(error as NodeJS.ErrnoException, { ...endpoint, host: this.configuration.bind });
      }
      this.ports.set(endpoint.name, endpoint.transport.port);
    }
  }

  /**
   * Answers who waits, asks clients to go elsewhere, and takes what they had sent until they have gone. What is lost after that was
   * never acknowledged.
   */
  async stop(): Promise<void> {
    await Promise.all(this.stopSteps.map((steps) => steps.beforeClosing()));
    // Only now, so that connections the system has accepted and this process has not are taken rather than reset.
    this.stopListening();
    // The answers are on their way through promises; they must be written before the connections are told to close.
    await new Promise((resolve) => setImmediate(resolve));
    for (const { transport } of this.endpoints) transport.connections.announceClose();
    await Promise.all(this.endpoints.map(({ transport }) => transport.connections.closed(GONE_WITHIN_MS)));
    await Promise.all(this.stopSteps.map((steps) => steps.afterClosing()));
    this.destroy();
  }

  private stopListening(): void {
    for (const endpoint of this.endpoints) endpoint.stop?.();
  }

  private destroy(): void {
    this.stopListening();
    for (const { transport } of this.endpoints) transport.connections.destroyAll();
  }

  private serve(transport: ServerTransport): RSocketServer {
    // rsocket-core gives its acceptor the SETUP payload but not the connection. It calls it before anything asynchronous happens,
    // so the connection it was given last is the one being accepted.
    let accepting: Connection | undefined;
    const knowing: ServerTransport = {
      bind: (accept: ConnectionAcceptor, createEngine: EngineFactory) =>
        transport.bind((frame, connection) => {
          accepting = connection as Connection;
          return accept(frame, connection);
        }, createEngine),
    };
    const acceptor: SocketAcceptor = {
      accept: async (setup) => {
        const connection = accepting!;
        try {
          const session = await authenticate(setup, connection, this.keys);
          // What holds the senders of events back is no reason to keep readers of reports waiting.
          if (session.record.kind === 'read') connection.neverHold();
          const responder = new Responder(session, {
            routes: this.routes,
            keys: this.keys,
            onClosed: (message) => connection.fail(ErrorCodes.CONNECTION_ERROR, message),
          });
          // One that was silent for long must not go by what was true then.
          connection.waitFor(() => responder.checkKey());
          return responder;
        } catch (error) {
          // rsocket-core would say REJECTED_SETUP, which tells a client that trying again is pointless.
          if (error instanceof KeysUnavailable) connection.fail(ErrorCodes.CONNECTION_ERROR, error.message);
          throw error;
        }
      },
    };
    return new RSocketServer({ transport: knowing, acceptor });
  }
}
