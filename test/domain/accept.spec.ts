import * as fc from 'fast-check';
import { type AcceptContext } from '../../src/domain/accept';
import { parseBatch } from '../../src/domain/accept-parse';
import { limits } from '../../src/protocol/limits';
import { accept, acceptOne, event, pseudonymOf, receivedAt, stored } from './accepting';

const MINUTE_MS = 60_000;
const timeOf = (time: unknown, sentAt?: unknown, context?: Partial<AcceptContext>): number =>
  accept({ events: [{ ...event, time }], ...(sentAt === undefined ? {} : { sentAt }) }, context).accepted[0]!.time;

describe('accepting a batch', () => {
  it('takes a bare list and an object with events alike', () => {
    expect(accept([event]).accepted).toEqual(accept({ events: [event] }).accepted);
  });

  it('takes an empty batch', () => {
    expect(accept([])).toEqual({ accepted: [], rejected: [] });
  });

  it('keeps every field of a full event', () => {
    const full = {
      ...event,
      userId: 'u1',
      sessionId: 's1',
      url: 'https://shop.example/p?q=1',
      title: 'A product',
      referrer: 'https://search.example/',
      userAgent: 'Mozilla/5.0',
      language: 'de-CH',
      screen: '390x844',
      value: 19.99,
      currency: 'EUR',
      items: [{ itemId: 'i1', name: 'Cup', brand: 'B', category: 'C', variant: 'red', price: 9.99, quantity: 2, coupon: 'X' }],
      transactionId: 't1',
      coupon: 'SPRING',
      tax: 3.2,
      shipping: 4.9,
      properties: { size: 'L', stock: 3, sale: true },
    };
    const ids = { visitorId: pseudonymOf('v1'), userId: pseudonymOf('u1'), sessionId: pseudonymOf('s1') };
    expect(acceptOne({ ...full, ip: '203.0.113.7' }).accepted).toEqual([{ ...full, ...ids, merchantId: 'm1', receivedAt, country: 'NZ' }]);
  });

  it('takes what is good and names what is not, by its place', () => {
    const { accepted, rejected } = accept([event, { ...event, id: 'e2', colour: 'red' }, { ...event, id: 'e3' }, 7]);
    expect(accepted.map(({ id }) => id)).toEqual(['e1', 'e3']);
    expect(rejected.map(({ index, id, reason }) => ({ index, id, reason }))).toEqual([
      { index: 1, id: 'e2', reason: 'unknown-field' },
      { index: 3, id: null, reason: 'not-an-object' },
    ]);
  });
});

describe('a text', () => {
  const titleOf = (json: string): unknown => {
    const batch = parseBatch(Buffer.from(`[{"title":"${json}"}]`));
    return batch.ok ? (batch.events[0] as { title: string }).title : batch.detail;
  };

  it.each([
    ['\\ud83d\\udcb6', '💶'],
    ['\\uD83D\\uDCB6 and \\u0041\\n', '💶 and A\n'],
    ['cut \\ud83d', 'cut \ufffd'],
    ['\\udcb6 cut', '\ufffd cut'],
    ['\\ud83d\\ud83d\\udcb6\\udcb6', '\ufffd💶\ufffd'],
    ['\\ud83d\\n\\udcb6', '\ufffd\n\ufffd'],
    // Backslashes that are themselves escaped.
    ['\\\\ud83d', '\\ud83d'],
    ['\\\\\\ud83d', '\\\ufffd'],
  ])('cut in the middle of a character is mended: %s', (json, title) => {
    expect(titleOf(json)).toBe(title);
  });

  it('of any kind is as JSON says, but well-formed', () => {
    const text = fc.string({ unit: fc.constantFrom('\ud83d', '\udcb6', '\\', '"', 'u', 'd83d', '💶', 'a') });
    fc.assert(fc.property(text, (any) => expect(titleOf(JSON.stringify(any).slice(1, -1))).toBe(Buffer.from(any).toString())));
  });
});

describe('refusing an event', () => {
  const long = (length: number): string => 'x'.repeat(length);
  it.each<[string, object, string, string]>([
    ['an unknown field', { colour: 'red' }, 'unknown-field', '"colour"'],
    ['a missing id', { id: undefined }, 'missing-field', 'id is missing'],
    ['a missing visitor', { visitorId: undefined }, 'missing-field', 'visitorId is missing'],
    ['an empty name', { name: '' }, 'invalid-field', 'name must be a text of 1 to 64 characters, not ""'],
    ['a name of another type', { name: 5 }, 'invalid-field', 'name must be a text of 1 to 64 characters, not 5'],
    ['null for a text', { url: null }, 'invalid-field', 'url must be a text of at most 2048 characters, not null'],
    ['an id that is too long', { id: long(65) }, 'too-long', 'id must be a text of 1 to 64 characters'],
    ['a url that is too long', { url: long(2_049) }, 'too-long', 'url must be a text of at most 2048 characters'],
    ['a time in words', { time: 'yesterday' }, 'invalid-time', 'ISO 8601 with an offset or epoch milliseconds, not "yesterday"'],
    ['a time of another type', { time: true }, 'invalid-time', 'time must be'],
    ['a time in seconds', { time: 1_750_000_000 }, 'invalid-time', '(is it in seconds?)'],
    ['a time in microseconds', { time: 1_750_000_000_000_000 }, 'invalid-time', '(is it in microseconds?)'],
    ['a time before 2000', { time: '1999-12-31T23:59:59Z' }, 'invalid-time', 'from 2000-01-01T00:00:00.000Z on'],
    ['a value in words', { value: '19.99' }, 'invalid-field', 'value must be a number'],
    ['a value beyond any price', { value: 1e15 }, 'invalid-field', 'value must be a number'],
    ['a currency that does not exist', { currency: 'XYZ' }, 'invalid-field', 'currency must be an ISO 4217 code such as "EUR", not "XYZ"'],
    ['a currency sign', { currency: '€' }, 'invalid-field', 'currency must be'],
    ['an item without an id', { items: [{ itemId: 'a' }, { price: 1 }] }, 'missing-field', 'items[1].itemId is missing'],
    ['an item with an unknown field', { items: [{ itemId: 'a', size: 1 }] }, 'unknown-field', '"items[0].size"'],
    ['half an item', { items: [{ itemId: 'a', quantity: 0.5 }] }, 'invalid-field', 'items[0].quantity must be a whole number'],
    ['too many items', { items: Array.from({ length: 201 }, (_, i) => ({ itemId: `${i}` })) }, 'too-many', 'a list of 201'],
    ['a list of properties', { properties: ['a'] }, 'invalid-field', 'properties must be an object'],
    [
      'a nested property',
      { properties: { a: { b: 1 } } },
      'invalid-field',
      'properties.a must be a text, a number, true or false, not an object',
    ],
    [
      'too many properties',
      { properties: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`p${i}`, i])) },
      'too-many',
      'at most 50',
    ],
    ['a property name that is too long', { properties: { [long(65)]: 1 } }, 'too-long', 'at most 64 characters'],
    ['a property value that is too long', { properties: { a: long(1_025) } }, 'too-long', 'properties.a'],
  ])('for %s', (_what, fields, reason, detail) => {
    const { accepted, rejected } = acceptOne(fields);
    expect(accepted).toEqual([]);
    expect(rejected).toHaveLength(1);
    expect(rejected[0]).toMatchObject({ index: 0, reason });
    expect(rejected[0]!.detail).toContain(detail);
  });

  it('for a property that would change what an object is', () => {
    const { rejected } = accept(`[{"id":"e1","name":"n","time":${event.time},"visitorId":"v","properties":{"__proto__":"x"}}]`);
    expect(rejected[0]).toMatchObject({ reason: 'invalid-field' });
  });

  it('for a number JSON can write and nobody can count', () => {
    const { rejected } = accept(`[{"id":"e1","name":"n","time":${event.time},"visitorId":"v","value":1e999}]`);
    expect(rejected[0]).toMatchObject({ reason: 'invalid-field' });
  });

  it('keeps the detail short whatever was sent', () => {
    expect(acceptOne({ [long(100_000)]: 1 }).rejected[0]!.detail.length).toBeLessThan(200);
  });

  it('keeps the event for a replay', () => {
    expect(JSON.parse(acceptOne({ colour: 'red' }).rejected[0]!.original)).toEqual({ ...stored, colour: 'red' });
  });

  it('even for what is nested too deeply to be written again', () => {
    const deep = `[{"id":"e1","a":${'['.repeat(300_000)}${']'.repeat(300_000)}}]`;
    expect(accept(deep).rejected[0]).toMatchObject({ reason: 'unknown-field', id: 'e1' });
  });
});

describe('the time of an event', () => {
  const HOUR_MS = 60 * MINUTE_MS;

  it('is kept to the millisecond when the clocks agree, however old the event is', () => {
    expect(timeOf('2015-05-17T10:05:03.456Z', receivedAt)).toBe(Date.UTC(2015, 4, 17, 10, 5, 3, 456));
  });

  it('is kept when the batch took some seconds to arrive', () => {
    expect(timeOf(receivedAt - 5_000, receivedAt - limits.clockSkewToleranceMs)).toBe(receivedAt - 5_000);
    expect(timeOf(receivedAt - 5_000, receivedAt + limits.clockSkewToleranceMs)).toBe(receivedAt - 5_000);
  });

  it('is corrected for a clock that is wrong by more than the way can explain', () => {
    const tooMuch = limits.clockSkewToleranceMs + 1;
    expect(timeOf(receivedAt - tooMuch - 5_000, receivedAt - tooMuch)).toBe(receivedAt - 5_000);
    expect(timeOf(receivedAt + tooMuch - 5_000, receivedAt + tooMuch)).toBe(receivedAt - 5_000);
  });

  it('is corrected for a clock that is slow', () => {
    expect(timeOf(receivedAt - HOUR_MS - 5_000, receivedAt - HOUR_MS)).toBe(receivedAt - 5_000);
  });

  it('is corrected for a clock that is fast', () => {
    expect(timeOf(receivedAt + HOUR_MS - 5_000, receivedAt + HOUR_MS)).toBe(receivedAt - 5_000);
  });

  it('is right even from a device that believes it is 1970', () => {
    expect(timeOf(12_000, 20_000)).toBe(receivedAt - 8_000);
  });

  it('is kept when the batch lay unread in a socket for longer than any tolerance', () => {
    const unreadForMs = 10 * MINUTE_MS;
    expect(timeOf(receivedAt - unreadForMs, receivedAt - unreadForMs, { unreadForMs })).toBe(receivedAt - unreadForMs);
  });

  it('may lie five minutes ahead', () => {
    expect(timeOf(receivedAt + 5 * MINUTE_MS)).toBe(receivedAt + 5 * MINUTE_MS);
  });

  it('counts at receipt when it lies further ahead', () => {
    expect(timeOf(receivedAt + 5 * MINUTE_MS + 1)).toBe(receivedAt);
    expect(timeOf('2999-01-01T00:00:00Z')).toBe(receivedAt);
  });
});

describe('a currency', () => {
  it('is written in capitals, however it came', () => {
    const currencies = accept(['EUR', 'usd', 'Chf', ''].map((currency) => ({ ...event, currency }))).accepted.map(
      ({ currency }) => currency,
    );
    expect(currencies).toEqual(['EUR', 'USD', 'CHF', undefined]);
  });

  it('may be all that a merchant can count in, a fund, or money that is no longer in use, and neither a metal nor none', () => {
    const reasonsOf = (codes: string[]): string[] =>
      accept(codes.map((currency) => ({ ...event, currency }))).rejected.map(({ index }) => codes[index]!);
    expect(reasonsOf(['VED', 'CLF', 'uyw', 'HRK', 'XDR'])).toEqual([]);
    expect(reasonsOf(['XXX', 'XTS', 'XAU', 'DEM'])).toEqual(['XXX', 'XTS', 'XAU', 'DEM']);
  });
});

describe('a request', () => {
  it.each<[string, string, string]>([
    ['broken JSON', '[{"id":', 'broken-json'],
    ['nothing', '', 'broken-json'],
    ['a number', '5', 'not-a-batch'],
    ['null', 'null', 'not-a-batch'],
    ['an object without events', '{}', 'not-a-batch'],
    ['events that are no list', '{"events":{}}', 'not-a-batch'],
    ['a field beside events', '{"events":[],"batch":1}', 'not-a-batch'],
    ['a sentAt in words', '{"events":[],"sentAt":"now"}', 'not-a-batch'],
    ['too many events', `[${'0,'.repeat(1_000)}0]`, 'too-many-events'],
    ['too many bytes', `["${'x'.repeat(limits.batchBytesMax)}"]`, 'too-large'],
    ['half a million brackets', '['.repeat(500_000), 'broken-json'],
  ])('that is %s is refused as a whole', (_what, body, kind) => {
    expect(parseBatch(Buffer.from(body))).toMatchObject({ ok: false, kind });
  });

  it('of a thousand events is taken', () => {
    expect(accept(Array.from({ length: 1_000 }, (_, i) => ({ ...event, id: `e${i}` }))).accepted).toHaveLength(1_000);
  });

  it('of any shape is answered for each of its events, and never throws', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.record({ ...almostAnEvent }, { requiredKeys: ['id', 'name'] }))), (events) => {
        const { accepted, rejected } = accept({ events });
        expect(accepted.length + rejected.length).toBe(events.length);
        for (const row of accepted) {
          expect(row.time).toBeLessThanOrEqual(receivedAt + limits.futureToleranceMs);
          expect(row.id.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});

const almostAnEvent = {
  id: fc.string({ maxLength: 70 }),
  name: fc.string({ maxLength: 70 }),
  time: fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(receivedAt)),
  visitorId: fc.oneof(fc.string({ maxLength: 70 }), fc.constant('v1')),
  value: fc.oneof(fc.double(), fc.string()),
  currency: fc.oneof(fc.constantFrom('EUR', 'usd', 'XXX'), fc.string()),
  items: fc.array(fc.oneof(fc.record({ itemId: fc.string() }), fc.jsonValue())),
  properties: fc.dictionary(fc.string(), fc.jsonValue()),
};

describe('an event from an address the merchant filters', () => {
  const filtersHolding = (address: string): string[] => (address.startsWith('203.0.113.') ? ['office', 'all'] : []);

  it('is refused for that, with its country, the filters and without its address', () => {
    const { accepted, rejected } = acceptOne({ ip: '203.0.113.7' }, { filtersHolding });
    expect(accepted).toEqual([]);
    expect(JSON.parse(rejected[0]!.original)).toMatchObject({ id: 'e1', name: 'page_view', time: event.time });
    expect(rejected).toEqual([
      {
        index: 0,
        id: 'e1',
        reason: 'filtered-address',
        detail: 'comes from an address that the merchant filters (office, all); it is kept with the rejects',
        original: expect.not.stringContaining('203.0.113') as string,
        country: 'NZ',
        filterIds: ['office', 'all'],
      },
    ]);
  });

  it('is known by the address of its connection where it carries none of its own', () => {
    const context = { filtersHolding, visitorAddress: '203.0.113.7' };
    expect(acceptOne({}, context).rejected).toMatchObject([{ reason: 'filtered-address', country: 'NZ' }]);
    expect(acceptOne({ ip: '' }, context).rejected).toHaveLength(1);
    expect(acceptOne({ ip: '198.51.100.1' }, context).accepted).toHaveLength(1);
    expect(acceptOne({}, { filtersHolding }).accepted).toHaveLength(1);
  });

  it('is refused for what is wrong with it first', () => {
    const reasons = (fields: object) =>
      acceptOne({ ip: '203.0.113.7', ...fields }, { filtersHolding }).rejected.map(({ reason }) => reason);
    expect(reasons({ colour: 'red' })).toEqual(['unknown-field']);
    expect(reasons({ time: 'soon' })).toEqual(['invalid-time']);
    expect(reasons({ currency: 'XX' })).toEqual(['invalid-field']);
  });
});

describe('what is kept of a refused event', () => {
  it('says how far its clock was wrong, so that it has the same time once it is replayed', () => {
    const sentAt = receivedAt - 60 * MINUTE_MS;
    const { rejected } = accept({ events: [{ ...event, colour: 'red' }], sentAt });
    expect(rejected[0]!.clockCorrectionMs).toBe(60 * MINUTE_MS);
    expect(accept({ events: [{ ...event, colour: 'red' }], sentAt: receivedAt }).rejected[0]).not.toHaveProperty('clockCorrectionMs');
  });
});
