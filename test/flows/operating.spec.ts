import * as fs from 'node:fs';
import { isAlive, isolated, newFolder, RecountProcess } from '../running/recount';
import { Stack } from './stack';

describe('stopping and starting again', () => {
  const folder = newFolder();
  let stack: Stack | undefined;
  afterAll(async () => {
    await stack?.process.stop('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  }, 20_000);

  it('stops within five seconds under load, and counts every acknowledged event once after the next start', async () => {
    const first = (stack = await Stack.start({ PARTITIONS: '8' }, folder));
    const key = await first.merchant('shop');
    const acknowledged = new Set<string>();
    const unanswered = new Set<string>();
    let over = false;
    const load = Array.from({ length: 4 }, async (_, sender) => {
      for (let n = 0; !over; n++) {
        const id = `${sender}-${n}`;
        const event = { id, name: 'page_view', time: Date.now(), visitorId: `v${sender}`, url: '/' };
        const status = await first.ask('POST', '/v1/collect', [event], key).then(
          (answer) => answer.status,
          () => 0,
        );
        (status === 202 ? acknowledged : unanswered).add(id);
        if (status !== 202) return;
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const pids = [...first.process.pids().values()];
    const ended = await first.process.stop('SIGTERM');
    over = true;
    await Promise.all(load);
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.ms).toBeLessThan(5_000);
    expect(pids.filter(isAlive)).toEqual([]);

    const refused = new RecountProcess(isolated(folder, { PARTITIONS: '16' }));
    expect(await refused.ended).toEqual({ code: 1, signal: null });
    const reason = refused.stderr.filter((line) => !line.startsWith('{')).join('\n');
    expect(reason).toMatch(/\b8\b/);
    expect(reason).toMatch(/\b16\b/);

    stack = await Stack.start({ PARTITIONS: '8' }, folder);
    await stack.counted('shop');
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    const { totals } = await stack.timeseries('shop', {
      metrics: 'events',
      from: day(Date.now() - 86_400_000),
      to: day(Date.now()),
      interval: 'day',
    });
    // What was cut off before its answer may have been taken or not.
    expect(totals['events']).toBeGreaterThanOrEqual(acknowledged.size);
    expect(totals['events']).toBeLessThanOrEqual(acknowledged.size + unanswered.size);
    expect(acknowledged.size).toBeGreaterThan(20);
    expect((await stack.process.stop('SIGTERM')).code).toBe(0);
  }, 60_000);
});
