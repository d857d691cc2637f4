import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AllStreamResolvedEvent, binaryEvent, EventStoreDBClient, jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { start, type StartedServer, type StartOptions } from '../../../src/embedded/eventstoredb';
import { distPath } from '../../dist';

/** What a test needs around it: a folder, servers over it and clients of them, all put away at the end. */
export class Stage {
  readonly lines: string[] = [];
  private readonly endings: (() => Promise<void>)[] = [];
  private apart = 0;
  private folderPath: string | undefined;

  async folder(): Promise<string> {
    if (this.folderPath) return this.folderPath;
    const folder = await mkdtemp(join(tmpdir(), 'embedded-eventstoredb-'));
    this.endings.push(() => rm(folder, { recursive: true, force: true }));
    return (this.folderPath = folder);
  }

  async server(options: Partial<StartOptions> = {}): Promise<StartedServer> {
    const server = await start({ folder: await this.folder(), port: 0, log: (line) => void this.lines.push(line), ...options });
    this.endings.push(() => server.stop());
    return server;
  }

  /** Clients of one process share a connection; one with a keep-alive interval of its own gets its own. */
  clientApart(server: { connectionString: string }): EventStoreDBClient {
    return this.client({ connectionString: `${server.connectionString}&keepAliveInterval=${10_001 + this.apart++}` });
  }

  client(server: { connectionString: string }): EventStoreDBClient {
    const client = EventStoreDBClient.connectionString(server.connectionString);
    // Not awaited: dispose waits for streams whose reader has left and that no longer tell of their end.
    this.endings.push(async () => void client.dispose());
    return client;
  }

  async segments(): Promise<string[]> {
    const folder = await this.folder();
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith('.log')).sort();
  }

  /** The server as a process of its own; resolves when it listens. */
  async process(args: string[] = []): Promise<ServerProcess> {
    const process = await ServerProcess.start(['--folder', await this.folder(), '--port', '0', ...args]);
    this.endings.push(async () => void (await process.kill()));
    return process;
  }

  atEnd(ending: () => Promise<void>): void {
    this.endings.push(ending);
  }

  async clear(): Promise<void> {
    for (const ending of this.endings.reverse()) await ending();
  }
}

const mainPath = distPath('src/embedded/eventstoredb/main.ts');

export class ServerProcess {
  private constructor(
    readonly child: ChildProcess,
    readonly connectionString: string,
  ) {}

  static async start(args: string[]): Promise<ServerProcess> {
    const child = spawn(process.execPath, [mainPath, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const port = await new Promise<string>((resolve, reject) => {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const listening = /^listening (\d+)$/m.exec(output);
        if (listening) resolve(listening[1]!);
      });
      child.once('exit', (code) => reject(new Error(`the server exited with ${code}: ${said}`)));
    });
    return new ServerProcess(child, `esdb://127.0.0.1:${port}?tls=false`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }
}

/** Runs the entry with arguments that make it fail; what it says and its exit code. */
export async function runToExit(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [mainPath, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export const numbered = (n: number, type = 'counted') => jsonEvent({ type, data: { n } });
export const block = (bytes: number, type = 'block') => binaryEvent({ type, data: Buffer.alloc(bytes, bytes & 255) });

/** Waits for something that happens soon, however busy the machine is. */
export async function eventually(holds: () => boolean, withinMs = 60_000): Promise<void> {
  const until = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`did not happen within ${withinMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The numbers of the events read, which tell which events they are. */
export async function numbersOf(events: AsyncIterable<ResolvedEvent | AllStreamResolvedEvent>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { event } of events) numbers.push((event?.data as { n: number }).n);
  return numbers;
}

export async function take<T>(events: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

export async function allOf<T>(events: AsyncIterable<T>): Promise<T[]> {
  return take(events, Infinity);
}
