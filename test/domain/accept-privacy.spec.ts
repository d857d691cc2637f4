import { keptOfText } from '../../src/domain/accept-privacy';
import { pseudonymLength } from '../../src/domain/pseudonyms';
import { accept, acceptOne, event, pseudonymOf } from './accepting';

describe('the address of a visitor', () => {
  it('becomes a country and is forgotten', () => {
    const { accepted } = acceptOne({ ip: '203.0.113.7' });
    expect(accepted[0]!.country).toBe('NZ');
    expect(JSON.stringify(accepted)).not.toContain('203.0.113');
  });

  it('is forgotten with a refused event too, which keeps its country', () => {
    const { rejected } = acceptOne({ ip: '203.0.113.7', ipAddress: '203.0.113.7', colour: { clientIp: '203.0.113.7' } });
    expect(rejected[0]!.country).toBe('NZ');
    expect(JSON.stringify(rejected)).not.toContain('203.0.113');
  });

  it('is not quoted when it is not one', () => {
    const { rejected } = acceptOne({ ip: 203_000_113 });
    expect(JSON.stringify(rejected)).not.toContain('203000113');
  });

  it('may be wrong without costing the event', () => {
    expect(acceptOne({ ip: 'somewhere' }).accepted).toHaveLength(1);
  });

  it('is the connection when the connection is the visitor and the event names no other', () => {
    const countryOf = (ip: string): string => (ip === '198.51.100.1' ? 'FR' : 'NZ');
    const { accepted } = accept([event, { ...event, ip: '203.0.113.7' }], { visitorAddress: '198.51.100.1', countryOf });
    expect(accepted.map(({ country }) => country)).toEqual(['FR', 'NZ']);
  });

  it('is removed from text that was not even JSON', () => {
    const text = keptOfText('[{"ip":"2001:db8::1","x":"203.0.113.7", "title":"203.0.113.7", "url": "/a', 1_000);
    expect(text).not.toMatch(/203\.0|2001:db8/);
    expect(text).toContain('"url": "/a');
  });
});

describe('whom an event is about', () => {
  const ids = ['anna@example.com', 'customer 4711', 'session-of-anna'];
  const [visitorId, userId, sessionId] = ids as [string, string, string];
  const mentioned = (kept: unknown): string[] => ids.filter((id) => JSON.stringify(kept).includes(id));

  it('is stored as a pseudonym', () => {
    const { accepted } = accept([
      { ...event, visitorId, userId, sessionId },
      { ...event, id: 'e2', visitorId, userId: visitorId },
    ]);
    expect(mentioned(accepted)).toEqual([]);
    expect(accepted[1]).toMatchObject({ visitorId: accepted[0]!.visitorId, userId: accepted[0]!.visitorId, sessionId: undefined });
  });

  it('stays unsaid where it was not said', () => {
    expect(acceptOne({ userId: '', sessionId: '' }).accepted[0]).toMatchObject({ userId: '', sessionId: '' });
  });

  it('is a pseudonym in what is kept of a refused event, the same as in an accepted one', () => {
    const [row] = acceptOne({ visitorId, userId, sessionId }).accepted;
    const { rejected } = acceptOne({ visitorId, userId, sessionId, colour: 'red' });
    expect(mentioned(rejected)).toEqual([]);
    expect(JSON.parse(rejected[0]!.original)).toMatchObject({
      visitorId: row!.visitorId,
      userId: row!.userId,
      sessionId: row!.sessionId,
      colour: 'red',
    });
  });

  it.each<[string, unknown]>([
    [
      'named otherwise',
      { ...event, visitor_id: visitorId, 'User-ID': userId, context: { sid: sessionId, traits: [{ email: visitorId }] } },
    ],
    ['in a list', [[{ visitorId, userId, sessionId }]]],
    ['of another type', { ...event, visitorId: { id: visitorId }, userId: [userId] }],
    ['too long', { ...event, visitorId: visitorId.repeat(5) }],
    ['in JSON within JSON', JSON.stringify({ visitorId, userId, sessionId })],
    ['in JSON within JSON, cut', `{"visitorId":"${visitorId}","userId":"cust`],
  ])('is not in what is kept of a refused event either when it is %s', (_what, sent) => {
    const { accepted, rejected } = accept([sent]);
    expect(accepted).toEqual([]);
    expect(mentioned(rejected)).toEqual([]);
  });

  it('stays as wrong as it was, so that it is refused again and recognised once it would be taken', () => {
    const tooLong = 'anna'.repeat(20);
    const [refused] = acceptOne({ visitorId: tooLong }).rejected;
    expect(refused).toMatchObject({ reason: 'too-long', detail: expect.stringContaining('visitorId must be a text of 1 to 64') as string });
    const kept = JSON.parse(refused!.original) as { visitorId: string };
    expect(kept.visitorId.slice(0, pseudonymLength)).toBe(pseudonymOf(tooLong));
    expect(accept([kept]).rejected[0]).toMatchObject({ reason: 'too-long' });
    for (const visitorId of ['', 4711, null])
      expect(accept([JSON.parse(acceptOne({ visitorId }).rejected[0]!.original)]).rejected[0]).toMatchObject({ reason: 'invalid-field' });
  });

  it.each([
    ['cut', '{"events":[{"id":"e1","name":"page_view","visitorId":"anna@example.com"},{"visitorId":"custom'],
    ['without quotes', '[{id: e1, name: page_view, visitorId: anna@example.com}]'],
    ['in single quotes', "[{'id': 'e1', 'name': 'page_view', 'visitorId': 'anna@example.com'}]"],
    ['named otherwise', '[{"id":"e1","name":"page_view","member":"anna@example.com","n":[4711,"customer 4711"]}'],
    ['a quote short', '[{"id":"e1","name":"page_view","visitorId:"anna@example.com","userId":"customer 4711"}]'],
    ['text', '"{\\"id\\":\\"e1\\",\\"visitorId\\":\\"anna@example.com\\"}"'],
  ])('is removed from what could not be read: %s', (what, text) => {
    const kept = keptOfText(text, 1_000);
    expect(kept).not.toMatch(/anna|4711|custom/);
    if (what !== 'text') expect(kept).toContain('page_view');
  });
});
