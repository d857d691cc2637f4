import * as fc from 'fast-check';
import { parseTime } from '../../src/domain/time';

describe('reading a time', () => {
  it.each([
    ['2026-03-01T10:20:30.123Z', Date.UTC(2026, 2, 1, 10, 20, 30, 123)],
    ['2026-03-01T10:20:30Z', Date.UTC(2026, 2, 1, 10, 20, 30)],
    ['2026-03-01T10:20Z', Date.UTC(2026, 2, 1, 10, 20)],
    ['2026-03-01T10:20:30.123456789Z', Date.UTC(2026, 2, 1, 10, 20, 30, 123)],
    ['2026-03-01T10:20:30,5Z', Date.UTC(2026, 2, 1, 10, 20, 30, 500)],
    ['2026-03-01T10:20:30+02:00', Date.UTC(2026, 2, 1, 8, 20, 30)],
    ['2026-03-01T10:20:30-0530', Date.UTC(2026, 2, 1, 15, 50, 30)],
    ['2026-03-01T10:20:30+02', Date.UTC(2026, 2, 1, 8, 20, 30)],
    ['2026-03-01 10:20:30Z', Date.UTC(2026, 2, 1, 10, 20, 30)],
    ['2026-03-01', Date.UTC(2026, 2, 1)],
    ['2024-02-29T23:59:60Z', Date.UTC(2024, 1, 29, 23, 59, 59, 999)],
    [1_750_000_000_123, 1_750_000_000_123],
    [1_750_000_000_123.9, 1_750_000_000_123],
  ])('takes %s', (value, expected) => {
    expect(parseTime(value)).toBe(expected);
  });

  it.each([
    ['a day the calendar does not have', '2026-02-30T10:00:00Z'],
    ['the leap day of a common year', '2025-02-29T10:00:00Z'],
    ['a leap day of 1900', '1900-02-29T10:00:00Z'],
    ['a date-time without an offset', '2026-03-01T10:20:30'],
    ['a month too many', '2026-13-01T10:20:30Z'],
    ['an hour too many', '2026-03-01T24:20:30Z'],
    ['a fraction without digits', '2026-03-01T10:20:30.Z'],
    ['something after the offset', '2026-03-01T10:20:30Zulu'],
    ['an offset too far', '2026-03-01T10:20:30+24:00'],
    ['words', 'yesterday'],
    ['a year', '2026'],
    ['a number as text', '1750000000123'],
    ['nothing', ''],
    ['microseconds', 1_750_000_000_123_000],
    ['no number', NaN],
    ['infinity', Infinity],
    ['a list', [1]],
    ['null', null],
  ])('refuses %s', (_what, value) => {
    expect(parseTime(value)).toBeNaN();
  });

  it('agrees with Date on every instant that Date can write', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          expect(parseTime(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });

  it('agrees with Date whatever the offset', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: -14 * 60, max: 14 * 60 }), (time, offset) => {
        const at = new Date(time + offset * 60_000).toISOString().slice(0, -1);
        const minutes = String(Math.abs(offset) % 60).padStart(2, '0');
        const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0');
        expect(parseTime(`${at}${offset < 0 ? '-' : '+'}${hours}:${minutes}`)).toBe(time);
      }),
    );
  });

  it('gives a number or NaN for any text, and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseTime(text) === 'number'));
  });
});
