import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { distPath } from '../../dist';

const serverEntry = distPath('src/embedded/mongodb/main.ts');

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly url: string;
}

/** Starts the server as its own process and waits for its `listening` line. `fileKibMax` bounds the size of any file it writes. */
export async function startProcess(folder: string, options: { port?: number; fileKibMax?: number } = {}): Promise<ServerProcess> {
  const args = [serverEntry, '--folder', folder, '--port', String(options.port ?? 0)];
  const child =
    options.fileKibMax === undefined
      ? spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      : spawn('bash', ['-c', `ulimit -f ${options.fileKibMax}; exec "$0" "$@"`, process.execPath, ...args], {
          stdio: ['ignore', 'pipe', 'pipe'],
        });
  let output = '';
  let errors = '';
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const match = /listening (\d+)/.exec(output);
      if (match !== null) resolve(Number(match[1]));
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${errors}`)));
  });
  return { child, port, url: `mongodb://127.0.0.1:${port}/?directConnection=true` };
}

/** Ends the process and waits until it is gone; the exit code, or the signal's name. */
export async function endProcess({ child }: Pick<ServerProcess, 'child'>, signal: NodeJS.Signals): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode;
  const gone = once(child, 'exit');
  child.kill(signal);
  const [code, by] = (await gone) as [number | null, string | null];
  return code ?? by;
}

/** Runs the server expecting it to refuse to start. */
export async function refusedStart(args: string[]): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(process.execPath, [serverEntry, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, lines: errors.split('\n').filter((line) => line !== '') };
}
