import { landingOf, referrerHostOf, touchOf, type Touch } from '../../projections/acquisition/touch';
import type { AcceptedEvent } from '../../src/domain/columns';

/**
 * The one exception to the rule that the oracle shares nothing with projections/: which sites are search engines, and which channel
 * Google Analytics calls what, are tables, so where a single event came from is asked of the pure functions that hold them
 * (test/projections/acquisition holds those against Google's examples). Everything counted with the answer is counted here.
 */
export function cameFrom({ url = '', referrer = '' }: AcceptedEvent): Touch {
  const link = JSON.stringify([url, referrer]);
  if (!touches.has(link)) touches.set(link, touchOf(landingOf(url), referrerHostOf(referrer)));
  return touches.get(link)!;
}
const touches = new Map<string, Touch>();

const utm = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content'];
/** In the order in which the first there is counts. */
const clickIds = 'gclid gbraid wbraid dclid msclkid ttclid twclid li_fat_id sccid rdt_cid epik yclid fbclid'.split(' ');

/** "the tuple (utm_source, utm_medium, utm_campaign, utm_term, utm_content, click id)", as a text; undefined without any of them. */
export function campaignOf({ url = '' }: AcceptedEvent): string | undefined {
  const query = /^[^?#]*\?([^#]*)/.exec(url)?.[1] ?? '';
  // Names in any case, the first of equal ones counts, empty ones do not.
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(`&${query}`)) {
    if (value.trim() !== '' && !values.has(name.toLowerCase())) values.set(name.toLowerCase(), value.trim());
  }
  const clickId = clickIds.find((name) => values.has(name));
  const tuple = [...utm.map((name) => values.get(name) ?? null), clickId === undefined ? null : [clickId, values.get(clickId)]];
  return tuple.every((part) => part === null) ? undefined : JSON.stringify(tuple);
}
