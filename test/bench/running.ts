import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { atEnd } from './ending';
import { sleep } from './figures';
import { forgetPeak, usageOf, type Usage } from './usage';

/** Fixed, so that events appended past the collector lie where it would have put them. */
export const partitions = 32;
const registeredAtOnce = 10;

interface Child {
  pid: number;
  /** As the supervisor logs them: a store's port, or `http=8080 …`. */
  ports: string;
}

/** CPU profiles, one file a process and measurement. */
export interface Profiles {
  readonly folder: string;
  /** From one sample to the next, microseconds. */
  readonly sampleUs: number;
}

/** Recount started as `npm start` does, in a folder and on ports of its own; its processes can be told apart. */
export class BenchedRecount {
  private stopped: Promise<void> | undefined;

  private constructor(
    private readonly folder: string,
    private readonly supervisor: ChildProcess,
    readonly url: string,
    readonly tcpPort: number,
    private readonly token: string,
    /** front, worker-1 …, eventstoredb, mongodb. */
    private readonly children: ReadonlyMap<string, Child>,
    private readonly profiled: boolean,
  ) {}

  /**
   * @param profiles undefined: none are taken
   * @param counted the only projections; undefined: all
   */
  static async start(profiles?: Profiles, counted?: readonly string[]): Promise<BenchedRecount> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'recount-bench-'));
    atEnd(() => fs.rmSync(folder, { recursive: true, force: true }));
    if (profiles !== undefined) fs.mkdirSync(profiles.folder, { recursive: true });
    const supervisor = spawn(process.execPath, [path.join(__dirname, '../../src/main.js')], {
      env: { ...process.env, ...variablesFor(folder), ...preloading(profiles, counted) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    atEnd(() => ended(supervisor));
    const children = new Map<string, Child>();
    createInterface({ input: supervisor.stderr }).on('line', (line) => noteChild(line, children));
    for await (const line of createInterface({ input: supervisor.stdout })) {
      const ports = /^ready http=(\d+) rsocket-tcp=(\d+)/.exec(line);
      if (ports === null) continue;
      const token = fs.readFileSync(path.join(folder, 'admin-token'), 'utf8').trim();
      const url = `http://127.0.0.1:${ports[1]}`;
      return new BenchedRecount(folder, supervisor, url, Number(ports[2]), token, children, profiles !== undefined);
    }
    throw new Error('Recount ended before it was ready');
  }

  get eventStoreUrl(): string {
    return `esdb://127.0.0.1:${this.children.get('eventstoredb')!.ports}?tls=false`;
  }

  get bearer(): string {
    return `Bearer ${this.token}`;
  }

  async ask<T>(method: string, route: string, body?: object): Promise<T> {
    const answer = await fetch(this.url + route, {
      method,
      headers: { authorization: this.bearer, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Registers merchants and gives their write keys. */
  async register(ids: readonly string[]): Promise<string[]> {
    const keys: string[] = [];
    for (let i = 0; i < ids.length; i += registeredAtOnce) {
      const some = ids.slice(i, i + registeredAtOnce).map(async (merchantId) => {
        await this.ask('POST', '/v1/merchants', { merchantId, name: merchantId });
        return (await this.ask<{ writeKey: string }>('POST', `/v1/merchants/${merchantId}/sources`, { name: 'bench' })).writeKey;
      });
      keys.push(...(await Promise.all(some)));
    }
    return keys;
  }

  /** Events of a merchant, bots included, over the UTC days of `from` and `to` and those between (epoch ms). */
  async counted(merchantId: string, from = Date.now() - 86_400_000, to = Date.now()): Promise<number> {
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    const query = `metrics=events&interval=day&bots=include&from=${day(from)}&to=${day(to)}`;
    const { totals } = await this.ask<{ totals: { events: number } }>('GET', `/v1/merchants/${merchantId}/timeseries?${query}`);
    return totals.events;
  }

  /** Sum of a counter of the front process over its labels that contain `label`. */
  async counter(name: string, label: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`, { headers: { authorization: this.bearer } })).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** CPU used so far and peak memory, by process. */
  usage(): Map<string, Usage> {
    return new Map([...this.children].map(([name, { pid }]) => [name, usageOf(pid)]));
  }

  /** A measurement begins: peaks, and profiles where they are wanted, are its own. */
  begin(): Map<string, Usage> {
    for (const { pid } of this.children.values()) {
      forgetPeak(pid);
      if (this.profiled) process.kill(pid, 'SIGUSR2');
    }
    return this.usage();
  }

  /** It ends. */
  end(): Map<string, Usage> {
    const usage = this.usage();
    if (this.profiled) for (const { pid } of this.children.values()) process.kill(pid, 'SIGUSR2');
    return usage;
  }

  /** Bytes on disk of one of the embedded stores. */
  bytesOf(store: 'eventstoredb' | 'mongodb'): number {
    const size = (entry: string): number => {
      const stat = fs.statSync(entry);
      return stat.isDirectory() ? fs.readdirSync(entry).reduce((sum, name) => sum + size(path.join(entry, name)), 0) : stat.blocks * 512;
    };
    return size(path.join(this.folder, store));
  }

  stop(): Promise<void> {
    return (this.stopped ??= (async () => {
      // Profiles are written by then.
      if (this.profiled) await sleep(1_000);
      await ended(this.supervisor);
      fs.rmSync(this.folder, { recursive: true, force: true });
    })());
  }
}

function variablesFor(folder: string): Record<string, string> {
  const free = { HTTP_PORT: '0', RSOCKET_TCP_PORT: '0', RSOCKET_WS_PORT: '0', EMBEDDED_EVENTSTORE_PORT: '0', EMBEDDED_MONGODB_PORT: '0' };
  return {
    ...free,
    ROLES: 'all',
    DATA_DIR: folder,
    PARTITIONS: String(partitions),
    LOG_LEVEL: 'info',
    EVENTSTORE_URL: '',
    MONGODB_URL: '',
  };
}

function preloading(profiles: Profiles | undefined, counted: readonly string[] | undefined): Record<string, string> {
  const modules = [
    ...(profiles === undefined ? [] : [require.resolve('./profiling')]),
    ...(counted === undefined ? [] : [require.resolve('./trimmed-catalog')]),
  ];
  return {
    ...(modules.length > 0 && { NODE_OPTIONS: modules.map((module) => `--require ${module}`).join(' ') }),
    ...(profiles !== undefined && {
      BENCH_PROFILE_FOLDER: path.resolve(profiles.folder),
      BENCH_PROFILE_SAMPLE_US: String(profiles.sampleUs),
    }),
    ...(counted !== undefined && { BENCH_CATALOG: counted.join(',') }),
  };
}

/** The log is JSON; everything else a process prints is meant for people. */
function noteChild(line: string, children: Map<string, Child>): void {
  if (!line.startsWith('{')) return void process.stderr.write(`${line}\n`);
  const entry = JSON.parse(line) as { level: number; msg: string; child?: string; pid?: number; ports?: string };
  if (entry.level >= 50) process.stderr.write(`${line}\n`);
  if (entry.msg !== 'started' || entry.child === undefined) return;
  const name = /^the embedded (\w+) store$/.exec(entry.child)?.[1] ?? entry.child;
  children.set(name, { pid: entry.pid!, ports: entry.ports! });
}

/** Asks a process to end; resolves when it is gone. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}
