import { parseArgs } from 'node:util';
import { start, type Started } from './start';
import { FolderInUse } from './storage/folder-lock';

/**
 * The embedded MongoDB as a process: --folder DIR [--host 127.0.0.1] [--port 0]. Prints `listening <port>` when it answers; ends with
 * code 0 after SIGTERM, SIGINT or when the parent that forked it is gone, with 1 and one line on stderr when it cannot start.
 */
async function main(): Promise<void> {
  const { folder, host, port } = readArguments();
  let started: Started;
  try {
    started = await start({
      folder,
      host,
      port,
      onFatal: (error) => fail(`cannot write the data file any more: ${message(error)}. Check the disk, then start again`),
    });
  } catch (error) {
    fail(explain(error, folder, host, port));
  }
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    started.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(`closing failed: ${message(error)}`),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('disconnect', end);
  process.stdout.write(`listening ${started.port}\n`);
}

function readArguments(): { folder: string; host: string; port: number } {
  try {
    const { values } = parseArgs({
      options: { folder: { type: 'string' }, host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '0' } },
    });
    const port = Number(values.port);
    if (values.folder === undefined || values.folder === '') throw new Error('--folder is missing');
    if (!/^\d+$/.test(values.port) || port > 65_535) throw new Error(`--port ${values.port} is not a port, allowed are 0 to 65535`);
    return { folder: values.folder, host: values.host, port };
  } catch (error) {
    return fail(`${message(error)}. Usage: --folder DIR [--host 127.0.0.1] [--port 0]`);
  }
}

function explain(error: unknown, folder: string, host: string, port: number): string {
  if (error instanceof FolderInUse) return error.message;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is taken: stop the program that uses it or choose another port`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${host} is not an address of this machine: choose another host`;
  if (code === 'EACCES' && syscall === 'listen') return `port ${port} may not be opened by this user: choose one above 1023`;
  if (code === 'ENOSPC') return `no space left for the folder ${folder}: free disk space, then start again`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EEXIST') {
    return `the folder ${folder} cannot be written (${code}): make it writable for this user or choose another folder`;
  }
  return `cannot start on folder ${folder}: ${message(error)}`;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fail(reason: string): never {
  process.stderr.write(`embedded mongodb: ${reason.replaceAll('\n', ' ')}\n`);
  process.exit(1);
}

void main();
