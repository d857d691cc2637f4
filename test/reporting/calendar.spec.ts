import fc from 'fast-check';
import { canonicalTimezone, intervals, intervalStart, intervalStarts, isoWithOffset, type Interval } from '../../src/reporting/calendar';
import { coverage, type Stretch } from '../../src/reporting/coverage';
import { defaultInterval, previousSpan, readSpan } from '../../src/reporting/range';

const hourMs = 3_600_000;
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Calcutta',
  'Asia/Katmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/Sao_Paulo',
];
const at = (text: string): number => Date.parse(text);
const starts = (interval: Interval, zone: string, from: string, to: string): string[] =>
  intervalStarts(interval, zone, { from: at(from), to: at(to) }, 1_000)!.map((start) => isoWithOffset(zone, start));

describe('intervals', () => {
  it('are days of 23 and 25 hours where the clocks change', () => {
    expect(starts('hour', 'Europe/Berlin', '2025-03-29T23:00Z', '2025-03-30T22:00Z')).toHaveLength(23);
    expect(starts('hour', 'Europe/Berlin', '2025-10-25T22:00Z', '2025-10-26T23:00Z')).toHaveLength(25);
    expect(starts('day', 'Europe/Berlin', '2025-03-29T23:00Z', '2025-03-31T22:00Z')).toEqual([
      '2025-03-30T00:00:00+01:00',
      '2025-03-31T00:00:00+02:00',
    ]);
  });

  it('are hours of the local clock where it is half or a quarter hour off', () => {
    expect(starts('hour', 'Asia/Calcutta', '2025-03-01T18:30Z', '2025-03-01T20:30Z')).toEqual([
      '2025-03-02T00:00:00+05:30',
      '2025-03-02T01:00:00+05:30',
    ]);
    expect(starts('hour', 'Asia/Katmandu', '2025-03-01T18:15Z', '2025-03-01T19:15Z')).toEqual(['2025-03-02T00:00:00+05:45']);
  });

  it('begin anew where the clock moves by half an hour', () => {
    expect(starts('hour', 'Australia/Lord_Howe', '2025-10-04T14:30Z', '2025-10-04T17:00Z')).toEqual([
      '2025-10-05T01:00:00+10:30',
      '2025-10-05T02:30:00+11:00',
      '2025-10-05T03:00:00+11:00',
    ]);
    expect(starts('hour', 'Australia/Lord_Howe', '2025-04-05T14:00Z', '2025-04-05T16:30Z')).toEqual([
      '2025-04-06T01:00:00+11:00',
      '2025-04-06T01:30:00+10:30',
      '2025-04-06T02:00:00+10:30',
    ]);
  });

  it('leave out the day Samoa skipped', () => {
    expect(starts('day', 'Pacific/Apia', '2011-12-29T10:00Z', '2011-12-31T10:00Z')).toEqual([
      '2011-12-29T00:00:00-10:00',
      '2011-12-31T00:00:00+14:00',
    ]);
  });

  it('begin a day at the first hour that exists where midnight is skipped', () => {
    expect(starts('day', 'America/Sao_Paulo', '2018-11-03T03:00Z', '2018-11-05T02:00Z')).toEqual([
      '2018-11-03T00:00:00-03:00',
      '2018-11-04T01:00:00-02:00',
    ]);
  });

  it('are weeks from Monday and months from the first, named by their start even where the range begins later', () => {
    expect(starts('week', 'UTC', '2025-01-01T00:00Z', '2025-01-14T00:00Z')).toEqual([
      '2024-12-30T00:00:00Z',
      '2025-01-06T00:00:00Z',
      '2025-01-13T00:00:00Z',
    ]);
    expect(starts('month', 'Europe/Berlin', '2024-12-15T00:00Z', '2025-02-28T00:00Z')).toEqual([
      '2024-12-01T00:00:00+01:00',
      '2025-01-01T00:00:00+01:00',
      '2025-02-01T00:00:00+01:00',
    ]);
  });

  it('begin before an instant that lies within them', () => {
    const within = at('2025-03-29T23:59:59.999Z');
    const begun = intervals.map((interval) => isoWithOffset('UTC', intervalStart(interval, 'UTC', within)));
    expect(begun).toEqual([
      '2025-03-29T23:59:00Z',
      '2025-03-29T23:00:00Z',
      '2025-03-29T00:00:00Z',
      '2025-03-24T00:00:00Z',
      '2025-03-01T00:00:00Z',
    ]);
  });

  it('ascend, cover the range, and each begins where its own start is asked for', () => {
    const from = fc.integer({ min: at('2010-01-01'), max: at('2030-01-01') }).map((ms) => Math.floor(ms / 60_000) * 60_000);
    fc.assert(
      fc.property(
        fc.constantFrom(...intervals),
        fc.constantFrom(...zones),
        from,
        fc.integer({ min: 1, max: 90 * 24 * 60 }),
        (interval, zone, start, minutes) => {
          const span = { from: start, to: start + minutes * 60_000 };
          const found = intervalStarts(interval, zone, span, 400);
          if (found === undefined) return;
          expect(found[0]).toBeLessThanOrEqual(span.from);
          expect(found.at(-1)).toBeLessThan(span.to);
          found.forEach((each, i) => {
            if (i > 0) expect(each).toBeGreaterThan(found[i - 1]!);
            expect(intervalStart(interval, zone, each)).toBe(each);
            if (interval === 'hour' && i > 0) expect(each - found[i - 1]!).toBeLessThanOrEqual(hourMs);
          });
          if (found.length > 1) expect(found[1]).toBeGreaterThan(span.from);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('an instant as text', () => {
  it.each([
    ['UTC', '2025-03-29T04:05:06.007Z', '2025-03-29T04:05:06.007Z'],
    ['UTC', '2025-03-29T04:05:59Z', '2025-03-29T04:05:59Z'],
    ['UTC', '1969-12-31T23:59:59.500Z', '1969-12-31T23:59:59.500Z'],
    ['Asia/Katmandu', '2025-03-29T19:59:00Z', '2025-03-30T01:44:00+05:45'],
    ['America/St_Johns', '2025-01-01T03:29:00.010Z', '2024-12-31T23:59:00.010-03:30'],
  ])('of %s keeps seconds and milliseconds where there are any: %s', (zone, instant, text) => {
    expect(isoWithOffset(zone, at(instant))).toBe(text);
  });
});

describe('a timezone', () => {
  it.each([
    ['europe/berlin', 'Europe/Berlin'],
    ['US/Eastern', 'America/New_York'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
    ['Mars/Olympus', undefined],
    ['+05:30', undefined],
    ['', undefined],
    ['Europe/Berlin\n', undefined],
  ])('is known by its name in any case and by its aliases, and is no mere offset: %j', (name, canonical) => {
    expect(canonicalTimezone(name)).toBe(canonical);
    expect(canonicalTimezone(name)).toBe(canonical);
  });
});

describe('the documents chosen for a range', () => {
  const granularities = (plan: ReturnType<typeof coverage>): string[] => (plan as Stretch[]).map((stretch) => stretch.granularity);
  const span = (from: string, to: string): { from: number; to: number } => ({ from: at(from), to: at(to) });

  it('are days where rows begin with them, with finer ones at ragged ends', () => {
    expect(granularities(coverage(span('2025-03-01', '2025-03-05'), [], 'UTC', 'minute'))).toEqual(['day']);
    const ragged = coverage(span('2025-03-01T10:20Z', '2025-03-05T03:00Z'), [], 'UTC', 'minute') as Stretch[];
    expect(granularities(ragged)).toEqual(['minute', 'hour', 'day', 'hour']);
    expect(new Date(ragged[1]!.from).toISOString()).toBe('2025-03-01T11:00:00.000Z');
  });

  it('end where a day begins inside a range that holds no whole day', () => {
    const days = intervalStarts('day', 'Asia/Calcutta', span('2025-04-01T17:00Z', '2025-04-01T20:00Z'), 10)!;
    expect(coverage(span('2025-04-01T17:00Z', '2025-04-01T20:00Z'), days, 'Asia/Calcutta', 'minute')).toEqual([
      { granularity: 'hour', ...span('2025-04-01T17:00Z', '2025-04-01T18:00Z') },
      { granularity: 'minute', ...span('2025-04-01T18:00Z', '2025-04-01T19:00Z') },
      { granularity: 'hour', ...span('2025-04-01T19:00Z', '2025-04-01T20:00Z') },
    ]);
  });

  it('are hours where rows begin with hours of UTC and not with days of the documents', () => {
    const range = span('2025-03-01T00:00Z', '2025-03-04T00:00Z');
    expect(granularities(coverage(range, intervalStarts('day', 'UTC', range, 10)!, 'Asia/Calcutta', 'hour'))).toEqual(['hour']);
  });

  it('are refused where there would be too many, with the number of days that may be asked for', () => {
    const readMinutes = (minutes: number): ReturnType<typeof coverage> => {
      const range = { from: at('2025-03-01T00:00Z'), to: at('2025-03-01T00:00Z') + minutes * 60_000 };
      return coverage(range, intervalStarts('hour', 'Asia/Katmandu', range, 1_000)!, 'UTC', 'minute');
    };
    expect(granularities(readMinutes(20_000))).toEqual(['minute']);
    expect(readMinutes(20_001)).toMatchObject({
      detail: expect.stringContaining('from single minutes: ask for at most 13 days') as string,
    });
  });

  it('follow each other without gap or overlap, and none reaches over the start of a row', () => {
    const minute = fc.integer({ min: 0, max: 12 * 24 * 60 }).map((m) => at('2025-03-25') + m * 60_000);
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...zones),
        fc.constantFrom(...intervals),
        minute,
        minute,
        (asked, folded, interval, a, b) => {
          const range = { from: Math.min(a, b), to: Math.max(a, b) + 60_000 };
          const rows = intervalStarts(interval, asked, range, 20_000)!;
          const plan = coverage(range, rows, folded, 'minute') as Stretch[];
          expect(plan[0]!.from).toBe(range.from);
          expect(plan.at(-1)!.to).toBe(range.to);
          plan.forEach((stretch, i) => {
            if (i > 0) expect(stretch.from).toBe(plan[i - 1]!.to);
            const buckets = stretch.granularity === 'day' ? 'day' : stretch.granularity === 'hour' ? 'hour' : 'minute';
            const zone = buckets === 'day' ? folded : 'UTC';
            const inside = rows.filter((row) => row > stretch.from && row < stretch.to);
            expect(inside.filter((row) => intervalStart(buckets, zone, row) !== row)).toEqual([]);
            for (const end of [stretch.from, stretch.to]) expect(intervalStart(buckets, zone, end)).toBe(end);
          });
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('a range', () => {
  const now = at('2025-03-20T20:00Z');
  const read = (from: string | undefined, to: string | undefined, zone = 'Europe/Berlin'): string[] => {
    const span = readSpan(from, to, zone, now);
    return 'unanswered' in span ? [span.detail] : [isoWithOffset(zone, span.from), isoWithOffset(zone, span.to)];
  };

  it('includes the day a bare date ends it with, and not the instant a date-time ends it with', () => {
    expect(read('2025-03-29', '2025-03-30')).toEqual(['2025-03-29T00:00:00+01:00', '2025-03-31T00:00:00+02:00']);
    expect(read('2025-03-29T10:00:00Z', '2025-03-29T11:00:00+02:00')).toEqual(['must be before to']);
    expect(read('2025-03-29T10:00:00Z', '2025-03-29T12:00:00Z')).toEqual(['2025-03-29T11:00:00+01:00', '2025-03-29T13:00:00+01:00']);
  });

  it('reads a date-time without an offset by the clocks of the timezone', () => {
    expect(read('2025-07-01T08:00:00', '2025-07-01T09:00')).toEqual(['2025-07-01T08:00:00+02:00', '2025-07-01T09:00:00+02:00']);
    // Shown twice: the first; skipped: as if the clocks had not been changed.
    expect(read('2025-10-26T02:30:00', '2025-10-27')[0]).toBe('2025-10-26T02:30:00+02:00');
    expect(read('2025-03-30T02:30:00', '2025-03-31')[0]).toBe('2025-03-30T03:30:00+02:00');
  });

  it('is the 30 days up to its end, or today', () => {
    expect(read(undefined, undefined)).toEqual(['2025-02-19T00:00:00+01:00', '2025-03-21T00:00:00+01:00']);
    expect(read(undefined, '2025-01-30')).toEqual(['2025-01-01T00:00:00+01:00', '2025-01-31T00:00:00+01:00']);
    expect(read('2025-03-19', undefined)).toEqual(['2025-03-19T00:00:00+01:00', '2025-03-21T00:00:00+01:00']);
  });

  it('has a previous one of as many days', () => {
    const span = readSpan('2025-03-28', '2025-03-31', 'Europe/Berlin', now);
    if ('unanswered' in span) throw new Error(span.detail);
    const previous = previousSpan(span, 'Europe/Berlin');
    expect([previous.from, previous.to].map((each) => isoWithOffset('Europe/Berlin', each))).toEqual([
      '2025-03-24T00:00:00+01:00',
      '2025-03-28T00:00:00+01:00',
    ]);
    const hours = { from: at('2025-03-28T05:00Z'), to: at('2025-03-28T08:00Z') };
    expect(previousSpan(hours, 'Europe/Berlin')).toEqual({ from: at('2025-03-28T02:00Z'), to: at('2025-03-28T05:00Z') });
  });

  it('is drawn in rows that suit it', () => {
    const days = (n: number): Interval => defaultInterval({ from: hourMs, to: hourMs + n * 24 * hourMs });
    expect([1 / 8, 3, 125, 750].map(days)).toEqual(['minute', 'hour', 'day', 'week']);
    expect([0.1, 1, 30, 365, 1_000].map(days)).toEqual(['minute', 'hour', 'day', 'week', 'month']);
  });
});
