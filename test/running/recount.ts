import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { distPath } from '../dist';

const mainScript = distPath('src/main.ts');

/** Free ports, loopback, a folder of its own, quiet: what a test adds comes on top. */
export function isolated(folder: string, variables: Record<string, string> = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    DATA_DIR: folder,
    HTTP_PORT: '0',
    RSOCKET_TCP_PORT: '0',
    RSOCKET_WS_PORT: '0',
    EMBEDDED_EVENTSTORE_PORT: '0',
    EMBEDDED_MONGODB_PORT: '0',
    LOG_LEVEL: 'info',
    ...variables,
  };
}

export const newFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'recount-running-'));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A Recount process of its own, as a user starts it. */
export class RecountProcess {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly ended: Promise<Ended>;
  readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();

  /** @param script of dist; in a folder without a `.env` of its own, unless another one is named */
  constructor(variables: NodeJS.ProcessEnv, script = mainScript, args: string[] = [], cwd = os.tmpdir()) {
    this.child = spawn(process.execPath, [script, ...args], { env: variables, stdio: ['ignore', 'pipe', 'pipe'], cwd });
    for (const name of ['stdout', 'stderr'] as const) {
      createInterface({ input: this.child[name]! }).on('line', (line) => {
        this[name].push(line);
        for (const listener of this.listeners) listener();
      });
    }
    this.ended = new Promise((resolve) => this.child.once('close', (code, signal) => resolve({ code, signal })));
  }

  /** The ports of the `ready` line. */
  async ready(withinMs = 90_000): Promise<{ http: number; rsocketTcp: number; rsocketWs: number }> {
    const line = await this.printed('stdout', /^ready /, withinMs);
    const port = (name: string): number => Number(new RegExp(` ${name}=(\\d+)`).exec(line)?.[1]);
    return { http: port('http'), rsocketTcp: port('rsocket-tcp'), rsocketWs: port('rsocket-ws') };
  }

  /** The first line that matches, printed already or soon. */
  async printed(where: 'stdout' | 'stderr', pattern: RegExp, withinMs = 90_000, from = 0): Promise<string> {
    const end = Date.now() + withinMs;
    let gone = false;
    void this.ended.then(() => (gone = true));
    for (;;) {
      const found = this[where].slice(from).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (gone || Date.now() > end) {
        throw new Error(
          `${gone ? 'ended' : `${withinMs} ms passed`} without ${pattern} on ${where}:\n${[...this.stdout, ...this.stderr].join('\n')}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The structured log lines of the supervisor. */
  log(): { msg: string; child?: string; pid?: number; ports?: string }[] {
    return this.stderr.flatMap((line) => {
      try {
        return [JSON.parse(line) as { msg: string }];
      } catch {
        return [];
      }
    });
  }

  /** Process ids by child name, those of the newest start. */
  pids(): Map<string, number> {
    const found = new Map<string, number>();
    for (const { msg, child, pid } of this.log()) if (msg.startsWith('started') && child !== undefined) found.set(child, pid!);
    return found;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended & { ms: number }> {
    const from = Date.now();
    this.child.kill(signal);
    const ended = await this.ended;
    return { ...ended, ms: Date.now() - from };
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function eventually(condition: () => boolean | Promise<boolean>, withinMs = 90_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
