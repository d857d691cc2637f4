import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { distPath } from '../dist';
import { eventually, isolated, newFolder, RecountProcess } from '../running/recount';

export interface Answer<T = unknown> {
  status: number;
  body: T;
}
interface Row {
  [metric: string]: unknown;
}
export interface Report {
  rows: (Row & { time?: string; value?: string })[];
  totals: Row;
  meta: { asOf: string | null; lagSeconds: number; projection: string; version: number; exact?: boolean };
}

/** Recount with its embedded stores, as `npm start` runs it, in a folder and on ports of its own; and what its users do with it. */
export class Stack {
  private constructor(
    readonly folder: string,
    readonly process: RecountProcess,
    readonly ports: { http: number; rsocketTcp: number; rsocketWs: number },
    readonly adminToken: string,
  ) {}

  static async start(variables: Record<string, string> = {}, folder = newFolder()): Promise<Stack> {
    const recount = new RecountProcess(isolated(folder, { LOG_LEVEL: 'info', ...variables }));
    try {
      const ports = await recount.ready();
      return new Stack(folder, recount, ports, fs.readFileSync(path.join(folder, 'admin-token'), 'utf8').trim());
    } catch (error) {
      await recount.stop('SIGKILL');
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  async ask<T = unknown>(method: string, route: string, body?: unknown, token: string | undefined = this.adminToken): Promise<Answer<T>> {
    const response = await fetch(this.url + route, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
  }

  /** Registers a merchant with one source; gives its write key. */
  async merchant(merchantId: string, more: object = {}): Promise<string> {
    const made = await this.ask('POST', '/v1/merchants', { merchantId, name: merchantId, ...more });
    if (made.status !== 201) throw new Error(`registering ${merchantId}: ${made.status} ${JSON.stringify(made.body)}`);
    const source = await this.ask<{ writeKey: string }>('POST', `/v1/merchants/${merchantId}/sources`, { name: 'shop' });
    return source.body.writeKey;
  }

  timeseries(merchantId: string, query: Record<string, string>): Promise<Report> {
    return this.report(merchantId, 'timeseries', query);
  }

  breakdown(merchantId: string, query: Record<string, string>): Promise<Report> {
    return this.report(merchantId, 'breakdown', query);
  }

  /** One that is not refused. */
  async report<T = Report>(merchantId: string, report: string, query: Record<string, string>): Promise<T> {
    const { status, body } = await this.ask<T>('GET', `/v1/merchants/${merchantId}/${report}?${new URLSearchParams(query).toString()}`);
    if (status !== 200) throw new Error(`${report}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Until everything collected before now is counted: the answer's asOf has passed this moment. */
  async counted(merchantId: string, withinMs = 90_000): Promise<void> {
    const now = Date.now();
    const today = new Date(now).toISOString().slice(0, 10);
    const query = new URLSearchParams({ metrics: 'events,sessions,orders', from: today, to: today, interval: 'day' }).toString();
    await eventually(async () => {
      // While a store or the front comes back there is no answer yet, or one that says so.
      const answer = await this.ask<Report>('GET', `/v1/merchants/${merchantId}/timeseries?${query}`).catch((error: Error) => {
        if (error.name === 'TypeError' || error.name === 'TimeoutError') return undefined;
        throw error;
      });
      const asOf = answer?.status === 200 ? answer.body.meta.asOf : null;
      return asOf !== null && Date.parse(asOf) > now;
    }, withinMs);
  }

  /** Ends it as a user would, and removes what it stored. */
  async end(): Promise<void> {
    await this.process.stop('SIGTERM');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs `recount ARGS` against a stack, as a user would in a shell. */
export async function recount(stack: Stack, ...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [distPath('src/cli/recount.ts'), ...args], {
    env: {
      PATH: process.env.PATH,
      DATA_DIR: stack.folder,
      HTTP_PORT: String(stack.ports.http),
      RSOCKET_TCP_PORT: String(stack.ports.rsocketTcp),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
