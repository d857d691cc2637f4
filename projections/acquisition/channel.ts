import { kindOfSource } from './referrers';

/**
 * Google Analytics' default channel groups for manually tagged traffic, in the order in which the first that fits is taken:
 * https://support.google.com/analytics/answer/9756891. Case does not matter.
 */
export type Channel =
  | 'Direct'
  | 'Cross-network'
  | 'Paid Shopping'
  | 'Paid Search'
  | 'Paid Social'
  | 'Paid Video'
  | 'Display'
  | 'Paid Other'
  | 'Organic Shopping'
  | 'Organic Social'
  | 'Organic Video'
  | 'Organic Search'
  | 'Referral'
  | 'Email'
  | 'Affiliates'
  | 'Audio'
  | 'SMS'
  | 'Mobile Push Notifications'
  | 'Unassigned';

const paid = /^(.*cp.*|ppc|retargeting|paid.*)$/;
const shopping = /^(.*(([^a-df-z]|^)shop|shopping).*)$/;
const display = new Set(['display', 'banner', 'expandable', 'interstitial', 'cpm']);
const social = new Set(['social', 'social-network', 'social-media', 'sm', 'social network', 'social media']);
const referral = new Set(['referral', 'app', 'link']);
const email = new Set(['email', 'e-mail', 'e_mail', 'e mail']);

export function channelOf(sentSource: string, sentMedium: string, sentCampaign: string): Channel {
  const source = sentSource.toLowerCase();
  const medium = sentMedium.toLowerCase();
  const campaign = sentCampaign.toLowerCase();
  if (source === '(direct)' && (medium === '(not set)' || medium === '(none)')) return 'Direct';
  if (campaign.includes('cross-network')) return 'Cross-network';
  const kind = kindOfSource(source);
  const isShopping = kind === 'shopping' || shopping.test(campaign);
  if (paid.test(medium)) {
    if (isShopping) return 'Paid Shopping';
    if (kind === 'search') return 'Paid Search';
    if (kind === 'social') return 'Paid Social';
    if (kind === 'video') return 'Paid Video';
  }
  if (display.has(medium)) return 'Display';
  if (paid.test(medium)) return 'Paid Other';
  if (isShopping) return 'Organic Shopping';
  if (kind === 'social' || social.has(medium)) return 'Organic Social';
  if (kind === 'video' || medium.includes('video')) return 'Organic Video';
  if (kind === 'search' || medium === 'organic') return 'Organic Search';
  if (referral.has(medium)) return 'Referral';
  if (email.has(source) || email.has(medium)) return 'Email';
  if (medium === 'affiliate' || medium === 'affiliates') return 'Affiliates';
  if (medium === 'audio') return 'Audio';
  if (source === 'sms' || medium === 'sms') return 'SMS';
  if (medium.endsWith('push') || medium.includes('mobile') || medium.includes('notification') || source === 'firebase') {
    return 'Mobile Push Notifications';
  }
  return 'Unassigned';
}
