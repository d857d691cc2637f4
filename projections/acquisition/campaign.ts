import { hash64 } from '../../src/domain/hash64';

/** What an event's url says about the link that was followed. Texts as sent, percent-decoded; undefined where not given. */
export interface Campaign {
  /** Equal for equal tuples of the utm parameters and the click id, and never 0. A whole number below 2^53. */
  readonly key: number;
  readonly source: string | undefined;
  readonly medium: string | undefined;
  readonly campaign: string | undefined;
  readonly term: string | undefined;
  readonly content: string | undefined;
  /** Name of the parameter that carried a click id. */
  readonly clickId: string | undefined;
}

/** What an advertising platform's click id stands for where the link has no utm_source and utm_medium. */
export interface ClickSource {
  readonly source: string;
  readonly medium: string;
  /** The platform puts it on every link that leaves it, paid or not: a referrer says more. */
  readonly onEveryLink?: true;
}

const paid = (source: string): ClickSource => ({ source, medium: 'cpc' });

/** By url parameter, in lower case. Of several in one url the first in this order counts. */
export const clickSources: { readonly [parameter: string]: ClickSource } = {
  gclid: paid('google'),
  gbraid: paid('google'),
  wbraid: paid('google'),
  dclid: { source: 'dv360', medium: 'display' },
  msclkid: paid('bing'),
  ttclid: paid('tiktok'),
  twclid: paid('twitter'),
  li_fat_id: paid('linkedin'),
  sccid: paid('snapchat'),
  rdt_cid: paid('reddit'),
  epik: paid('pinterest'),
  yclid: paid('yandex'),
  fbclid: { source: 'facebook', medium: 'referral', onEveryLink: true },
};
const clickParameters = Object.keys(clickSources);
const utmParameters = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content'];
const parameters = new Map([...utmParameters, ...clickParameters].map((name, i) => [name, i]));

const hi = new Uint32Array(1);
const lo = new Uint32Array(1);

/** The campaign of a url; undefined for one without utm parameters and click ids. Never throws. */
export function campaignOf(url: string): Campaign | undefined {
  const question = url.indexOf('?');
  if (question === -1) return undefined;
  const fragment = url.indexOf('#');
  if (fragment !== -1 && fragment < question) return undefined;
  const values = read(url, question + 1, fragment === -1 ? url.length : fragment);
  if (values === undefined) return undefined;
  const clickId = clickParameters.find((_, i) => values[utmParameters.length + i] !== undefined);
  const utm = values.slice(0, utmParameters.length);
  const click = clickId && values[parameters.get(clickId)!];
  hash64(JSON.stringify([...utm, clickId, click]), hi, lo, 0);
  const key = (hi[0]! % 0x20_0000) * 0x1_0000_0000 + lo[0]!;
  const [source, medium, campaign, term, content] = utm;
  return { key: key || 1, source, medium, campaign, term, content, clickId };
}

/** By number of the parameter; undefined when none is there. Of a parameter given twice the first counts; empty ones do not. */
function read(url: string, from: number, to: number): (string | undefined)[] | undefined {
  let values: (string | undefined)[] | undefined;
  for (let start = from; start < to;) {
    let end = url.indexOf('&', start);
    if (end === -1 || end > to) end = to;
    const equals = url.indexOf('=', start);
    if (equals !== -1 && equals < end) {
      const number = parameters.get(url.slice(start, equals).toLowerCase());
      if (number !== undefined && values?.[number] === undefined) {
        const value = decoded(url.slice(equals + 1, end));
        if (value !== '') (values ??= new Array<string | undefined>(parameters.size).fill(undefined))[number] = value;
      }
    }
    start = end + 1;
  }
  return values;
}

function decoded(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced.trim();
  try {
    return decodeURIComponent(spaced).trim();
  } catch {
    // Not percent-encoded UTF-8: it counts as it was sent.
    return spaced.trim();
  }
}
