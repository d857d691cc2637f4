import { ConfigurationError, readConfiguration } from '../../read-configuration';
import { announce } from '../../run-all';
import { onStopRequest } from '../../stop-request';
import { startAll, type Running } from '../../supervisor/supervisor';
import { Api } from '../api';
import { untilCounted } from '../counted';
import { findMerchant, writeKeyFor, type Merchant } from '../merchants';
import { grouped } from '../table';
import { hostOf } from '../variables';
import { demoReport } from './report';
import { forget, keep, recall, trafficOf, type Story } from './story';
import { sendTraffic } from './send-traffic';

const hourMs = 3_600_000;
/** Recount knows an event id for at least an hour: an interrupted demo may be sent again while that holds. */
const sameIdsForMs = 45 * 60_000;
const countedWithinMs = 300_000;

/**
 * Starts everything, tells the story of a shop's last month, once, and shows what was counted.
 * @param events how many there are in a story that begins; one that was begun goes on as it is
 * @throws StartFailure and other one-line errors; everything started has been stopped then
 */
export async function runDemo(events: number): Promise<void> {
  // A table is to be read here; what goes wrong is still said. Processes started from here inherit it.
  process.env.LOG_LEVEL ||= 'warn';
  const configuration = readConfiguration(process.env);
  if (configuration.roles !== 'all') throw new ConfigurationError('The demo runs all roles: unset ROLES, or use recount start.');
  let stopping = false;
  let started: Pick<Running, 'stop' | 'kill'> | undefined;
  try {
    const running = await startAll(configuration, (starting) => {
      started = starting;
      const stop = async (): Promise<void> => {
        stopping = true;
        await starting.stop();
      };
      onStopRequest({ stop, force: starting.kill });
    });
    announce(running);
    await tell(running, configuration.dataDir, hostOf(configuration.bind), events);
  } catch (error) {
    // Ctrl-C ends the connections that the demo waits for.
    if (stopping) return;
    await started?.stop();
    throw error;
  }
}

async function tell(running: Running, dataDir: string, host: string, events: number): Promise<void> {
  const api = Api.with(`http://${host}:${running.httpPort}`, running.adminToken.token);
  const story = await storyFor(api, dataDir, events);
  if (story.sent === undefined) {
    const merchant = await register(api, story.merchantId);
    const writeKey = await writeKeyFor(api, merchant, 'demo shop');
    const sent = await sendTraffic({ url: `tcp://${host}:${running.rsocketTcpPort}`, writeKey, traffic: trafficOf(story) });
    await untilCounted(api, story.merchantId, Date.now(), countedWithinMs);
    // Only now: a demo that was interrupted before is sent again, with the same ids.
    keep(dataDir, { ...story, sent });
    process.stdout.write(`${grouped(sent)} events sent and counted\n`);
  } else {
    process.stdout.write(`${grouped(story.sent)} events are here already, nothing is sent\n`);
    await untilCounted(api, story.merchantId, Date.now(), countedWithinMs);
  }
  process.stdout.write(`\n${await demoReport(api, story.merchantId, story.until, running.adminToken.path)}\n`);
}

/** The story already told on this data, the one that was interrupted, or a new one. */
async function storyFor(api: Api, dataDir: string, events: number): Promise<Story> {
  const known = recall(dataDir);
  if (known !== undefined && (await findMerchant(api, known.merchantId)) === undefined && known.sent !== undefined) {
    // The stores were emptied, or are others than before.
    forget(dataDir);
    return begin(dataDir, 1, events);
  }
  if (known === undefined) return begin(dataDir, await freeChapter(api), events);
  if (known.sent !== undefined || Date.now() - known.startedAt < sameIdsForMs) return known;
  // Too old to be continued without counting some of it twice: told again, from the start, for another merchant.
  return begin(dataDir, known.chapter + 1, events);
}

function begin(dataDir: string, chapter: number, events: number): Story {
  const until = Math.floor(Date.now() / hourMs) * hourMs;
  const story: Story = { chapter, merchantId: merchantIdOf(chapter), until, events, startedAt: Date.now() };
  keep(dataDir, story);
  return story;
}

const merchantIdOf = (chapter: number): string => (chapter === 1 ? 'demo' : `demo-${chapter}`);

/** The note about the story may be lost while the stores are not. */
async function freeChapter(api: Api): Promise<number> {
  for (let chapter = 1; ; chapter++) {
    if ((await findMerchant(api, merchantIdOf(chapter))) === undefined) return chapter;
  }
}

async function register(api: Api, merchantId: string): Promise<Merchant> {
  return (
    (await findMerchant(api, merchantId)) ??
    (await api.post<Merchant>('/v1/merchants', { merchantId, name: 'Tide & Pine', timezone: 'UTC', currency: 'USD' }))
  );
}
