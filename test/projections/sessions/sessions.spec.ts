import { documentPrefix } from '../../../projections/kit/document';
import type { AcceptedEvent } from '../../../src/domain/columns';
import { foldBlocks, tallyOf } from '../folding';

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
    const documents = foldBlocks(Array.from({ length: 150 }, (_, i) => [view(i * 31)]));
    const days = ['2026-11-22', '2026-11-23', '2026-11-24', '2026-11-25'];
    const onDay = (day: string): number =>
      tallyOf(documents, documentPrefix('m', 'sessions', 'day', day), '', 'exclude').counter('sessions');
    expect(days.reduce((sum, day) => sum + onDay(day), 0)).toBe(150);
  });
});
