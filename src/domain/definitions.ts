/**
 * What a merchant defines: which events complete a goal, take a step of a funnel, or are filtered out. Parsed once at the edge,
 * stored with the merchant's facts, and read by projections.
 */

/** All that is given must hold. In `page` and `hostname` a `*` stands for any text, none included. */
export interface Match {
  /** Name of the event. */
  readonly event?: string;
  /** Path of its url, without query and fragment. */
  readonly page?: string;
  /** Host of its url, lower case. */
  readonly hostname?: string;
  /** By name; compared as text. */
  readonly properties?: { readonly [name: string]: string | number | boolean };
}

export interface Goal extends Match {
  readonly goalId: string;
  readonly name: string;
}

export interface FunnelStep extends Match {
  readonly name: string;
}

export interface Funnel {
  readonly funnelId: string;
  readonly name: string;
  /** 2 to 10. */
  readonly steps: readonly FunnelStep[];
  /** Open: a visitor may enter at any step. */
  readonly open: boolean;
  /** From the entering event to the last step. */
  readonly windowSeconds: number;
}

/** Excludes events. `*` stands for any text in all but `address`, which is an address or a range in CIDR notation. */
export interface Filter {
  readonly filterId: string;
  readonly name: string;
  readonly field: 'hostname' | 'page' | 'userAgent' | 'address';
  readonly pattern: string;
}

/** Everything folding must know of a merchant, but for the timezone: a generation folds with one revision of it from the first event on. */
export interface Definitions {
  readonly sessionsEndAtMidnight: boolean;
  readonly goals: readonly Goal[];
  readonly funnels: readonly Funnel[];
  readonly filters: readonly Filter[];
  /** Stored visitor ids (pseudonyms) whose events count nowhere any more. */
  readonly erasedVisitors: readonly string[];
}

export const noDefinitions: Definitions = { sessionsEndAtMidnight: false, goals: [], funnels: [], filters: [], erasedVisitors: [] };

/**
 * Whether the log counts alike under both. Names of filters are for people only, and address filters act at collection; names of
 * goals and funnels are shown with the numbers and belong to them.
 */
export function countsAlike(a: Omit<Definitions, 'erasedVisitors'>, b: Omit<Definitions, 'erasedVisitors'>): boolean {
  const counted = ({ sessionsEndAtMidnight, goals, funnels, filters }: typeof a): string =>
    JSON.stringify([
      sessionsEndAtMidnight,
      goals,
      funnels,
      filters.filter(({ field }) => field !== 'address').map(({ field, pattern }) => [field, pattern]),
    ]);
  return counted(a) === counted(b);
}

export const hasCondition = ({ event, page, hostname, properties }: Match): boolean =>
  event !== undefined || page !== undefined || hostname !== undefined || properties !== undefined;

/** The conditions of a match in one order and spelling, without what is not given: equal matches are equal as JSON. */
export function matchOf({ event, page, hostname, properties }: Match): Match {
  const named = Object.entries(properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...(event === undefined ? {} : { event }),
    ...(page === undefined ? {} : { page }),
    ...(hostname === undefined ? {} : { hostname: hostname.toLowerCase() }),
    ...(named.length === 0 ? {} : { properties: Object.fromEntries(named) }),
  };
}
