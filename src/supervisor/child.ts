import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Logger } from '../logging';
import { StartFailure } from '../start-failure';
import type { ChildMessage } from './messages';

export interface ChildPlan {
  name: string;
  script: string;
  /** Asked again at every start: a restart listens where the first start did. */
  /** For Node itself. */
  nodeArgs?: readonly string[];
  args: () => string[];
  env: () => NodeJS.ProcessEnv;
  /** A role process sends a message when it serves; a store prints `listening <port>`. */
  readyBy: 'message' | 'listening-line';
  startWithinMs: number;
  /** Time to end after SIGTERM, before SIGKILL. */
  stopWithinMs: number;
}

const restartFirstMs = 100;
const restartMaxMs = 10_000;
/** A process that ran this long was healthy: its next crash is restarted at once. */
const healthyAfterMs = 30_000;
const preload = join(__dirname, 'leave-with-parent.js');

/**
 * For glibc's allocator: what was freed is kept for what comes next, up to 256 MB, instead of being given back and asked for again.
 * Blocks, documents and messages are megabytes that come and go all the time, and a page that is new to a process costs a fault, on some virtual
 * machines ten microseconds each (decision 014). Settings of the environment win; other allocators do not know these.
 */
const keepFreedMemory = {
  MALLOC_MMAP_THRESHOLD_: String(32 << 20),
  MALLOC_TRIM_THRESHOLD_: String(256 << 20),
  MALLOC_TOP_PAD_: String(32 << 20),
};

/** One process, kept running: started, started again with growing pauses when it ends by itself, stopped once. */
export class Child {
  private process: ChildProcess | undefined;
  private startedAt = 0;
  private failures = 0;
  private stopping = false;
  private restart: NodeJS.Timeout | undefined;

  constructor(
    private readonly plan: ChildPlan,
    private readonly logger: Logger,
  ) {}

  get pid(): number | undefined {
    return this.process?.pid;
  }
  get name(): string {
    return this.plan.name;
  }

  /**
   * The first start. Resolves with what the process says about its ports; from then on it is restarted whenever it ends.
   * @throws StartFailure with the reason the process gave
   */
  async start(): Promise<string> {
    const ports = await this.launch();
    this.logger.info({ child: this.plan.name, pid: this.pid, ports }, 'started');
    return ports;
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    const running = this.process;
    if (running === undefined) return;
    const gone = new Promise<void>((resolve) => running.once('close', () => resolve()));
    running.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.logger.warn({ child: this.plan.name, afterMs: this.plan.stopWithinMs }, 'did not stop in time, killing it');
      running.kill('SIGKILL');
    }, this.plan.stopWithinMs);
    await gone;
    clearTimeout(timer);
  }

  /** At once, without a word to the process. */
  kill(): void {
    this.stopping = true;
    clearTimeout(this.restart);
    this.process?.kill('SIGKILL');
  }

  private launch(): Promise<string> {
    const { name, script, nodeArgs = [], args, env, readyBy, startWithinMs } = this.plan;
    // Detached: Ctrl-C in a terminal reaches the whole foreground group, and the stores must outlive the roles that still flush.
    const child = fork(script, args(), {
      env: { ...keepFreedMemory, ...env() },
      execArgv: ['--require', preload, ...nodeArgs],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    this.process = child;
    this.startedAt = Date.now();
    return new Promise<string>((resolve, reject) => {
      let ready = false;
      let lastWords: string | undefined;
      const held: string[] = [];
      const timer = setTimeout(() => {
        lastWords = `not ready after ${startWithinMs / 1000} s`;
        child.kill('SIGKILL');
      }, startWithinMs);
      const isReady = (ports: string): void => {
        if (ready) return;
        ready = true;
        clearTimeout(timer);
        for (const line of held.splice(0)) process.stderr.write(`${line}\n`);
        resolve(ports);
      };
      child.on('message', (message: ChildMessage) => {
        if (message.kind === 'failed') lastWords = message.message;
        else isReady(message.ports);
      });
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const port = /^listening (\d+)$/.exec(line)?.[1];
        if (readyBy === 'listening-line' && port !== undefined) isReady(port);
        else if (line !== '') this.logger.info({ child: name }, line);
      });
      createInterface({ input: child.stderr! }).on('line', (line) => {
        if (ready) process.stderr.write(`${line}\n`);
        else if (held.length < 200) held.push(line);
      });
      child.once('error', (error) => {
        lastWords = error.message;
      });
      // 'close' comes after everything the process printed has been read.
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        if (this.process === child) this.process = undefined;
        if (!ready) {
          const reason = lastWords ?? reasonIn(held) ?? `it ended with ${signal ?? `code ${code}`}`;
          reject(new StartFailure(lastWords !== undefined && readyBy === 'message' ? reason : `${name} did not start: ${reason}`));
        } else if (!this.stopping) {
          this.logger.error({ child: name, code, signal }, 'ended by itself, starting it again');
          this.startAgain();
        }
      });
    });
  }

  private startAgain(): void {
    if (Date.now() - this.startedAt > healthyAfterMs) this.failures = 0;
    const pauseMs = Math.min(restartMaxMs, restartFirstMs * 2 ** Math.min(this.failures++, 20));
    this.restart = setTimeout(() => {
      this.launch().then(
        (ports) => this.logger.info({ child: this.plan.name, pid: this.pid, ports }, 'started again'),
        (error: Error) => {
          if (this.stopping) return;
          this.logger.error({ child: this.plan.name, reason: error.message }, 'could not be started again, trying later');
          this.startAgain();
        },
      );
    }, pauseMs);
  }
}

/** The line of an uncaught error that names it, else the last line printed. */
function reasonIn(lines: readonly string[]): string | undefined {
  const text = lines.filter((line) => line.trim() !== '');
  return text.find((line) => /^(Uncaught )?\w*Error\b.*:/.test(line)) ?? text.at(-1);
}
