import * as os from 'node:os';
import { parseArgs } from 'node:util';
import { sendTraffic } from '../../src/cli/demo/send-traffic';
import { benchEndToEnd } from './end-to-end';
import { benchFold } from './fold';
import { benchQuery } from './query';
import { benchRebuild } from './rebuild';
import { BenchedRecount, sleep } from './running';

const usage = `npm run bench -- [--seconds 20] [--merchants 50] [--only fold|end-to-end|rebuild|query]

fold        CPU per event of the block codec and of each projection, in one thread
end-to-end  collect → durable → counted → visible, as fast as it goes and at half that rate
rebuild     resets of each projection over what end-to-end left in the log
query       30 days by hour and by page, by 1, 20 and 200 readers at once`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '20' },
      merchants: { type: 'string', default: '50' },
      only: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(usage);
  const seconds = Number(values.seconds);
  const wants = (part: string): boolean => values.only === undefined || values.only === part;
  const [cpu] = os.cpus();
  console.log(
    `${os.cpus().length} × ${cpu?.model}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${new Date().toISOString()}, load ${os.loadavg()[0]!.toFixed(2)}`,
  );
  if (wants('fold')) console.table(benchFold());
  if (!wants('end-to-end') && !wants('rebuild') && !wants('query')) return;

  const recount = await BenchedRecount.start();
  try {
    if (wants('end-to-end') || wants('rebuild')) {
      const merchants = Array.from({ length: Number(values.merchants) }, (_, i) => `bench-${i}`);
      const keys = await recount.merchants(merchants);
      // The first seconds belong to the compiler.
      await benchEndToEnd(recount, merchants, keys, { seconds: Math.min(5, seconds), eventsPerFrame: 50, rate: 0 });
      const fastest = await benchEndToEnd(recount, merchants, keys, { seconds, eventsPerFrame: 50, rate: 0 });
      console.log('as fast as it goes, frames of 50', fastest);
      if (wants('end-to-end')) {
        console.log('frames of 500', await benchEndToEnd(recount, merchants, keys, { seconds, eventsPerFrame: 500, rate: 0 }));
        console.log(
          'at half the rate',
          await benchEndToEnd(recount, merchants, keys, { seconds, eventsPerFrame: 50, rate: fastest.visiblePerSecond / 2 }),
        );
      }
      if (wants('rebuild'))
        for (const projection of ['traffic', 'sessions', 'commerce'])
          console.log(`rebuild of ${projection}`, await benchRebuild(recount, projection));
    }
    if (wants('query')) {
      const [key] = await recount.merchants(['month']);
      await sendTraffic({
        url: `tcp://127.0.0.1:${recount.tcpPort}`,
        writeKey: key!,
        traffic: { seed: 1, until: Date.now(), days: 30, events: 200_000 },
      });
      await sleep(5_000);
      const range = `from=${new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10)}&to=${new Date().toISOString().slice(0, 10)}`;
      for (const readers of [1, 20, 200]) {
        const hourly = `/v1/merchants/month/timeseries?metrics=pageviews,visitors&interval=hour&${range}`;
        console.log(await benchQuery(recount, hourly, readers, Math.min(seconds, 10)));
        console.log(
          await benchQuery(
            recount,
            `/v1/merchants/month/breakdown?dimension=page&metrics=pageviews,visitors&limit=20&${range}`,
            readers,
            Math.min(seconds, 10),
          ),
        );
      }
    }
  } finally {
    await recount.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
