import { fork } from 'node:child_process';
import * as path from 'node:path';
import { atEnd } from './ending';
import { quantile, rounded, sleep } from './figures';
import type { LoadPlan, LoadResult } from './load';
import { ended, type BenchedRecount } from './running';
import { figuresPerEvent, usageOf, type ProcessFigures } from './usage';

export interface Load {
  protocol: 'rsocket' | 'http';
  seconds: number;
  eventsPerFrame: number;
  /** Events a second; 0: as fast as acknowledgements come back. */
  rate: number;
}

export interface EndToEnd extends Load {
  events: number;
  /** Acknowledged, so durable, while the load lasted. */
  collectedPerSecond: number;
  /** From the first send until the reports show every acknowledged event and no other. */
  visiblePerSecond: number;
  acknowledgedP50Ms: number;
  acknowledgedP99Ms: number;
  /** From the acknowledgement of an event until a report shows it; only at a given rate. */
  visibleAfterMs?: { samples: number; p50: number; p99: number };
  /** Of the embedded log's files. */
  logBytesPerEvent: number;
  /** Of the blocks in them. */
  blockBytesPerEvent: number;
  /** CPU of the front process while the load lasted: what collecting costs, without the reports asked for afterwards. */
  collectingCpuUsPerEvent: number;
  processes: Record<string, ProcessFigures>;
}

const countedWithinSeconds = 120;
const inFlightPerConnection = 4;
/** Merchants of their own, so on partitions of their own, whose events are looked for until they show. */
const probes = 6;

/** Collect → durable → counted → visible, with the load generator on the same machine. */
export async function benchEndToEnd(
  recount: BenchedRecount,
  merchants: readonly string[],
  keys: readonly string[],
  load: Load,
): Promise<EndToEnd> {
  const probeIds = load.rate === 0 ? [] : Array.from({ length: probes }, (_, i) => `probe-${Date.now()}-${i}`);
  const probeKeys = await recount.register(probeIds);
  const earlier = await Promise.all(merchants.map((merchantId) => recount.counted(merchantId)));
  const blocksBefore = await appendedBytes(recount);
  const filesBefore = recount.bytesOf('eventstoredb');
  const before = recount.begin();
  const from = Date.now();
  const visibleAfterMs: number[] = [];
  let loading = true;
  const watching = probeIds.map((id, i) => watch(recount, id, probeKeys[i]!, () => loading, visibleAfterMs));
  const result = await generate(
    {
      protocol: load.protocol,
      port: load.protocol === 'http' ? Number(new URL(recount.url).port) : recount.tcpPort,
      keys: [...keys],
      seconds: load.seconds,
      eventsPerFrame: load.eventsPerFrame,
      inFlightPerConnection,
      rate: load.rate,
    },
    () => (loading = false),
  );
  const collected = recount.usage();
  for (const [i, merchantId] of merchants.entries()) {
    let surplus: number;
    while ((surplus = (await recount.counted(merchantId)) - earlier[i]! - result.acknowledged[i]!) < 0) {
      if (Date.now() - from > (load.seconds + countedWithinSeconds) * 1000)
        throw new Error(`${merchantId}: ${-surplus} acknowledged events were not counted within ${countedWithinSeconds} s`);
      await sleep(50);
    }
    if (surplus > 0) throw new Error(`${merchantId}: ${surplus} events counted that nobody sent`);
  }
  const visibleSeconds = (Date.now() - from) / 1000;
  await Promise.all(watching);
  const after = recount.end();
  const events = result.acknowledged.reduce((a, b) => a + b);
  const loadGenerator = { cpuUsPerEvent: rounded((result.cpuSeconds * 1e6) / events, 2), rssPeakMb: result.rssPeakMb };
  return {
    ...load,
    events,
    collectedPerSecond: Math.round(events / result.seconds),
    visiblePerSecond: Math.round(events / visibleSeconds),
    acknowledgedP50Ms: quantile(result.acknowledgedWithinMs, 0.5),
    acknowledgedP99Ms: quantile(result.acknowledgedWithinMs, 0.99),
    ...(visibleAfterMs.length > 0 && {
      visibleAfterMs: { samples: visibleAfterMs.length, p50: quantile(visibleAfterMs, 0.5), p99: quantile(visibleAfterMs, 0.99) },
    }),
    logBytesPerEvent: rounded((recount.bytesOf('eventstoredb') - filesBefore) / events, 1),
    blockBytesPerEvent: rounded(((await appendedBytes(recount)) - blocksBefore) / events, 1),
    collectingCpuUsPerEvent: figuresPerEvent(before, collected, events)['front']!.cpuUsPerEvent,
    processes: { ...figuresPerEvent(before, after, events), 'load generator': loadGenerator },
  };
}

const appendedBytes = (recount: BenchedRecount): Promise<number> => recount.counter('recount_appended_bytes_total', 'stream="events"');

/** @param onLoaded when the last acknowledgement has come, or the load has failed */
async function generate(plan: LoadPlan, onLoaded: () => void): Promise<LoadResult & { rssPeakMb: number }> {
  const child = fork(path.join(__dirname, 'load.js'));
  atEnd(() => ended(child));
  try {
    return await new Promise((resolve, reject) => {
      child.once('message', (result) => {
        // It waits for a word before it ends, so that its memory can still be read.
        const { rssPeakMb } = usageOf(child.pid!);
        child.send('thanks');
        resolve({ ...(result as LoadResult), rssPeakMb });
      });
      child.once('exit', (code, signal) => reject(new Error(`the load generator ended with ${signal ?? code}`)));
      child.send(plan);
    });
  } finally {
    onLoaded();
  }
}

/** One event after the other, each looked for until it shows. */
async function watch(
  recount: BenchedRecount,
  merchantId: string,
  key: string,
  loading: () => boolean,
  visibleAfterMs: number[],
): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  for (let n = 1; loading(); n++) {
    const body = JSON.stringify([{ id: `probe-${n}`, name: 'page_view', time: Date.now(), visitorId: 'probe' }]);
    const answer = await fetch(`${recount.url}/v1/collect`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`a probe was answered with ${answer.status}`);
    await answer.arrayBuffer();
    const from = Date.now();
    while ((await recount.counted(merchantId)) < n) {
      if (Date.now() - from > countedWithinSeconds * 1000) throw new Error(`${merchantId}: event ${n} does not show`);
      await sleep(50);
    }
    visibleAfterMs.push(Date.now() - from);
  }
}
