import { parseArgs } from 'node:util';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { start, StartError, type StartedServer } from './start';

/**
 * The server as a process of its own: `--folder PATH [--host ADDRESS] [--port NUMBER] [--max-append-bytes NUMBER]`.
 * Prints `listening <port>` when it is ready. SIGTERM, SIGINT and the loss of its IPC parent end it cleanly with exit code 0;
 * what keeps it from starting is one line on stderr and exit code 1.
 *
 * Run it with `node --initial-old-space-size=256`: V8 counts the buffers passing through as growth of a heap that is tiny
 * itself, and by default marks it through every few megabytes; the flag takes a quarter off the cost of an append.
 */
async function main(): Promise<void> {
  // The library would add lines of its own to the one that says what is wrong.
  setLogVerbosity(logVerbosity.NONE);
  const stopping = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
    if (process.channel) process.once('disconnect', resolve);
  });
  const server = await startFromArguments();
  process.stdout.write(`listening ${server.port}\n`);
  await stopping;
  await server.stop();
}

async function startFromArguments(): Promise<StartedServer> {
  const { values } = parseArgs({
    options: { folder: { type: 'string' }, host: { type: 'string' }, port: { type: 'string' }, 'max-append-bytes': { type: 'string' } },
  });
  const { folder, host } = values;
  if (!folder) throw new StartError('--folder is missing; name the folder that holds the log');
  return start({
    folder,
    ...(host !== undefined && { host }),
    ...(values.port !== undefined && { port: wholeNumber('--port', values.port, 0, 65_535) }),
    ...(values['max-append-bytes'] !== undefined && {
      maxAppendBytes: wholeNumber('--max-append-bytes', values['max-append-bytes'], 1, 16 << 20),
    }),
  });
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new StartError(`${name} is '${text}'; a whole number from ${min} to ${max} is allowed`);
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    process.stderr.write(`${error.message.replaceAll('\n', ' ')}\n`);
    process.exit(1);
  },
);
