import { createRecount, RecountRefused } from '../../sdk';
import { CommandFailed } from '../command-failed';
import { progress } from '../progress';
import { demoTraffic, type DemoTraffic } from './traffic';

/** Events between two looks at the queue and the clock. */
const stride = 500;

/**
 * Sends the traffic through the SDK and waits until all of it is acknowledged.
 * @returns events sent, duplicates included
 * @throws CommandFailed when the server refuses the key or an event
 */
export async function sendTraffic(to: { url: string; writeKey: string; traffic: DemoTraffic }): Promise<number> {
  let refused: string | undefined;
  const client = createRecount({
    url: to.url,
    writeKey: to.writeKey,
    batchEventsMax: 1_000,
    queueEventsMax: 20_000,
    onReject: (rejected) => {
      refused ??= rejected[0]?.detail;
    },
    onError: () => undefined,
  });
  const bar = progress('sending', to.traffic.events, 'events');
  let sent = 0;
  try {
    for (const event of demoTraffic(to.traffic)) {
      if (!client.track(event)) break;
      if (++sent % stride !== 0) continue;
      bar.update(sent);
      await client.room();
      // The generator is all computation: without a pause nothing would reach the socket before the queue is full.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.flush({ withinMs: 300_000 });
  } catch (error) {
    throw error instanceof RecountRefused ? new CommandFailed(error.message) : error;
  } finally {
    bar.stop();
    await client.close({ withinMs: 0 }).catch(() => undefined);
  }
  if (refused !== undefined) throw new CommandFailed(`Recount refused an event of the demo: ${refused}`);
  return sent;
}
