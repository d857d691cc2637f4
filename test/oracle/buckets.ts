/** A span of time that is counted apart. Epoch ms; from <= t < to. */
export interface Bucket {
  readonly granularity: 'minute' | 'hour' | 'day';
  /** As documents call it: `2026-11-22T10:05`, `2026-11-22T10`, `2026-11-22`. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const calendars = new Map<string, Intl.DateTimeFormat>();
/** `2026-11-22`, as a calendar on the wall of that timezone shows: the Swedish locale writes dates as ISO 8601 does. */
export function localDay(timezone: string, at: number): string {
  if (!calendars.has(timezone)) calendars.set(timezone, new Intl.DateTimeFormat('sv-SE', { timeZone: timezone }));
  return calendars.get(timezone)!.format(at);
}

/** "Minutes and hours are UTC's, days the merchant's": every bucket in which one of these times lies. */
export function bucketsOf(times: readonly number[], timezone: string): Bucket[] {
  const utc = (granularity: 'minute' | 'hour', lengthMs: number, nameLength: number): Bucket[] =>
    [...new Set(times.map((time) => Math.floor(time / lengthMs) * lengthMs))].map((from) => ({
      granularity,
      name: new Date(from).toISOString().slice(0, nameLength),
      from,
      to: from + lengthMs,
    }));
  const days = [...new Set(times.map((time) => localDay(timezone, time)))].map((day) => dayOf(timezone, day));
  return [...utc('minute', minuteMs, 16), ...utc('hour', hourMs, 13), ...days];
}

/** Walks the clock in quarter hours, on which every change of clocks falls. */
export function dayOf(timezone: string, day: string): Bucket {
  let from = Date.parse(`${day}T00:00:00Z`) - 15 * hourMs;
  while (localDay(timezone, from) !== day) from += 15 * minuteMs;
  let to = from;
  while (localDay(timezone, to) === day) to += 15 * minuteMs;
  return { granularity: 'day', name: day, from, to };
}
