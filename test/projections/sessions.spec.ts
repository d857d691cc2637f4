import { documentPrefix } from '../../projections/kit/document';
import { hash64 } from '../../src/domain/hash64';
import type { AcceptedEvent } from '../../src/domain/columns';
import { decodeVisitors } from '../../projections/sessions/session-state';
import { SessionReducer } from '../../projections/sessions/session-reducer';
import { foldBlocks, tallyOf } from './folding';

const ten = Date.parse('2026-11-22T10:00:00Z');
const minute = 60_000;
let ids = 0;

function view(minutes: number, more: Partial<AcceptedEvent> = {}): AcceptedEvent {
  const time = ten + minutes * minute;
  return { merchantId: 'm', id: `e${ids++}`, name: 'page_view', visitorId: 'v', time, receivedAt: time, ...more };
}

function sessionsIn(blocks: AcceptedEvent[][], hour: string, family = 'sessions', value = ''): Record<string, number> {
  const tally = tallyOf(foldBlocks(blocks, { takeAfter: () => true }), documentPrefix('m', family, 'hour', hour), value, 'exclude');
  return Object.fromEntries(['sessions', 'bounces', 'durationMs', 'pageviews'].map((name) => [name, tally.counter(name)]));
}

describe('sessions', () => {
  it('end after half an hour without an event', () => {
    expect(sessionsIn([[view(0), view(30), view(61)]], '2026-11-22T10')).toMatchObject({
      sessions: 1,
      bounces: 0,
      durationMs: 30 * minute,
    });
    expect(sessionsIn([[view(0), view(30), view(61)]], '2026-11-22T11')).toMatchObject({ sessions: 1, bounces: 1, durationMs: 0 });
  });

  it('are joined by a late event between them, and the counts restated', () => {
    expect(sessionsIn([[view(0)], [view(40)]], '2026-11-22T10')).toEqual({ sessions: 2, bounces: 2, durationMs: 0, pageviews: 2 });
    expect(sessionsIn([[view(0)], [view(40)], [view(20)]], '2026-11-22T10')).toEqual({
      sessions: 1,
      bounces: 0,
      durationMs: 40 * minute,
      pageviews: 3,
    });
  });

  it('move to the hour and country in which a late event shows they began', () => {
    const blocks = [[view(5, { country: 'DE' })], [view(-10, { country: 'FR' })]];
    expect(sessionsIn(blocks, '2026-11-22T10')).toEqual({ sessions: 0, bounces: 0, durationMs: 0, pageviews: 0 });
    expect(sessionsIn(blocks, '2026-11-22T09')).toMatchObject({ sessions: 1, pageviews: 2 });
    expect(sessionsIn(blocks, '2026-11-22T09', 'sessions.country', 'FR')).toMatchObject({ sessions: 1 });
    expect(sessionsIn(blocks, '2026-11-22T10', 'sessions.country', 'DE')).toMatchObject({ sessions: 0 });
  });

  it('are those of the client where it names them', () => {
    expect(
      sessionsIn([[view(0, { sessionId: 'a' }), view(1, { sessionId: 'b' }), view(50, { sessionId: 'a' })]], '2026-11-22T10'),
    ).toMatchObject({
      sessions: 2,
      durationMs: 50 * minute,
    });
  });

  it('keep counting when a visitor has more of them than are remembered', () => {
    const visits = Array.from({ length: 100 }, (_, i) => [view(i * 31)]);
    const tally = tallyOf(foldBlocks(visits), documentPrefix('m', 'sessions', 'day', '2026-11-22'), '', 'exclude');
    const next = tallyOf(foldBlocks(visits), documentPrefix('m', 'sessions', 'day', '2026-11-23'), '', 'exclude');
    expect(
      tally.counter('sessions') +
        next.counter('sessions') +
        tallyOf(foldBlocks(visits), documentPrefix('m', 'sessions', 'day', '2026-11-24'), '', 'exclude').counter('sessions'),
    ).toBe(100);
  });
});

describe('the memory of sessions', () => {
  it('is bounded, forgets the least recently active, and is the same after a restart from deltas as from a snapshot', () => {
    const limits = { visitorsMax: 3, sessionsPerVisitorMax: 2 };
    const feed = (reducer: SessionReducer, visitorIds: string[]): void => reducer.fold(...lensOf(visitorIds), () => undefined);
    const running = new SessionReducer(limits);
    const parts: Uint8Array[] = [];
    for (const block of [['a', 'b', 'c'], ['d', 'a'], ['e'], ['b', 'd']]) {
      feed(running, block);
      const state = running.take();
      if (state) parts.push(state);
    }
    const restarted = new SessionReducer(limits);
    restarted.restore(parts);
    expect(Buffer.from(restarted.snapshot()).equals(running.snapshot())).toBe(true);
    expect(decodeVisitors(running.snapshot()).length).toBe(3);
    const fromSnapshot = new SessionReducer(limits);
    fromSnapshot.restore([running.snapshot()]);
    expect(Buffer.from(fromSnapshot.snapshot()).equals(running.snapshot())).toBe(true);
  });
});

function lensOf(visitorIds: string[]): [Parameters<SessionReducer['fold']>[0], Parameters<SessionReducer['fold']>[1]] {
  const count = visitorIds.length;
  const none = { values: [''], codes: new Uint16Array(count) };
  const values = ['', ...new Set(visitorIds)];
  const text = new Proxy(
    {},
    { get: (_, field) => (field === 'visitorId' ? { values, codes: Uint16Array.from(visitorIds, (id) => values.indexOf(id)) } : none) },
  );
  const columns = { count, times: new Float64Array(count).fill(ten), text } as never;
  const rows = Uint32Array.from({ length: count }, (_, i) => i);
  return [
    { columns, rows, visitors: rows, merchants: new Uint32Array(count), bots: new Uint8Array(count) } as never,
    { merchantIds: ['m'], visitors: hashed(visitorIds), dimensions: [] },
  ];
}

function hashed(texts: string[]): { firsts: Uint32Array; seconds: Uint32Array } {
  const firsts = new Uint32Array(texts.length);
  const seconds = new Uint32Array(texts.length);
  texts.forEach((text, i) => hash64(text, firsts, seconds, i));
  return { firsts, seconds };
}
