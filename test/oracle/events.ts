import { isbot } from 'isbot';
import type { AcceptedEvent } from '../../src/domain/columns';
import type { Definitions, Filter, Match } from '../../src/domain/definitions';

/** What the oracle must know of a merchant. */
export interface Merchant {
  readonly merchantId: string;
  /** IANA name; UTC where not given. */
  readonly timezone?: string;
  readonly definitions?: Definitions;
}

export type Bots = 'exclude' | 'include' | 'only';

/** "An event counts once per (merchant, id): the first in the log." */
export function withoutDuplicates(log: readonly AcceptedEvent[]): AcceptedEvent[] {
  const seen = new Set<string>();
  return log.filter((event) => {
    const key = JSON.stringify([event.merchantId, event.id]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A merchant's events in the order of the log, without duplicates and without what counts nowhere. Bots are among them. */
export function eventsThatCount(log: readonly AcceptedEvent[], { merchantId, definitions }: Merchant): AcceptedEvent[] {
  return withoutDuplicates(log)
    .filter((event) => event.merchantId === merchantId)
    .filter((event) => !(definitions?.erasedVisitors ?? []).includes(event.visitorId))
    .filter((event) => !(definitions?.filters ?? []).some((filter) => isFilteredBy(event, filter)));
}

/** A text that was not sent is not a value; an empty one says as little. */
export const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const bots = new Map<string, boolean>();
export function isBot({ userAgent = '' }: AcceptedEvent): boolean {
  if (!bots.has(userAgent)) bots.set(userAgent, userAgent !== '' && isbot(userAgent));
  return bots.get(userAgent)!;
}

export function areWanted(event: AcceptedEvent, wanted: Bots): boolean {
  return wanted === 'include' || isBot(event) === (wanted === 'only');
}

/** By visitor, in the order given: bots and humans of one id are two. */
export function byVisitor(events: readonly AcceptedEvent[]): AcceptedEvent[][] {
  return groupedBy(events, (event) => JSON.stringify([event.visitorId, isBot(event)]));
}

export function groupedBy<T>(list: readonly T[], keyOf: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const key = keyOf(one);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key)!.push(one);
  }
  return [...groups.values()];
}

/** "path of `url` without query and fragment, `/` for none; left out without url" */
export function pageOf(event: AcceptedEvent): string | undefined {
  const url = given(event.url);
  if (url === undefined) return undefined;
  const path = withoutQuery(url).replace(/^[^/]*:\/\/[^/]*/, '');
  return path === '' ? '/' : path;
}

/** "lower-case host of `url`; left out without one" */
export function hostnameOf(event: AcceptedEvent): string | undefined {
  const authority = /^[^/]+:\/\/([^/]*)/.exec(withoutQuery(event.url ?? ''))?.[1];
  return given(authority?.replace(/^.*@/, '').replace(/:\d*$/, '').toLowerCase());
}

const withoutQuery = (url: string): string => url.split(/[?#]/)[0]!;

/** All that is given must hold. */
export function matches(event: AcceptedEvent, match: Match): boolean {
  if (match.event !== undefined && event.name !== match.event) return false;
  if (match.page !== undefined && !isLike(pageOf(event), match.page)) return false;
  if (match.hostname !== undefined && !isLike(hostnameOf(event), match.hostname.toLowerCase())) return false;
  return Object.entries(match.properties ?? {}).every(([name, wanted]) => propertyOf(event, name) === String(wanted));
}

export function propertyOf({ properties = {} }: AcceptedEvent, name: string): string | undefined {
  return Object.hasOwn(properties, name) ? String(properties[name]) : undefined;
}

function isFilteredBy(event: AcceptedEvent, { field, pattern }: Filter): boolean {
  switch (field) {
    case 'hostname':
      return isLike(hostnameOf(event), pattern.toLowerCase());
    case 'page':
      return isLike(pageOf(event), pattern);
    case 'userAgent':
      return isLike(given(event.userAgent), pattern);
    case 'address':
      // Acts at collection: addresses are not in the log.
      return false;
  }
}

/** `*` stands for any text, none included. */
function isLike(text: string | undefined, pattern: string): boolean {
  if (text === undefined) return false;
  if (pattern === '') return text === '';
  if (pattern[0] === '*') return Array.from({ length: text.length + 1 }, (_, i) => i).some((i) => isLike(text.slice(i), pattern.slice(1)));
  return text[0] === pattern[0] && isLike(text.slice(1), pattern.slice(1));
}
