import type { Command } from 'commander';
import { resolve } from 'node:path';
import { adminTokenPath, readToken } from '../admin-token';
import { CommandFailed } from './command-failed';
import { hostOf, variable } from './variables';

export interface ApiOptions {
  url: string;
  adminToken?: string;
}

const answerWithinMs = 30_000;

/** Adds --url and --admin-token to a command that talks to a running Recount. */
export function withApiOptions(command: Command): Command {
  return command
    .option('--url <url>', 'where Recount listens', defaultUrl())
    .option('--admin-token <token>', 'default: ADMIN_TOKEN, or the one in DATA_DIR/admin-token');
}

function defaultUrl(): string {
  return `http://${hostOf(variable('BIND') ?? '127.0.0.1')}:${variable('HTTP_PORT') ?? 8080}`;
}

/** The HTTP API of Recount with the admin token; every failure becomes one line that says what to do. */
export class Api {
  private constructor(
    readonly url: string,
    private readonly token: string,
  ) {}

  /** @throws CommandFailed when no token is given and none is found */
  static from(options: ApiOptions): Api {
    const path = adminTokenPath(resolve(variable('DATA_DIR') ?? './data'));
    const token = options.adminToken ?? variable('ADMIN_TOKEN') ?? readToken(path);
    if (token === undefined) {
      throw new CommandFailed(`No admin token: ${path} does not exist. Give --admin-token, or set DATA_DIR to the data folder of Recount.`);
    }
    return new Api(options.url.replace(/\/+$/, ''), token);
  }

  static with(url: string, token: string): Api {
    return new Api(url, token);
  }

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }
  post<T>(path: string, body: object = {}): Promise<T> {
    return this.call<T>('POST', path, body);
  }

  /** Undefined when the server answers 404. */
  async find<T>(path: string): Promise<T | undefined> {
    const answer = await this.fetch('GET', path);
    if (answer.status === 404) {
      await answer.body?.cancel();
      return undefined;
    }
    return this.read<T>(answer, 'GET', path);
  }

  /** The answer whatever its status: for health checks, whose answer is meant to be read when it is not 200, too. */
  async ask(path: string): Promise<{ status: number; body: unknown }> {
    const answer = await this.fetch('GET', path);
    const text = await answer.text();
    try {
      return { status: answer.status, body: JSON.parse(text) };
    } catch {
      return { status: answer.status, body: text };
    }
  }

  private async call<T>(method: string, path: string, body?: object): Promise<T> {
    return this.read<T>(await this.fetch(method, path, body), method, path);
  }

  private async fetch(method: string, path: string, body?: object): Promise<Response> {
    try {
      return await fetch(this.url + path, {
        method,
        headers: { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(answerWithinMs),
      });
    } catch (error) {
      const { cause, message } = error as Error & { cause?: Error };
      const reason = cause?.message || message;
      throw new CommandFailed(`Recount does not answer at ${this.url} (${reason}). Is it running (npm start)? Another address: --url.`);
    }
  }

  private async read<T>(answer: Response, method: string, path: string): Promise<T> {
    const text = await answer.text();
    if (!answer.ok) throw new CommandFailed(refusal(answer.status, text, method, path));
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch {
      throw new CommandFailed(`What answers at ${this.url} is not Recount: ${method} ${path} gave no JSON. Another address: --url.`);
    }
  }
}

/** From an RFC 9457 problem, else from the status. */
function refusal(status: number, text: string, method: string, path: string): string {
  if (status === 401 || status === 403) return 'Recount refused the admin token: give the right one with --admin-token.';
  let detail: string | undefined;
  try {
    const problem = JSON.parse(text) as { title?: string; detail?: string };
    detail = problem.detail ?? problem.title;
  } catch {
    detail = text.slice(0, 200);
  }
  return `${method} ${path} failed with status ${status}${detail ? `: ${detail}` : ''}`;
}
