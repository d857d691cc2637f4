import { eventually, isAlive } from '../running/recount';
import { ShopLoad } from './shop-load';
import { Stack, type Answer } from './stack';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Ready {
  status: string;
  checks: { [name: string]: { ok: boolean; detail?: string } };
}

/** A store that keeps its connections and answers nothing, which is worse than one that is gone: nobody hears of it. */
describe('a store that stands still', () => {
  let stack: Stack;
  let key: string;
  const today = (): { [name: string]: string } => {
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    return { metrics: 'events,pageviews,sessions', from: day(Date.now() - 86_400_000), to: day(Date.now()), interval: 'day' };
  };
  const sent = new Set<string>();
  let pids: Map<string, number>;

  beforeAll(async () => {
    stack = await Stack.start({ PARTITIONS: '8' });
    key = await stack.merchant('shop');
    pids = stack.process.pids();
  });
  afterAll(async () => {
    for (const pid of pids?.values() ?? []) if (isAlive(pid)) process.kill(pid, 'SIGCONT');
    await stack.end();
  });

  const ready = (): Promise<Answer<Ready>> => stack.ask<Ready>('GET', '/health/ready', undefined, '');
  const report = (): Promise<Answer<{ title?: string; status?: number }>> =>
    stack.ask('GET', `/v1/merchants/shop/timeseries?${new URLSearchParams(today()).toString()}`);
  const load = (idPrefix: string, again = true): ShopLoad =>
    new ShopLoad(stack, key, { senders: 4, eventsPerBatch: 10, pauseMs: 20, again, idPrefix });

  async function isExactAfter(all: ShopLoad): Promise<void> {
    await all.end();
    for (const id of all.acknowledged) sent.add(id);
    await eventually(async () => (await ready()).status === 200);
    await stack.counted('shop');
    const { totals, meta } = await stack.timeseries('shop', today());
    expect({ totals, exact: meta.exact }).toMatchObject({ totals: { events: sent.size, pageviews: sent.size }, exact: true });
    expect(stack.process.pids()).toEqual(pids);
  }

  it('read models: events are still taken, reports say 503, and every number is exact afterwards', async () => {
    const shop = load('1');
    await pause(1_000);
    const store = pids.get('the embedded mongodb store')!;
    process.kill(store, 'SIGSTOP');
    const until = Date.now() + 12_000;
    const takenBefore = shop.acknowledged.size;
    try {
      const asked = Date.now();
      const [first, second] = await Promise.all([report(), report()]);
      // No answer is worse than a refusal: whoever asks hears within ten seconds.
      expect(Date.now() - asked).toBeLessThan(10_500);
      for (const answer of [first, second])
        expect(answer).toMatchObject({ status: 503, body: { status: 503, detail: expect.stringContaining('Ask again') as string } });
      const { status, body } = await ready();
      expect(status).toBe(503);
      expect(body.checks['mongodb']).toMatchObject({ ok: false, detail: expect.stringContaining('MONGODB_URL') as string });
      expect(body.checks['eventstore']).toMatchObject({ ok: true });
      await pause(until - Date.now());
    } finally {
      process.kill(store, 'SIGCONT');
    }
    // Not one of them waited for the read models.
    expect(shop.acknowledged.size - takenBefore).toBeGreaterThan(1_000);
    expect(shop.refusals).toBe(0);
    expect(shop.longestSilenceMs).toBeLessThan(2_000);
    await isExactAfter(shop);
  });

  it('the log: senders wait or hear 503, reports are answered, and nothing is lost', async () => {
    const shop = load('2');
    await pause(1_000);
    const store = pids.get('the embedded eventstoredb store')!;
    process.kill(store, 'SIGSTOP');
    const until = Date.now() + 8_000;
    try {
      await pause(500);
      const takenBefore = shop.acknowledged.size;
      expect((await report()).status).toBe(200);
      await eventually(async () => (await ready()).status === 503);
      const { checks } = (await ready()).body;
      expect(checks['eventstore']).toMatchObject({ ok: false, detail: expect.stringContaining('EVENTSTORE_URL') as string });
      expect(checks['mongodb']).toMatchObject({ ok: true });
      await pause(until - Date.now());
      // Nothing is acknowledged that is not in the log.
      expect(shop.acknowledged.size).toBe(takenBefore);
    } finally {
      process.kill(store, 'SIGCONT');
    }
    const takenThen = shop.acknowledged.size;
    await eventually(() => shop.acknowledged.size > takenThen + 100);
    await isExactAfter(shop);
  });

  it('is told to Prometheus, in its text format', async () => {
    const response = await fetch(`${stack.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain;.*\bversion=0\.0\.4\b/);
    const text = await response.text();
    const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
    const sample = new RegExp(String.raw`^([a-zA-Z_:][\w:]*)(?:\{${label}(?:,${label})*,?\})? (?:[-+]?\d\S*|NaN|[-+]Inf)$`);
    const types = new Map<string, string>();
    const values = new Map<string, number>();
    expect(text.endsWith('\n')).toBe(true);
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line);
      if (type !== null) {
        expect(types.has(type[1]!)).toBe(false);
        types.set(type[1]!, type[2]!);
      }
      if (line.startsWith('#')) {
        expect(line).toMatch(/^# (HELP \S+ \S|TYPE \S+ \w+$)/);
        continue;
      }
      const name = sample.exec(line)?.[1];
      expect({ line, name }).toEqual({ line, name: expect.stringMatching(/^recount_/) as string });
      expect({ line, declared: types.has(name!) || types.has(name!.replace(/_(bucket|sum|count)$/, '')) }).toEqual({
        line,
        declared: true,
      });
      values.set(line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1)));
    }
    for (const name of [
      'recount_queue_bytes',
      'recount_append_seconds',
      'recount_http_request_seconds',
      'recount_process_cpu_seconds_total',
    ])
      expect([name, types.get(name)]).toEqual([name, expect.any(String)]);
    // At least what was acknowledged: what was sent twice was accepted twice, and counted once.
    expect(values.get('recount_collected_events_total')).toBeGreaterThanOrEqual(sent.size);
    expect(values.get('recount_appended_events_total{stream="events"}')).toBe(values.get('recount_collected_events_total'));
    expect(values.get('recount_append_retries_total')).toBeGreaterThan(0);
  });

  it('keeps nobody from stopping, and what was acknowledged before is there after the next start', async () => {
    const shop = load('3', false);
    await pause(500);
    for (const store of ['the embedded mongodb store', 'the embedded eventstoredb store']) process.kill(pids.get(store)!, 'SIGSTOP');
    await pause(500);
    const ended = await stack.process.stop('SIGTERM');
    await shop.end();
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.ms).toBeLessThan(5_000);
    expect([...pids.values()].filter(isAlive)).toEqual([]);

    stack = await Stack.start({ PARTITIONS: '8' }, stack.folder);
    await stack.counted('shop');
    const { totals } = await stack.timeseries('shop', today());
    const acknowledged = sent.size + shop.acknowledged.size;
    expect(totals['events']).toBeGreaterThanOrEqual(acknowledged);
    // What was cut off before its answer may have been taken or not.
    expect(totals['events']).toBeLessThanOrEqual(acknowledged + shop.unanswered.size);
    expect(shop.acknowledged.size).toBeGreaterThan(50);
  });
});
