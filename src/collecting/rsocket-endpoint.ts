import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ErrorCodes, RSocketServer, type ServerTransport, type SocketAcceptor } from 'rsocket-core';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { ListeningPorts } from '../listening';
import { LOGGER, type Logger } from '../logging';
import { KeyDirectory } from './key-directory';
import type { Connection, ConnectionAcceptor, EngineFactory } from './rsocket/connection';
import { Responder } from './rsocket/responder';
import { authenticate, KeysUnavailable } from './rsocket/setup';
import { TcpTransport } from './rsocket/tcp-transport';
import { WsTransport } from './rsocket/ws-transport';
import { Sealer } from './sealer';

const CONNECTIONS_MAX = 20_000;

interface Endpoint {
  readonly transport: TcpTransport | WsTransport;
  readonly name: 'rsocket-tcp' | 'rsocket-ws';
  readonly variable: 'RSOCKET_TCP_PORT' | 'RSOCKET_WS_PORT';
  readonly port: number;
  stop?: () => void;
}

/** The two RSocket ports: who may connect, what is read when, and how it ends. */
@Injectable()
export class RsocketEndpoint {
  private readonly endpoints: readonly Endpoint[];

  constructor(
    private readonly commandBus: CommandBus,
    private readonly keys: KeyDirectory,
    sealer: Sealer,
    private readonly ports: ListeningPorts,
    @Inject(CONFIGURATION) private readonly configuration: ResolvedConfiguration,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const { bind: host, rsocketTcpPort, rsocketWsPort } = configuration;
    const tcp = new TcpTransport({ host, port: rsocketTcpPort, connectionsMax: CONNECTIONS_MAX });
    const ws = new WsTransport({ host, port: rsocketWsPort, connectionsMax: CONNECTIONS_MAX });
    this.endpoints = [
      { transport: tcp, name: 'rsocket-tcp', variable: 'RSOCKET_TCP_PORT', port: rsocketTcpPort },
      { transport: ws, name: 'rsocket-ws', variable: 'RSOCKET_WS_PORT', port: rsocketWsPort },
    ];
    sealer.gauge.onPressure((high) => {
      if (high) logger.warn('too many events wait for the log: connections are not read until it has caught up');
      for (const { transport } of this.endpoints) transport.connections.hold(high);
    });
  }

  /** @throws Error saying which port cannot be listened on, and what to do */
  async listen(): Promise<void> {
    for (const endpoint of this.endpoints) {
      try {
        const listening = await this.serve(endpoint.transport).bind();
        endpoint.stop = () => listening.close();
      } catch (error) {
        this.destroy();
        throw listenFailure(error as NodeJS.ErrnoException, endpoint, this.configuration.bind);
      }
      this.ports.set(endpoint.name, endpoint.transport.port);
    }
  }

  stopListening(): void {
    for (const endpoint of this.endpoints) endpoint.stop?.();
  }

  /** Asks every client to go elsewhere, and takes what they still send until they have. */
  async sendAway(withinMs: number): Promise<void> {
    for (const { transport } of this.endpoints) transport.connections.announceClose();
    await Promise.all(this.endpoints.map(({ transport }) => transport.connections.closed(withinMs)));
  }

  destroy(): void {
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
          return new Responder(session, {
            commandBus: this.commandBus,
            keys: this.keys,
            logger: this.logger,
            onRevoked: (message) => connection.fail(ErrorCodes.CONNECTION_ERROR, message),
          });
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

function listenFailure(error: NodeJS.ErrnoException, { port, variable }: Endpoint, host: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(
        `Port ${port} on ${host} is taken by another program: stop that program, or set ${variable} to a free port (0 picks one).`,
      );
    case 'EACCES':
      return new Error(`Listening on port ${port} is not permitted to this user: set ${variable} to a port above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`${host} is not an address of this machine: set BIND to one that is, such as 127.0.0.1 or 0.0.0.0.`);
    default:
      return new Error(`Cannot listen on ${host}:${port} (${error.message}): change BIND or ${variable}.`);
  }
}
