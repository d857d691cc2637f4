import { dayOf, dayStart, offsetMinutes } from '../../projections/kit/zone';
import { addDays, dayMs, daysBetween, hourMs, isDayStart, minuteMs, type Interval, type Span } from './calendar';
import { refused, type Refused } from './refusal';

/** Offsets of all timezones are whole quarter hours from here on, which is what the buckets rely on. */
const earliest = Date.UTC(1972, 0, 2);
const latest = Date.UTC(2200, 0, 1);
/** Days a report covers when the request does not say. */
const defaultDays = 30;

const bareDate = /^\d{4}-\d{2}-\d{2}$/;
const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * The span a request asks for. A bare date is a day of `timezone`, and as `to` includes that day; a date-time is an instant (in
 * `timezone` where it names no offset), and as `to` is exclusive. Default: the 30 days that end with `to`, which defaults to today.
 */
export function readSpan(from: string | undefined, to: string | undefined, timezone: string, now: number): Span | Refused {
  const end = to === undefined ? endOfDay(timezone, now) : readTime('to', to, timezone);
  if (typeof end !== 'number') return end;
  const start = from === undefined ? daysBefore(timezone, end, defaultDays) : readTime('from', from, timezone);
  if (typeof start !== 'number') return start;
  if (start >= end) return refused('from', 'must be before to');
  if (start < earliest || end > latest) return refused(start < earliest ? 'from' : 'to', 'must lie between 1972-01-02 and 2200-01-01');
  return { from: start, to: end };
}

function readTime(name: 'from' | 'to', text: string, timezone: string): number | Refused {
  if (bareDate.test(text)) {
    if (!isCalendarDay(text)) return refused(name, `'${text}' is no day of the calendar`);
    return dayStart(timezone, name === 'to' ? addDays(text, 1) : text);
  }
  const match = dateTime.exec(text);
  if (match === null || !isCalendarDay(text.slice(0, 10))) return notATime(name, text);
  const instant = match[3] === undefined ? localTime(text, timezone) : Date.parse(text);
  return Number.isNaN(instant) ? notATime(name, text) : instant;
}

const notATime = (name: string, text: string): Refused =>
  refused(
    name,
    `'${text.slice(0, 40)}' must be a date (2026-11-22) or an ISO 8601 date-time (2026-11-22T05:00:00Z); a + in a URL is written %2B`,
  );

const isCalendarDay = (day: string): boolean => {
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
};

/** A wall-clock time without an offset. One the clocks show twice is its first; one they skip is read by the clock before the change. */
function localTime(text: string, timezone: string): number {
  const asUtc = Date.parse(`${text}Z`);
  if (Number.isNaN(asUtc)) return asUtc;
  // The offsets before and after any change of clocks near that time; the larger one gives the earlier instant.
  const before = asUtc - offsetMinutes(timezone, asUtc - dayMs) * minuteMs;
  const after = asUtc - offsetMinutes(timezone, asUtc + dayMs) * minuteMs;
  const shows = (instant: number): boolean => instant + offsetMinutes(timezone, instant) * minuteMs === asUtc;
  return shows(before) || !shows(after) ? before : after;
}

const endOfDay = (timezone: string, at: number): number => dayStart(timezone, addDays(dayOf(timezone, at), 1));

function daysBefore(timezone: string, at: number, days: number): number {
  const day = dayOf(timezone, at);
  return isDayStart(timezone, at) ? dayStart(timezone, addDays(day, -days)) : dayStart(timezone, addDays(day, 1 - days));
}

/** The span of the same length that ends where this one begins: as many calendar days where it is whole days, else as many milliseconds. */
export function previousSpan(span: Span, timezone: string): Span {
  if (isDayStart(timezone, span.from) && isDayStart(timezone, span.to)) {
    const first = dayOf(timezone, span.from);
    return { from: dayStart(timezone, addDays(first, -daysBetween(first, dayOf(timezone, span.to)))), to: span.from };
  }
  return { from: span.from - (span.to - span.from), to: span.from };
}

/** An interval that draws a readable chart of the span. */
export function defaultInterval(span: Span): Interval {
  const length = span.to - span.from;
  if (length <= 3 * hourMs) return 'minute';
  if (length <= 3 * dayMs) return 'hour';
  if (length <= 125 * dayMs) return 'day';
  if (length <= 750 * dayMs) return 'week';
  return 'month';
}
