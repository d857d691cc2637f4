import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { distPath } from '../dist';

/** One of the embedded stores as a process of its own, on a free port. */
export class EmbeddedStore {
  private constructor(
    private readonly process: ChildProcess,
    readonly port: number,
  ) {}

  /** @param folder of all stores; each has one of its own in it */
  static async start(kind: 'eventstoredb' | 'mongodb', folder: string): Promise<EmbeddedStore> {
    const child = spawn(process.execPath, [distPath(`src/embedded/${kind}/main.ts`), '--folder', `${folder}/${kind}`, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /^listening (\d+)$/.exec(line)?.[1];
      if (port !== undefined) return new EmbeddedStore(child, Number(port));
    }
    throw new Error(`${kind} ended before it listened`);
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await gone;
  }
}
