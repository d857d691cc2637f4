import { fork } from 'node:child_process';
import * as path from 'node:path';
import type { LoadPlan, LoadResult } from './load';
import { cpuPerEvent, quantile, sleep, type BenchedRecount } from './running';

export interface EndToEnd {
  events: number;
  collectedPerSecond: number;
  visiblePerSecond: number;
  acknowledgedP50Ms: number;
  acknowledgedP99Ms: number;
  visibleAfterP50Ms?: number;
  visibleAfterP99Ms?: number;
  logBytesPerEvent: number;
  processes: Record<string, string>;
}

const countedWithinSeconds = 120;

function generate(plan: LoadPlan): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(__dirname, 'load.js'));
    child.once('message', (result) => resolve(result as LoadResult));
    child.once('exit', (code) => code !== 0 && reject(new Error(`the load generator ended with ${code}`)));
    child.send(plan);
  });
}

async function counted(recount: BenchedRecount, merchantId: string): Promise<number> {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const query = `metrics=events&interval=day&bots=include&from=${day(Date.now() - 86_400_000)}&to=${day(Date.now())}`;
  const { totals } = await recount.ask<{ totals: { events: number } }>('GET', `/v1/merchants/${merchantId}/timeseries?${query}`);
  return totals.events;
}

/** Collect → durable → counted → visible, with the load generator on the same machine. */
export async function benchEndToEnd(
  recount: BenchedRecount,
  merchants: readonly string[],
  keys: readonly string[],
  options: { seconds: number; eventsPerFrame: number; rate: number },
): Promise<EndToEnd> {
  const before = recount.usage();
  const logBefore = recount.bytesOf('eventstoredb');
  const start = await Promise.all(merchants.map((merchantId) => counted(recount, merchantId)));
  const from = Date.now();
  const visibleAfterMs: number[] = [];
  let loading = true;
  // How long a fresh event takes to show: one more event of a merchant of its own, looked for until it is there.
  const probe = options.rate === 0 ? Promise.resolve() : watch(recount, () => loading, visibleAfterMs);
  const result = await generate({
    port: recount.tcpPort,
    keys: [...keys],
    seconds: options.seconds,
    eventsPerFrame: options.eventsPerFrame,
    inFlightPerConnection: 4,
    rate: options.rate,
  });
  loading = false;
  const events = result.acknowledged.reduce((a, b) => a + b);
  for (const [i, merchantId] of merchants.entries()) {
    while ((await counted(recount, merchantId)) - start[i]! < result.acknowledged[i]!) {
      if (Date.now() - from > (options.seconds + countedWithinSeconds) * 1000)
        throw new Error(`${merchantId}: not all acknowledged events were counted`);
      await sleep(50);
    }
    const surplus = (await counted(recount, merchantId)) - start[i]! - result.acknowledged[i]!;
    if (surplus !== 0) throw new Error(`${merchantId}: ${surplus} events counted that nobody sent`);
  }
  const visibleSeconds = (Date.now() - from) / 1000;
  await probe;
  const processes = cpuPerEvent(before, recount.usage(), events);
  processes['load generator'] = `${((result.cpuSeconds * 1e6) / events).toFixed(2)} µs/event`;
  return {
    events,
    collectedPerSecond: Math.round(events / result.seconds),
    visiblePerSecond: Math.round(events / visibleSeconds),
    acknowledgedP50Ms: quantile(result.acknowledgedWithinMs, 0.5),
    acknowledgedP99Ms: quantile(result.acknowledgedWithinMs, 0.99),
    ...(visibleAfterMs.length > 0 && {
      visibleAfterP50Ms: quantile(visibleAfterMs, 0.5),
      visibleAfterP99Ms: quantile(visibleAfterMs, 0.99),
    }),
    logBytesPerEvent: Number(((recount.bytesOf('eventstoredb') - logBefore) / events).toFixed(1)),
    processes,
  };
}

async function watch(recount: BenchedRecount, loading: () => boolean, visibleAfterMs: number[]): Promise<void> {
  const merchantId = `probe-${Date.now()}`;
  const [key] = await recount.merchants([merchantId]);
  for (let n = 1; loading(); n++) {
    await fetch(`${recount.url}/v1/collect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify([{ id: `probe-${n}`, name: 'page_view', time: Date.now(), visitorId: 'probe' }]),
    });
    const from = Date.now();
    while ((await counted(recount, merchantId)) < n) await sleep(10);
    visibleAfterMs.push(Date.now() - from);
    await sleep(50);
  }
}
