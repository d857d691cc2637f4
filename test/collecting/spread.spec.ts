import { eventsStream } from '../../src/domain/partition';
import { partitionsOf } from '../../src/domain/spreading';
import type { KeyRecord } from '../../src/stores/records';
import { decodeBlockRows } from '../../src/stores/block';
import { type RunningCollector, someEvents, startCollector } from './collector';
import { connect, fireAndForget, type Kind, payloadOf, requestResponse, type Socket } from './rsocket-clients';
import { until } from './memory-stores';

const staleAfterMs = 60;
const silence = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2 * staleAfterMs));
const record: KeyRecord = { kind: 'write', merchantId: 'm1', sourceId: 's1', allowedOrigins: [] };
const spread: KeyRecord = { ...record, spreads: [{ spread: 8, since: 0 }] };

describe('a spread that came while nothing was sent', () => {
  let collector: RunningCollector;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    collector = await startCollector({}, { staleAfterMs, knownForMs: 50 });
  });
  afterEach(() => {
    collector.keys.isAway = false;
    for (const socket of sockets.splice(0)) socket.close();
  });
  afterAll(() => collector.stop());

  const open = async (kind: Kind, key: string): Promise<Socket> => {
    collector.keys.put(key, record);
    const socket = await connect(collector, kind, { key });
    sockets.push(socket);
    expect(await requestResponse(socket, payloadOf(someEvents(1), 'collect'))).toMatchObject({ accepted: 1 });
    return socket;
  };
  const visitors = () => [...Array(64).keys()].flatMap((i) => someEvents(1, { visitorId: `v${i}` }));
  /** The streams that hold any of these events. */
  const streamsOf = (events: readonly { id: string }[]): string[] => {
    const ids = new Set(events.map(({ id }) => id));
    const holds = ([, records]: [string, { data: Uint8Array }[]]): boolean =>
      records.some(({ data }) => decodeBlockRows(data).some(({ id }) => ids.has(id)));
    return [...collector.log.streams]
      .filter(([stream]) => stream.startsWith('events-'))
      .filter(holds)
      .map(([stream]) => stream)
      .sort();
  };
  const all = partitionsOf('m1', 8, 32).map(eventsStream).sort();

  it.each<Kind>(['tcp', 'ws'])('holds for the first request of an RSocket connection over %s', async (kind) => {
    const key = `wk_silent_${kind}`;
    const socket = await open(kind, key);
    await silence();
    collector.keys.put(key, spread);
    const events = visitors();
    expect(await requestResponse(socket, payloadOf(events, 'collect'))).toMatchObject({ accepted: 64 });
    expect(streamsOf(events)).toEqual(all);
  });

  it('holds for what nobody waits for, and keeps its order', async () => {
    const socket = await open('tcp', 'wk_frames');
    await silence();
    collector.keys.put('wk_frames', spread);
    const frames = Array.from({ length: 30 }, () => someEvents(3, { visitorId: 'one' }));
    for (const frame of frames) await fireAndForget(socket, payloadOf(frame, 'collect'));
    const ids = frames.flat().map(({ id }) => id);
    const stored = () => collector.log.events.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
    await until(() => stored().length === ids.length);
    expect(stored()).toEqual(ids);
    expect(streamsOf(frames.flat())).toHaveLength(1);
  });

  it('holds for the first request over HTTP', async () => {
    const key = 'wk_silent_http';
    collector.keys.put(key, record);
    const post = async (events: object[]): Promise<number> => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      return (await fetch(`${collector.httpUrl}/v1/collect`, { method: 'POST', headers, body: JSON.stringify({ events }) })).status;
    };
    expect(await post(someEvents(1))).toBe(202);
    await silence();
    collector.keys.put(key, spread);
    const events = visitors();
    expect(await post(events)).toBe(202);
    expect(streamsOf(events)).toEqual(all);
  });

  it('keeps nobody waiting while the store of keys is away', async () => {
    const socket = await open('tcp', 'wk_away');
    await silence();
    collector.keys.isAway = true;
    for (let i = 0; i < 3; i++) expect(await requestResponse(socket, payloadOf(someEvents(1), 'collect'))).toMatchObject({ accepted: 1 });
  });
});
