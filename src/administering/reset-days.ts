import { dayOf } from '../../projections/kit/zone';

const hourMs = 3_600_000;
const bareDay = /^\d{4}-\d{2}-\d{2}$/;
const hasOffset = /(Z|[+-]\d{2}:?\d{2})$/;

/**
 * The days that a range of days or instants touches: whole days are counted again.
 * @param timezone of the one merchant's days; undefined: everybody's, so that each instant means any day it lies in somewhere
 */
export function daysWithin(
  { from, to }: { readonly from?: string; readonly to?: string },
  timezone: string | undefined,
): { from?: string; to?: string } {
  return {
    ...(from !== undefined && { from: dayWith(from, 0, timezone, -12 * hourMs) }),
    ...(to !== undefined && { to: dayWith(to, -1, timezone, 14 * hourMs) }),
  };
}

/**
 * @param byMs 0 for the instant itself, -1 for the one before it
 * @param furthestMs the offset of the timezone whose day is meant where no timezone is
 */
function dayWith(text: string, byMs: number, timezone: string | undefined, furthestMs: number): string {
  if (bareDay.test(text)) return text;
  // A wall-clock time without an offset says its day itself, wherever it is read.
  if (!hasOffset.test(text)) return dayOf('UTC', Date.parse(`${text}Z`) + byMs);
  const instant = Date.parse(text) + byMs;
  return timezone === undefined ? dayOf('UTC', instant + furthestMs) : dayOf(timezone, instant);
}
