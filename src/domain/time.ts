/** The last instant four-digit years can name, 9999-12-31T23:59:59.999Z: a greater number is in microseconds or worse. */
const LATEST_TIME_MS = 253_402_300_799_999;

/**
 * Epoch milliseconds of an ISO 8601 date-time or date, or of a number that already is one; NaN when it is neither.
 *
 * Taken: `2026-03-01T10:20:30.123Z`, seconds and fraction optional, offset `Z`, `+02:00`, `+0200` or `+02`; and a bare
 * `2026-03-01`, which is midnight UTC. Refused, because guessing would move the event: a date-time without an offset, and days
 * the calendar does not have. Written out because Date.parse takes both, and costs five times as much.
 */
export function parseTime(value: unknown): number {
  if (typeof value === 'number') {
    return Number.isFinite(value) && value <= LATEST_TIME_MS && value >= -LATEST_TIME_MS ? Math.floor(value) : NaN;
  }
  return typeof value === 'string' ? parseIsoTime(value) : NaN;
}

/** `2026-11-22`, a day the calendar has. */
export const isDay = (text: string): boolean => text.length === 10 && !Number.isNaN(parseIsoTime(text));

const DASH = 45;
const COLON = 58;
const DOT = 46;
const COMMA = 44;
const MINUS = 45;
const PLUS = 43;
const LETTER_T = 84;
const LETTER_Z = 90;

/** The two digits at `at`, NaN when they are not digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

function parseIsoTime(text: string): number {
  const length = text.length;
  if (length < 10 || length > 40 || text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return NaN;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return NaN;
  const midnight = daysFromEpoch(year, month, day) * 86_400_000;
  if (length === 10) return midnight;

  const separator = text.charCodeAt(10);
  if (separator !== LETTER_T && separator !== 116 && separator !== 32) return NaN;
  const hour = twoDigits(text, 11);
  const minute = text.charCodeAt(13) === COLON ? twoDigits(text, 14) : NaN;
  if (!(hour <= 23 && minute <= 59)) return NaN;
  let at = 16;
  let second = 0;
  let millisecond = 0;
  if (text.charCodeAt(at) === COLON) {
    second = twoDigits(text, 17);
    // A leap second counts as the last instant of its minute.
    if (!(second <= 60)) return NaN;
    at = 19;
    const mark = text.charCodeAt(at);
    if (mark === DOT || mark === COMMA) {
      const start = ++at;
      let scale = 100;
      for (; at < length; at++) {
        const digit = text.charCodeAt(at) - 48;
        if (digit < 0 || digit > 9) break;
        millisecond += digit * scale;
        scale = scale > 1 ? scale / 10 : 0;
      }
      if (at === start) return NaN;
    }
    if (second === 60) {
      second = 59;
      millisecond = 999;
    }
  }
  const offsetMinutes = parseOffset(text, at);
  return midnight + hour * 3_600_000 + (minute - offsetMinutes) * 60_000 + second * 1_000 + millisecond;
}

/** Minutes east of UTC that the rest of the text from `at` on names; NaN when it is no offset. */
function parseOffset(text: string, at: number): number {
  const rest = text.length - at;
  const mark = text.charCodeAt(at);
  if (mark === LETTER_Z || mark === 122) return rest === 1 ? 0 : NaN;
  if (mark !== PLUS && mark !== MINUS) return NaN;
  const hours = twoDigits(text, at + 1);
  let minutes = 0;
  if (rest === 6 && text.charCodeAt(at + 3) === COLON) minutes = twoDigits(text, at + 4);
  else if (rest === 5) minutes = twoDigits(text, at + 3);
  else if (rest !== 3) return NaN;
  if (!(hours <= 23 && minutes <= 59)) return NaN;
  return mark === PLUS ? hours * 60 + minutes : -(hours * 60 + minutes);
}

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : monthLengths[month - 1]!;
}

/** Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day comes last. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
