import type { Configuration } from './config';
import { onStopRequest } from './stop-request';
import { startAll, type Running } from './supervisor/supervisor';

/**
 * Starts everything, says so on stdout, and stops everything when asked to.
 * @throws StartFailure
 */
export async function runAll(configuration: Configuration): Promise<void> {
  let stopping = false;
  const running = startAll(configuration, ({ stop, kill }) => {
    onStopRequest({
      stop: async () => {
        stopping = true;
        await stop();
      },
      force: kill,
    });
  });
  // A start that was interrupted fails because it was interrupted: the stop decides how the process ends.
  await running.then(announce, (error: unknown) => {
    if (!stopping) throw error;
  });
}

/** What a person or a script needs to go on: where the token is, never the token; and the line that says that all is listening. */
export function announce(running: Running): void {
  if (running.adminToken.path !== undefined) process.stdout.write(`admin token: ${running.adminToken.path}\n`);
  process.stdout.write(`ready ${running.ports}\n`);
}
