import { dayOf, dayStart, isWholeHour, offsetMinutes } from '../../../projections/kit/zone';

const at = (iso: string): number => Date.parse(iso);

describe('days in a timezone', () => {
  it.each([
    ['UTC', '2026-11-22T05:00:00Z', 0],
    ['America/New_York', '2026-11-22T05:00:00Z', -300],
    ['America/New_York', '2026-07-01T05:00:00Z', -240],
    ['Asia/Kathmandu', '2026-11-22T05:00:00Z', 345],
    ['Australia/Lord_Howe', '2026-01-01T00:00:00Z', 660],
    ['Australia/Lord_Howe', '2026-07-01T00:00:00Z', 630],
  ])('%s at %s is %i minutes from UTC', (timezone, iso, minutes) => {
    expect(offsetMinutes(timezone, at(iso))).toBe(minutes);
  });

  it('begin at local midnight, 23 hours after the one before when clocks go forward and 25 when they go back', () => {
    const length = (day: string, next: string): number =>
      (dayStart('America/New_York', next) - dayStart('America/New_York', day)) / 3_600_000;
    expect(length('2025-03-09', '2025-03-10')).toBe(23);
    expect(length('2025-11-02', '2025-11-03')).toBe(25);
    expect(length('2025-11-03', '2025-11-04')).toBe(24);
  });

  it('begin at one o’clock where the change of clocks skips midnight', () => {
    expect(new Date(dayStart('America/Sao_Paulo', '2018-11-04')).toISOString()).toBe('2018-11-04T03:00:00.000Z');
    expect(dayOf('America/Sao_Paulo', at('2018-11-04T02:59:59Z'))).toBe('2018-11-03');
  });

  it('are told from the calendar at every quarter hour around a change', () => {
    for (const timezone of ['Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia']) {
      const calendar = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone });
      for (let ms = at('2026-03-28T00:00:00Z'); ms < at('2026-04-06T00:00:00Z'); ms += 900_000) {
        expect(dayOf(timezone, ms)).toBe(calendar.format(ms));
        expect(dayStart(timezone, dayOf(timezone, ms))).toBeLessThanOrEqual(ms);
      }
    }
  });

  it('need quarter hours only where the offset is not whole hours', () => {
    expect(isWholeHour('Europe/Berlin', at('2026-11-22T05:00:00Z'))).toBe(true);
    expect(isWholeHour('Asia/Kolkata', at('2026-11-22T05:00:00Z'))).toBe(false);
  });
});
