const quarterMs = 15 * 60_000;
const hourMs = 4 * quarterMs;
export const dayMs = 24 * hourMs;
/** Offsets remembered per timezone; about 5 years of quarter hours. */
const rememberedMax = 200_000;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  readonly offsets: Map<number, number>;
}
const zones = new Map<string, Zone>();

/**
 * Minutes to add to UTC for local time at an instant. Every offset and every change of offset since 1972 falls on a quarter
 * hour, so one look at the calendar serves the whole quarter.
 */
export function offsetMinutes(timezone: string, utcMs: number): number {
  if (timezone === 'UTC') return 0;
  const quarter = Math.floor(utcMs / quarterMs);
  if (quarter !== lastQuarter || timezone !== lastTimezone) {
    lastOffset = offsetOfQuarter(timezone, quarter);
    lastQuarter = quarter;
    lastTimezone = timezone;
  }
  return lastOffset;
}

// Events come in runs of one merchant and quarter.
let lastTimezone = '';
let lastQuarter = NaN;
let lastOffset = 0;

function offsetOfQuarter(timezone: string, quarter: number): number {
  const zone = zoneOf(timezone);
  let offset = zone.offsets.get(quarter);
  if (offset === undefined) {
    if (zone.offsets.size >= rememberedMax) zone.offsets.clear();
    offset = lookUp(zone.format, quarter * quarterMs);
    zone.offsets.set(quarter, offset);
  }
  return offset;
}

/** The local calendar day of an instant, `2026-11-22`. */
export function dayOf(timezone: string, utcMs: number): string {
  return isoDay(utcMs + offsetMinutes(timezone, utcMs) * 60_000);
}

/** The same as a number: days since 1970-01-01. */
export function dayNumberOf(timezone: string, utcMs: number): number {
  return Math.floor((utcMs + offsetMinutes(timezone, utcMs) * 60_000) / dayMs);
}

/** The instant a local day begins, epoch ms: its first quarter hour that exists, where a change of clocks skips midnight. */
export function dayStart(timezone: string, day: string): number {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (timezone === 'UTC') return midnight;
  // Offsets lie between -12 and +14 hours, so the day begins in this span; days only ever go forward within it.
  let low = Math.floor((midnight - 15 * hourMs) / quarterMs);
  let high = Math.floor((midnight + 15 * hourMs) / quarterMs);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (dayOf(timezone, middle * quarterMs) >= day) high = middle;
    else low = middle + 1;
  }
  return low * quarterMs;
}

/** True when the UTC hour that holds this instant lies in one local day whatever its minute: the offset is whole hours throughout. */
export function isWholeHour(timezone: string, utcMs: number): boolean {
  if (timezone === 'UTC') return true;
  const start = Math.floor(utcMs / hourMs) * hourMs;
  const first = offsetMinutes(timezone, start);
  return first % 60 === 0 && offsetMinutes(timezone, start + hourMs - 1) === first;
}

/** `2026-11-22` of an instant, read as UTC. */
export function isoDay(utcMs: number): string {
  return new Date(Math.floor(utcMs / dayMs) * dayMs).toISOString().slice(0, 10);
}

function zoneOf(timezone: string): Zone {
  let zone = zones.get(timezone);
  if (zone === undefined) {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    zone = { format, offsets: new Map() };
    zones.set(timezone, zone);
  }
  return zone;
}

function lookUp(format: Intl.DateTimeFormat, utcMs: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(utcMs)) part[type] = Number(value);
  const local = Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute']);
  return Math.round((local - utcMs) / 60_000);
}
