import { hostOf } from '../../src/domain/urls';
import { campaignOf, clickSources, type Campaign } from './campaign';
import { channelOf, type Channel } from './channel';
import { siteOfHost } from './referrers';

const notSet = '(not set)';

/** Where an event's visitor came from, as the event's own url and referrer tell it. */
export interface Touch {
  /** Campaign.key; 0 for an event without a campaign. */
  readonly campaignKey: number;
  readonly channel: Channel;
  readonly source: string;
  readonly medium: string;
  readonly campaign: string;
  readonly term: string;
  readonly content: string;
  /** Host of an external referrer without `www.`, or (not set). */
  readonly referrer: string;
}

/** Campaign and external referrer decide all of a touch. */
export function isSameTouch(a: Touch, b: Touch): boolean {
  return a === b || (a.campaignKey === b.campaignKey && a.referrer === b.referrer);
}

/** What is decided of a url once, whatever its referrers. */
export interface Landing {
  readonly host: string | undefined;
  readonly campaign: Campaign | undefined;
}

/** Urls and pairs of url and referrer remembered. A url of a campaign with click ids occurs once or twice, all others often. */
const rememberedMax = 20_000;
const landings = new Map<string, Landing>();
const referrers = new Map<string, string | undefined>();

export function landingOf(url: string): Landing {
  return remembered(landings, url, () => ({ host: hostOf(url), campaign: campaignOf(url) }));
}

/** Host of a referrer without `www.`; undefined without one. */
export function referrerHostOf(referrer: string): string | undefined {
  return remembered(referrers, referrer, () => withoutWww(hostOf(referrer)));
}

const direct: Touch = {
  campaignKey: 0,
  channel: 'Direct',
  source: '(direct)',
  medium: '(none)',
  campaign: notSet,
  term: notSet,
  content: notSet,
  referrer: notSet,
};

/** A campaign in the url says where the visitor came from; without one the referrer does, unless it is the shop itself. */
export function touchOf({ host, campaign }: Landing, referrerHost: string | undefined): Touch {
  const external = referrerHost === undefined || isSame(referrerHost, withoutWww(host)) ? undefined : referrerHost;
  if (campaign === undefined && external === undefined) return direct;
  const { source, medium } = cameFrom(campaign, external);
  const name = campaign?.campaign ?? notSet;
  return {
    campaignKey: campaign?.key ?? 0,
    channel: channelOf(source, medium, name),
    source,
    medium,
    campaign: name,
    term: campaign?.term ?? notSet,
    content: campaign?.content ?? notSet,
    referrer: external ?? notSet,
  };
}

function cameFrom(campaign: Campaign | undefined, external: string | undefined): { source: string; medium: string } {
  if (campaign?.source !== undefined || campaign?.medium !== undefined) {
    return { source: campaign.source ?? notSet, medium: campaign.medium ?? notSet };
  }
  const click = campaign?.clickId && clickSources[campaign.clickId];
  if (click && !(click.onEveryLink && external !== undefined)) return click;
  // Only a campaign's name, a term or a content: the referrer fills in.
  return external === undefined ? { source: notSet, medium: notSet } : fromReferrer(external);
}

function fromReferrer(host: string): { source: string; medium: string } {
  const site = siteOfHost(host);
  if (site === undefined) return { source: host, medium: 'referral' };
  return { source: site.name, medium: site.kind === 'search' ? 'organic' : site.kind === 'email' ? 'email' : 'referral' };
}

/** The same host, or one below the other: a shop's checkout and blog mostly live beside it. */
function isSame(referrer: string, own: string | undefined): boolean {
  return own !== undefined && (referrer === own || referrer.endsWith(`.${own}`) || own.endsWith(`.${referrer}`));
}

function withoutWww(host: string | undefined): string | undefined {
  return host?.startsWith('www.') ? host.slice(4) : host;
}

function remembered<T>(known: Map<string, T>, text: string, decide: () => T): T {
  if (known.has(text)) return known.get(text)!;
  if (known.size >= rememberedMax) known.clear();
  const value = decide();
  known.set(text, value);
  return value;
}
