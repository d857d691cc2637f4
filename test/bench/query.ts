import { Agent, get } from 'node:http';
import { quantile, usageOf, type BenchedRecount } from './running';

export interface Queried {
  query: string;
  readers: number;
  p50Ms: number;
  p99Ms: number;
  perSecond: number;
  frontCpuMs: number;
}

/** The same query by many readers at once over kept connections; times are the readers'. */
export async function benchQuery(recount: BenchedRecount, query: string, readers: number, seconds: number): Promise<Queried> {
  const agent = new Agent({ keepAlive: true, maxSockets: readers });
  const tookMs: number[] = [];
  const ask = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const from = performance.now();
      get(`${recount.url}${query}`, { agent, headers: { authorization: recount.bearer } }, (response) => {
        response.resume();
        response.once('end', () => {
          tookMs.push(performance.now() - from);
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${query}: ${response.statusCode}`));
        });
      }).once('error', reject);
    });
  for (let i = 0; i < 50; i++) await ask();
  tookMs.length = 0;
  const pid = recount.pids.get('front')!;
  const cpu = usageOf(pid).cpuSeconds;
  const until = Date.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: readers }, async () => {
      while (Date.now() < until) await ask();
    }),
  );
  agent.destroy();
  const frontCpuMs = ((usageOf(pid).cpuSeconds - cpu) * 1000) / tookMs.length;
  return {
    query: query.replace(/^.*\/(timeseries|breakdown)/, '$1'),
    readers,
    p50Ms: Number(quantile(tookMs, 0.5).toFixed(1)),
    p99Ms: Number(quantile(tookMs, 0.99).toFixed(1)),
    perSecond: Math.round(tookMs.length / seconds),
    frontCpuMs: Number(frontCpuMs.toFixed(2)),
  };
}
