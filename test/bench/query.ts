import { Agent, get } from 'node:http';
import { quantile, rounded } from './figures';
import type { BenchedRecount } from './running';

export interface Queried {
  readers: number;
  /** As the readers see it, on the same machine. */
  p50Ms: number;
  p99Ms: number;
  queriesPerSecond: number;
  /** CPU of each process for one query. */
  cpuMs: Record<string, number>;
}

const warmUpQueries = 50;

/** The same query by many readers at once over kept connections; each asks again as soon as it is answered. */
export async function benchQuery(recount: BenchedRecount, route: string, readers: number, seconds: number): Promise<Queried> {
  const agent = new Agent({ keepAlive: true, maxSockets: readers });
  const ask = (tookMs: number[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const from = performance.now();
      get(`${recount.url}${route}`, { agent, headers: { authorization: recount.bearer } }, (response) => {
        response.resume();
        response.once('end', () => {
          tookMs.push(performance.now() - from);
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${route}: ${response.statusCode}`));
        });
      }).once('error', reject);
    });
  try {
    for (let i = 0; i < warmUpQueries; i++) await ask([]);
    const tookMs: number[] = [];
    const before = recount.begin();
    const from = performance.now();
    const until = from + seconds * 1000;
    await Promise.all(
      Array.from({ length: readers }, async () => {
        while (performance.now() < until) await ask(tookMs);
      }),
    );
    const tookSeconds = (performance.now() - from) / 1000;
    const after = recount.end();
    const cpuMs = [...after].map(([name, { cpuSeconds }]) => {
      return [name, rounded(((cpuSeconds - before.get(name)!.cpuSeconds) * 1000) / tookMs.length, 2)] as const;
    });
    return {
      readers,
      p50Ms: rounded(quantile(tookMs, 0.5), 2),
      p99Ms: rounded(quantile(tookMs, 0.99), 2),
      queriesPerSecond: Math.round(tookMs.length / tookSeconds),
      cpuMs: Object.fromEntries(cpuMs),
    };
  } finally {
    agent.destroy();
  }
}
