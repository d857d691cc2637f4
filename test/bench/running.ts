import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';

export interface Usage {
  cpuSeconds: number;
  rssPeakMb: number;
}

/** Clock ticks a second of /proc/<pid>/stat (Linux: USER_HZ). */
const ticksPerSecond = 100;

/** Recount started as `npm start` does, in a folder and on ports of its own; its processes can be told apart. */
export class BenchedRecount {
  private constructor(
    readonly folder: string,
    private readonly supervisor: ChildProcess,
    readonly url: string,
    readonly tcpPort: number,
    private readonly token: string,
    /** Process ids by role. */
    readonly pids: ReadonlyMap<string, number>,
  ) {}

  static async start(variables: Record<string, string> = {}): Promise<BenchedRecount> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'recount-bench-'));
    const supervisor = spawn(process.execPath, [path.join(__dirname, '../../src/main.js')], {
      env: {
        ...process.env,
        DATA_DIR: folder,
        HTTP_PORT: '0',
        RSOCKET_TCP_PORT: '0',
        RSOCKET_WS_PORT: '0',
        EMBEDDED_EVENTSTORE_PORT: '0',
        EMBEDDED_MONGODB_PORT: '0',
        LOG_LEVEL: 'info',
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const pids = new Map<string, number>();
    createInterface({ input: supervisor.stderr }).on('line', (line) => {
      if (!line.startsWith('{')) return process.stderr.write(`${line}\n`);
      const { msg, child, pid } = JSON.parse(line) as { msg: string; child?: string; pid?: number };
      if (msg === 'started' && child !== undefined) pids.set(child, pid!);
      return undefined;
    });
    for await (const line of createInterface({ input: supervisor.stdout })) {
      const ports = /^ready http=(\d+) rsocket-tcp=(\d+)/.exec(line);
      if (ports === null) continue;
      const token = fs.readFileSync(path.join(folder, 'admin-token'), 'utf8').trim();
      const started = new BenchedRecount(folder, supervisor, `http://127.0.0.1:${ports[1]}`, Number(ports[2]), token, pids);
      process.once('SIGINT', () => void started.stop().finally(() => process.exit(130)));
      return started;
    }
    throw new Error('Recount ended before it was ready');
  }

  async ask<T>(method: string, route: string, body?: object): Promise<T> {
    const answer = await fetch(this.url + route, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  get bearer(): string {
    return `Bearer ${this.token}`;
  }

  /** Registers merchants and gives their write keys. */
  async merchants(ids: readonly string[]): Promise<string[]> {
    const keys: string[] = [];
    for (const merchantId of ids) {
      await this.ask('POST', '/v1/merchants', { merchantId, name: merchantId });
      keys.push((await this.ask<{ writeKey: string }>('POST', `/v1/merchants/${merchantId}/sources`, { name: 'bench' })).writeKey);
    }
    return keys;
  }

  /** CPU used so far and peak memory, by process. */
  usage(): Map<string, Usage> {
    return new Map([...this.pids].map(([name, pid]) => [name, usageOf(pid)]));
  }

  /** Bytes under a part of the data folder. */
  bytesOf(part: string): number {
    const size = (entry: string): number => {
      const stat = fs.statSync(entry);
      return stat.isDirectory() ? fs.readdirSync(entry).reduce((sum, name) => sum + size(path.join(entry, name)), 0) : stat.blocks * 512;
    };
    return size(path.join(this.folder, part));
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.supervisor.once('close', resolve));
    this.supervisor.kill('SIGTERM');
    await gone;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

export function usageOf(pid: number): Usage {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const peak = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond, rssPeakMb: Math.round(Number(peak) / 1024) };
}

/** CPU µs per event of each process between two readings. */
export function cpuPerEvent(before: ReadonlyMap<string, Usage>, after: ReadonlyMap<string, Usage>, events: number): Record<string, string> {
  return Object.fromEntries(
    [...after].map(([name, usage]) => {
      const us = ((usage.cpuSeconds - (before.get(name)?.cpuSeconds ?? 0)) * 1e6) / events;
      return [name, `${us.toFixed(2)} µs/event, peak ${usage.rssPeakMb} MB`];
    }),
  );
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function quantile(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;
}
