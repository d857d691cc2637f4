import { randomUUID } from 'node:crypto';
import type { AcceptedEvent } from '../../src/domain/columns';
import { eventsStream, partitionOf } from '../../src/domain/partition';
import { partitionsOf, shardOf } from '../../src/domain/spreading';
import { NotDurable, type LaneBounds } from '../../src/collecting/append-lane';
import { QueueGauge } from '../../src/collecting/queue-gauge';
import { Sealer } from '../../src/collecting/sealer';
import { decodeBlockRows, encodeBlock } from '../../src/stores/block';
import type { NewRecord } from '../../src/stores/event-store';
import type { StoredReject } from '../../src/stores/rejects';
import { MemoryEventStore, silent, unavailable, until } from './memory-stores';

let serial = 0;
const rows = (count: number, merchantId = 'm1', fields: Partial<AcceptedEvent> = {}): AcceptedEvent[] =>
  Array.from({ length: count }, () => ({
    merchantId,
    id: `e${serial++}`,
    time: 1_750_000_000_000 + serial,
    receivedAt: 1_750_000_000_000 + serial,
    name: 'page_view',
    visitorId: `v${serial % 97}`,
    ...fields,
  }));
const reject = (id: string, original = '{}'): StoredReject => ({
  merchantId: 'm1',
  sourceId: 's1',
  receivedAt: 1,
  index: 0,
  id,
  reason: 'unknown-field',
  detail: '',
  original,
});
const ids = (events: readonly { id: string | null }[]): (string | null)[] => events.map(({ id }) => id);
const decodeTimes = (records: readonly NewRecord[]): number[] =>
  records.flatMap(({ data }) => decodeBlockRows(data).map(({ time }) => time)).sort((a, b) => a - b);
const RAW_BYTES = 300;

describe('the sealer', () => {
  let store: MemoryEventStore;
  let gauge: QueueGauge;
  let sealer: Sealer;
  const open: Sealer[] = [];
  const start = (bounds: Partial<LaneBounds> = {}): Sealer => {
    store = new MemoryEventStore();
    gauge = new QueueGauge();
    sealer = new Sealer({ eventStore: store, encodeBlock, partitions: 32, logger: silent, gauge, bounds });
    open.push(sealer);
    return sealer;
  };
  const add = (events: AcceptedEvent[]): void => sealer.add({ merchantId: events[0]!.merchantId }, events, [], events.length * RAW_BYTES);
  const addAndWait = (events: AcceptedEvent[]): Promise<void> =>
    sealer.addAndWait({ merchantId: events[0]!.merchantId }, events, [], events.length * RAW_BYTES);
  afterEach(async () => {
    store.before = () => undefined;
    store.after = () => undefined;
    for (const each of open.splice(0)) await each.close(1_000);
  });

  it('acknowledges only what is in the log', async () => {
    start();
    const sent = rows(10);
    await addAndWait(sent);
    expect(ids(store.events)).toEqual(ids(sent));
  });

  it('puts the events of a merchant on its partition, in the order they came', async () => {
    start();
    const sent = [...rows(5, 'm1'), ...rows(5, 'm1')];
    add(sent.slice(0, 5));
    await addAndWait(sent.slice(5));
    const stream = `events-${String(partitionOf('m1', 32)).padStart(2, '0')}`;
    expect([...store.streams.keys()]).toEqual([stream]);
    expect(ids(store.events)).toEqual(ids(sent));
  });

  it('puts the events of a spread merchant on its partitions, each visitor’s on one and in the order they came', async () => {
    start();
    const sent = rows(300);
    const placed = { merchantId: 'm1', spreads: [{ spread: 4, since: 0 }] };
    await sealer.addAndWait(placed, sent.slice(0, 200), [], 200 * RAW_BYTES);
    sealer.add(placed, sent.slice(200), [], 100 * RAW_BYTES + 1);
    await sealer.flush(5_000);
    expect([...store.streams.keys()].sort()).toEqual(partitionsOf('m1', 4, 32).map(eventsStream).sort());
    for (const [stream, records] of store.streams) {
      const here = records.flatMap(({ data }) => decodeBlockRows(data));
      const expected = sent.filter(({ visitorId }) => eventsStream(partitionsOf('m1', 4, 32)[shardOf(visitorId, 4)]!) === stream);
      expect(ids(here)).toEqual(ids(expected));
    }
    expect(store.events).toHaveLength(300);
    expect(gauge.queuedBytes).toBe(0);
  });

  it('places events by the spread of their own time, whenever they come', async () => {
    start();
    const sent = rows(100, 'm1', { visitorId: [...Array(99).keys()].map((i) => `v${i}`).find((id) => shardOf(id, 8) === 5)! });
    const edge = sent[50]!.time;
    const placed = {
      merchantId: 'm1',
      spreads: [
        { spread: 1, since: 0 },
        { spread: 8, since: edge },
      ],
    };
    for (const some of [sent.slice(60), sent.slice(0, 60)]) await sealer.addAndWait(placed, some, [], 1_000);
    const [home, , , , , sixth] = partitionsOf('m1', 8, 32).map(eventsStream);
    const times = (stream: string): number[] => decodeTimes(store.streams.get(stream)!);
    expect(times(home!)).toEqual(sent.slice(0, 50).map(({ time }) => time));
    expect(times(sixth!)).toEqual(sent.slice(50).map(({ time }) => time));
  });

  it('gives a merchant who is spread over one partition the same bytes as one who never was', async () => {
    const sent = rows(500);
    const bytes: string[] = [];
    for (const placed of [{ merchantId: 'm1' }, { merchantId: 'm1', spreads: [{ spread: 1, since: 0 }] }]) {
      start();
      await sealer.addAndWait(placed, sent, [reject('r')], 500 * RAW_BYTES);
      bytes.push(JSON.stringify([...store.streams].map(([stream, records]) => [stream, records.map(({ id, data }) => [id, [...data]])])));
    }
    expect(bytes[0]).toBe(bytes[1]);
  });

  it('appends what nobody waits for within the sealing time', async () => {
    start({ sealAfterMs: 30 });
    add(rows(3));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(store.attempts).toHaveLength(0);
    await until(() => store.events.length === 3, 500);
  });

  it('does not make who waits wait for the sealing time', async () => {
    start({ sealAfterMs: 10_000 });
    add(rows(3));
    await addAndWait(rows(1));
    expect(store.events).toHaveLength(4);
  });

  it('lets those who wait together share one append', async () => {
    start();
    await Promise.all(Array.from({ length: 50 }, () => addAndWait(rows(2))));
    expect(store.events).toHaveLength(100);
    expect(store.attempts.length).toBeLessThanOrEqual(3);
  });

  it('gathers while an append runs, so that blocks grow under load', async () => {
    start();
    store.appendMs = 20;
    const waits: Promise<void>[] = [];
    for (let i = 0; i < 60; i++) {
      waits.push(addAndWait(rows(1)));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(waits);
    expect(store.events).toHaveLength(60);
    expect(store.attempts.length).toBeLessThan(15);
  });

  it('seals blocks of about the target size and learns how well events compress', async () => {
    start({ recordBytesTarget: 16 << 10, sealAfterMs: 10_000 });
    for (let i = 0; i < 400; i++) add(rows(50).map((row) => ({ ...row, id: randomUUID() })));
    await sealer.flush(5_000);
    const sizes = store.records('events-').map(({ data }) => data.byteLength);
    expect(store.events).toHaveLength(20_000);
    const settled = sizes.slice(4, -1);
    expect(settled.length).toBeGreaterThan(1);
    for (const size of settled) expect(size).toBeGreaterThan(10 << 10);
    for (const size of sizes) expect(size).toBeLessThan(24 << 10);
  });

  it('splits what would make a record too large, and acknowledges it when all of it is there', async () => {
    start({ recordBytesMax: 4 << 10 });
    const noise = (): string => Array.from({ length: 60 }, () => Math.random().toString(36).slice(2)).join('');
    const sent = Array.from({ length: 40 }, () => rows(1, 'm1', { title: noise() })[0]!);
    await addAndWait(sent);
    expect(ids(store.events)).toEqual(ids(sent));
    expect(store.records('events-').length).toBeGreaterThan(4);
    for (const { data } of store.records('events-')) expect(data.byteLength).toBeLessThanOrEqual(4 << 10);
  });

  it('appends to one partition one block at a time, and to several at once', async () => {
    start({ recordBytesTarget: 1_000 });
    store.appendMs = 20;
    const startedAt = Date.now();
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((merchant) => addAndWait(rows(10, merchant))));
    expect(Date.now() - startedAt).toBeLessThan(100);
    for (let i = 0; i < 20; i++) add(rows(100));
    await sealer.flush(5_000);
    expect(store.mostUnderWayOnOneStream).toBe(1);
  });

  it('tries again with the same id until the store answers, and has every event once', async () => {
    start({ retryAfterMs: { first: 1, max: 5 } });
    const lost = (attempt: number): void => (attempt <= 4 ? unavailable() : undefined);
    store.before = (attempt) => (attempt <= 2 ? unavailable() : undefined);
    store.after = lost;
    const sent = rows(20);
    await addAndWait(sent);
    expect(ids(store.events)).toEqual(ids(sent));
    expect(store.attempts).toHaveLength(5);
    expect(new Set(store.attempts.map(({ id }) => id)).size).toBe(1);
  });

  it('tells who waits in time, and appends the events all the same', async () => {
    start({ acknowledgeWithinMs: 30, retryAfterMs: { first: 1, max: 5 } });
    store.before = unavailable;
    await expect(addAndWait(rows(5))).rejects.toThrow(NotDurable);
    expect(store.events).toHaveLength(0);
    store.before = () => undefined;
    await until(() => store.events.length === 5);
  });

  it('goes on after a block the store will never have, and says that it is not durable', async () => {
    start({ giveUpAfterMs: 20, retryAfterMs: { first: 1, max: 5 } });
    const refuse = (): never => {
      throw new Error('access denied');
    };
    store.before = refuse;
    await expect(addAndWait(rows(5))).rejects.toThrow('access denied');
    store.before = () => undefined;
    await addAndWait(rows(2));
    expect(store.events).toHaveLength(2);
  });

  it('refuses at once what is larger than the store takes', async () => {
    start();
    store.maxAppendBytes = 100;
    await expect(addAndWait(rows(50))).rejects.toThrow('more than the store takes');
    expect(gauge.queuedBytes).toBe(0);
  });

  it('makes rejects durable before it acknowledges the batch they came in', async () => {
    start();
    store.before = (_attempt, stream) => (stream.startsWith('rejects-') && store.attempts.length < 4 ? unavailable() : undefined);
    await sealer.addAndWait({ merchantId: 'm1' }, rows(1), [reject('r1'), reject('r2')], 500);
    expect(ids(store.rejects)).toEqual(['r1', 'r2']);
    expect(store.records('rejects-')[0]).toMatchObject({ type: 'event-rejected.v2', contentType: 'json' });
  });

  it('splits rejects as well', async () => {
    start();
    const many = Array.from({ length: 100 }, (_, i) => reject(`r${i}`, 'x'.repeat(20_000)));
    await sealer.addAndWait({ merchantId: 'm1' }, [], many, 0);
    expect(ids(store.rejects)).toEqual(ids(many));
    for (const { data } of store.records('rejects-')) expect(data.byteLength).toBeLessThanOrEqual(512 << 10);
  });

  it('counts what waits, and nothing once it is appended', async () => {
    start();
    store.before = unavailable;
    for (let i = 0; i < 10; i++) add(rows(100));
    expect(gauge.queuedBytes).toBeGreaterThan(0);
    store.before = () => undefined;
    await sealer.flush(5_000);
    expect(gauge.queuedBytes).toBe(0);
  });

  it('holds what came during an outage compressed', async () => {
    start({ recordBytesTarget: 16 << 10 });
    store.before = unavailable;
    for (let i = 0; i < 300; i++) add(rows(100));
    expect(gauge.queuedBytes).toBeLessThan((30_000 * RAW_BYTES) / 4);
    store.before = () => undefined;
    await sealer.flush(5_000);
    expect(store.events).toHaveLength(30_000);
  });

  it('on closing appends what it can, and refuses who waits for the rest', async () => {
    start({ retryAfterMs: { first: 1, max: 5 } });
    add(rows(5));
    await sealer.close(1_000);
    expect(store.events).toHaveLength(5);

    start({ retryAfterMs: { first: 1, max: 5 } });
    store.before = unavailable;
    const waits = addAndWait(rows(5));
    const refused = expect(waits).rejects.toThrow('shutting down');
    await sealer.close(30);
    await refused;
    await expect(addAndWait(rows(1))).rejects.toThrow('shutting down');
    expect(gauge.queuedBytes).toBe(0);
  });
});

describe('the gauge', () => {
  const bounds = { highWaterBytes: 100, lowWaterBytes: 50, queueBytesMax: 150 };

  it('says stop above the high-water mark and go below the low-water mark', () => {
    const gauge = new QueueGauge(bounds);
    const heard: boolean[] = [];
    gauge.onPressure((high) => heard.push(high));
    gauge.add(99);
    gauge.add(1);
    gauge.add(10);
    expect(gauge.hasRoomFor(40)).toBe(true);
    expect(gauge.hasRoomFor(41)).toBe(false);
    gauge.remove(40);
    expect(gauge.isHigh).toBe(true);
    gauge.remove(20);
    expect(gauge.isHigh).toBe(false);
    expect(heard).toEqual([true, false]);
  });

  it('remembers for a while how long requests may have lain unread', () => {
    let now = 1_000_000;
    const gauge = new QueueGauge(bounds, () => now);
    expect(gauge.unreadForMs(now)).toBe(0);
    gauge.add(100);
    now += 60_000;
    expect(gauge.unreadForMs(now)).toBe(60_000);
    gauge.remove(100);
    expect(gauge.unreadForMs(now + 1_000)).toBeGreaterThanOrEqual(61_000);
    expect(gauge.unreadForMs(now + 3_600_000)).toBe(0);
  });
});
