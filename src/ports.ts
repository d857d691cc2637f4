import * as net from 'node:net';
import type { Configuration } from './config';
import { oneLine, StartFailure } from './start-failure';

type PortSettings = Pick<Configuration, 'httpPort' | 'rsocketTcpPort' | 'rsocketWsPort' | 'bind'>;
interface NamedPort {
  readonly variable: string;
  readonly port: number;
  readonly host: string;
}

/** The ports of Recount itself, each with the variable that moves it. */
export function publicPorts(settings: PortSettings): NamedPort[] {
  return [
    { variable: 'HTTP_PORT', port: settings.httpPort, host: settings.bind },
    { variable: 'RSOCKET_TCP_PORT', port: settings.rsocketTcpPort, host: settings.bind },
    { variable: 'RSOCKET_WS_PORT', port: settings.rsocketWsPort, host: settings.bind },
  ];
}

/**
 * Finds out early, before anything is started, that a port cannot be listened on.
 * @throws StartFailure naming the variable to change
 */
export async function checkPorts(ports: readonly NamedPort[]): Promise<void> {
  for (const named of ports) {
    if (named.port === 0) continue;
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      const server = net.createServer();
      server.once('error', resolve);
      server.listen({ host: named.host, port: named.port, exclusive: true }, () => server.close(() => resolve(undefined)));
    });
    if (error !== undefined) throw listenFailure(error, named);
  }
}

/** Turns what `listen` threw into a StartFailure; undefined when the error has another origin. */
export function explainListenError(error: unknown, settings: PortSettings): StartFailure | undefined {
  const { syscall, port } = error as { syscall?: string; port?: number };
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return undefined;
  const named = publicPorts(settings).find((candidate) => candidate.port === port) ?? publicPorts(settings)[0]!;
  return listenFailure(error as NodeJS.ErrnoException, named);
}

/** What to do about a port that cannot be listened on. */
export function listenFailure(error: NodeJS.ErrnoException, { variable, port, host }: NamedPort): StartFailure {
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartFailure(
        `Port ${port} on ${host} is taken by another program: stop that program, or set ${variable} to a free port (0 picks one).`,
      );
    case 'EACCES':
      return new StartFailure(`Listening on port ${port} is not permitted to this user: set ${variable} to a port above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartFailure(`${host} is not an address of this machine: set BIND to one that is, such as 127.0.0.1 or 0.0.0.0.`);
    default:
      return new StartFailure(`Cannot listen on ${host}:${port} (${oneLine(error)}): change BIND or ${variable}.`);
  }
}
