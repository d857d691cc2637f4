import { dayOf, dayStart, isoDay, offsetMinutes } from '../../projections/kit/zone';

export const intervals = ['minute', 'hour', 'day', 'week', 'month'] as const;
export type Interval = (typeof intervals)[number];

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** A span of time, epoch ms, `to` exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The start of the interval an instant lies in, by the clocks of `timezone`. Weeks begin on Monday (ISO 8601). */
export function intervalStart(interval: Interval, timezone: string, at: number): number {
  switch (interval) {
    case 'minute':
      return Math.floor(at / minuteMs) * minuteMs;
    case 'hour':
      return hourStart(timezone, at);
    case 'day':
    case 'week':
    case 'month':
      return dayStart(timezone, firstDay(interval, dayOf(timezone, at)));
  }
}

/**
 * The starts of all intervals that touch a span, ascending. The first may lie before `from`: it names the interval, of which only
 * the part inside the span is counted. Undefined when there would be more than `max`.
 */
export function intervalStarts(interval: Interval, timezone: string, span: Span, max: number): number[] | undefined {
  const starts: number[] = [];
  let start = intervalStart(interval, timezone, span.from);
  while (start < span.to) {
    if (starts.length === max) return undefined;
    starts.push(start);
    start = nextStart(interval, timezone, start);
  }
  return starts;
}

function nextStart(interval: Interval, timezone: string, start: number): number {
  switch (interval) {
    case 'minute':
      return start + minuteMs;
    case 'hour':
      return nextHour(timezone, start);
    case 'day':
    case 'week':
    case 'month': {
      let day = firstDay(interval, dayOf(timezone, start));
      // A calendar day can be missing: a country that crossed the date line skipped one. Its start is that of the day after.
      for (;;) {
        day = following(interval, day);
        const next = dayStart(timezone, day);
        if (next > start) return next;
      }
    }
  }
}

/**
 * Local hours are UTC hours moved by the offset. A change of clocks by half an hour (Lord Howe Island) begins a row of its own, so that
 * no row is longer than an hour and none holds two readings of the clock.
 */
function hourStart(timezone: string, at: number): number {
  const floored = floorHour(timezone, at);
  return offsetMinutes(timezone, floored) === offsetMinutes(timezone, at)
    ? floored
    : Math.max(floored, changeBetween(timezone, floored, at));
}

function nextHour(timezone: string, start: number): number {
  const next = start + hourMs;
  const floored = floorHour(timezone, next);
  if (floored <= start || offsetMinutes(timezone, floored) !== offsetMinutes(timezone, next)) return changeBetween(timezone, start, next);
  return floored;
}

function floorHour(timezone: string, at: number): number {
  const offsetMs = offsetMinutes(timezone, at) * minuteMs;
  return Math.floor((at + offsetMs) / hourMs) * hourMs - offsetMs;
}

/** The instant after `from` and up to `to` at which the offset becomes that of `to`; clocks change on quarter hours. */
function changeBetween(timezone: string, from: number, to: number): number {
  const after = offsetMinutes(timezone, to);
  const quarterMs = 15 * minuteMs;
  let at = Math.floor(to / quarterMs) * quarterMs;
  while (at - quarterMs > from && offsetMinutes(timezone, at - quarterMs) === after) at -= quarterMs;
  return at;
}

/** The calendar day that begins the interval of `day`, both `YYYY-MM-DD`. */
function firstDay(interval: 'day' | 'week' | 'month', day: string): string {
  if (interval === 'day') return day;
  if (interval === 'month') return `${day.slice(0, 8)}01`;
  const sinceMonday = (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
  return addDays(day, -sinceMonday);
}

function following(interval: 'day' | 'week' | 'month', day: string): string {
  if (interval === 'day') return addDays(day, 1);
  if (interval === 'week') return addDays(day, 7);
  const [year, month] = day.split('-').map(Number) as [number, number];
  return new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
}

/** Calendar arithmetic on `YYYY-MM-DD`: no clock is involved. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}

/** Days from `a` to `b`, both `YYYY-MM-DD`. */
export function daysBetween(a: string, b: string): number {
  return Math.round((Date.parse(`${b}T00:00:00Z`) - Date.parse(`${a}T00:00:00Z`)) / dayMs);
}

export const isDayStart = (timezone: string, at: number): boolean => dayStart(timezone, dayOf(timezone, at)) === at;

const twoDigits = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
/** The day that was written last: those of one answer mostly follow each other. */
let writtenDay = { number: 0, text: '1970-01-01' };

/** ISO 8601 with the timezone's offset at that instant: `2015-05-17T00:00:00+02:00`; UTC as `Z`. Milliseconds only where there are any. */
export function isoWithOffset(timezone: string, at: number): string {
  const offset = offsetMinutes(timezone, at);
  const local = at + offset * minuteMs;
  const number = Math.floor(local / dayMs);
  if (number !== writtenDay.number) writtenDay = { number, text: isoDay(local) };
  const ms = local - number * dayMs;
  const minute = Math.floor(ms / minuteMs);
  const seconds = ms % minuteMs === 0 ? '00' : secondsText(ms % minuteMs);
  const time = `${writtenDay.text}T${twoDigits[Math.floor(minute / 60)]}:${twoDigits[minute % 60]}:${seconds}`;
  if (offset === 0) return `${time}Z`;
  const minutes = Math.abs(offset);
  return `${time}${offset < 0 ? '-' : '+'}${twoDigits[Math.floor(minutes / 60)]}:${twoDigits[minutes % 60]}`;
}

function secondsText(ms: number): string {
  const seconds = twoDigits[Math.floor(ms / 1_000)]!;
  return ms % 1_000 === 0 ? seconds : `${seconds}.${String(ms % 1_000).padStart(3, '0')}`;
}

const knownTimezonesMax = 2_000;
const knownTimezones = new Map<string, string>();

/**
 * The canonical name of an IANA timezone, undefined when there is none of that name. Names are matched in any case and have aliases:
 * calculations use the canonical one, so that what is remembered per timezone stays bounded.
 */
export function canonicalTimezone(name: string): string | undefined {
  const known = knownTimezones.get(name);
  if (known !== undefined) return known;
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]{1,63}$/.test(name)) return undefined;
  let canonical: string;
  try {
    canonical = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  if (knownTimezones.size >= knownTimezonesMax) knownTimezones.clear();
  knownTimezones.set(name, canonical);
  return canonical;
}
