/** What a merchant may have and be called. Everything here is parsed once, at the edge. */
export const merchantLimits = {
  merchantIdLengthMax: 64,
  /** Of merchants, sources and tokens. */
  nameLengthMax: 200,
  sourcesMax: 100,
  tokensMax: 100,
  /** Of one source. */
  allowedOriginsMax: 50,
  goalsMax: 100,
  funnelsMax: 50,
  filtersMax: 100,
  funnelStepsMin: 2,
  funnelStepsMax: 10,
  funnelWindowSecondsMin: 60,
  funnelWindowSecondsMax: 90 * 86_400,
  funnelWindowSecondsDefault: 7 * 86_400,
  /** Of pages, hostnames, user agents and address ranges in matches and filters. */
  patternLengthMax: 500,
  /** Conditions on properties in one match. */
  matchPropertiesMax: 10,
  /** Each is looked up for every event of the merchant, and every settings record holds them all. */
  erasedVisitorsMax: 10_000,
  /** Five currencies by the day for a year, or thirty by the month for five. */
  ratesMax: 2_000,
} as const;

/** Of merchants, goals, funnels and filters. No `|`, since document ids are built with it, and nothing that needs escaping in a path or a stream name. */
export const idPattern = /^[A-Za-z0-9_-]{1,64}$/;
export const idRule = '1 to 64 letters, digits, "_" or "-"';

export const isMerchantId = (text: string): boolean => idPattern.test(text);

/**
 * The IANA name of a timezone in its usual spelling (`europe/berlin` gives `Europe/Berlin`), or undefined when it is none.
 * An alias stays the alias it is: a merchant who says Asia/Kolkata is not answered with Asia/Calcutta.
 */
export function parseTimezone(text: string): string | undefined {
  // Intl also takes offsets such as +02:00, which know no daylight saving and are not names.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(text)) return undefined;
  let resolved: string;
  try {
    resolved = new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions().timeZone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return resolved.toLowerCase() === text.toLowerCase() ? resolved : text;
}
