import * as fs from 'node:fs';
import * as net from 'node:net';
import { ErrorCodes } from 'rsocket-core';
import { closed, connect } from '../collecting/rsocket-clients';
import { isAlive, isolated, newFolder, RecountProcess } from '../running/recount';
import { ShopLoad } from './shop-load';
import { Stack } from './stack';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const lastDays = (): { from: string; to: string; interval: string } => ({
  from: day(Date.now() - 86_400_000),
  to: day(Date.now()),
  interval: 'day',
});
const eventsOf = async (stack: Stack, merchantId: string): Promise<number> =>
  (await stack.timeseries(merchantId, { metrics: 'events', ...lastDays() })).totals['events'] as number;

describe('stopping and starting again', () => {
  const folder = newFolder();
  let stack: Stack | undefined;
  afterAll(async () => {
    await stack?.process.stop('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** Ends it while `load` runs, and says what the user sees of that. */
  async function stopUnder(load: ShopLoad | undefined): Promise<void> {
    const pids = [...stack!.process.pids().values()];
    const ended = await stack!.process.stop('SIGTERM');
    await load?.end();
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.ms).toBeLessThan(5_000);
    expect(pids.filter(isAlive)).toEqual([]);
  }

  it('stops within five seconds under load, and counts every acknowledged event once after the next start', async () => {
    stack = await Stack.start({ PARTITIONS: '8' }, folder);
    const key = await stack.merchant('shop');
    const load = new ShopLoad(stack, key, { senders: 4, eventsPerBatch: 1, pauseMs: 0, again: false });
    // Those who only listen, and those who say nothing, hold nothing up.
    const listener = await fetch(`${stack.url}/v1/merchants/shop/live`, { headers: { authorization: `Bearer ${stack.adminToken}` } });
    const listening = listener.text().catch((error: Error) => error.message);
    const ports = { tcpPort: stack.ports.rsocketTcp, wsPort: stack.ports.rsocketWs };
    const gone = (['tcp', 'ws'] as const).map(async (kind) => closed(await connect(ports, kind, { key })));
    const silent = net.connect(stack.ports.http, '127.0.0.1').on('error', () => undefined);
    await pause(2_000);
    await stopUnder(load);
    expect(await listening).toContain('data: {');
    for (const { code } of await Promise.all(gone)) expect(code).toBe(ErrorCodes.CONNECTION_CLOSE);
    silent.destroy();

    const refused = new RecountProcess(isolated(folder, { PARTITIONS: '16' }));
    expect(await refused.ended).toEqual({ code: 1, signal: null });
    const reason = refused.stderr.filter((line) => !line.startsWith('{')).join('\n');
    expect(reason).toMatch(/\b8\b/);
    expect(reason).toMatch(/\b16\b/);

    stack = await Stack.start({ PARTITIONS: '8' }, folder);
    await stack.counted('shop');
    const events = await eventsOf(stack, 'shop');
    // What was cut off before its answer may have been taken or not.
    expect(events).toBeGreaterThanOrEqual(load.acknowledged.size);
    expect(events).toBeLessThanOrEqual(load.acknowledged.size + load.unanswered.size);
    expect(load.acknowledged.size).toBeGreaterThan(20);
  });

  it('stops as fast while workers have much to fold, and goes on folding after the next start', async () => {
    const key = await stack!.merchant('busy');
    const before = await eventsOf(stack!, 'shop');
    const workers = [...stack!.process.pids()].flatMap(([name, pid]) => (name.startsWith('worker-') ? [pid] : []));
    // They stand still while two hundred thousand events come in, and wake up to all of them.
    for (const worker of workers) process.kill(worker, 'SIGSTOP');
    const load = new ShopLoad(stack!, key, { senders: 4, eventsPerBatch: 1_000, pauseMs: 0, again: false });
    while (load.acknowledged.size < 200_000) await pause(20);
    await load.end();
    for (const worker of workers) process.kill(worker, 'SIGCONT');
    await pause(200);
    expect(await eventsOf(stack!, 'busy')).toBeLessThan(load.acknowledged.size);
    await stopUnder(undefined);

    stack = await Stack.start({ PARTITIONS: '8' }, folder);
    await stack.counted('busy');
    expect(await eventsOf(stack, 'busy')).toBe(load.acknowledged.size);
    expect(await eventsOf(stack, 'shop')).toBe(before);
    await stopUnder(undefined);
  });
});
