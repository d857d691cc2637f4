import { channelOf } from '../../../projections/acquisition/channel';

describe("Google Analytics' default channel groups", () => {
  it.each([
    ['(direct)', '(none)', '(not set)', 'Direct'],
    ['(direct)', '(not set)', '(not set)', 'Direct'],
    ['google', 'cpc', 'pmax cross-network eu', 'Cross-network'],
    ['google', 'cpc', 'Shopping DE', 'Paid Shopping'],
    ['amazon', 'ppc', '(not set)', 'Paid Shopping'],
    ['google', 'CPC', 'brand', 'Paid Search'],
    ['bing.com', 'paidsearch', '(not set)', 'Paid Search'],
    ['facebook', 'paid_social', '(not set)', 'Paid Social'],
    ['ig', 'cpm', '(not set)', 'Paid Social'],
    ['youtube.com', 'retargeting', '(not set)', 'Paid Video'],
    ['adnetwork', 'banner', '(not set)', 'Display'],
    ['adnetwork', 'cpm', '(not set)', 'Display'],
    ['adnetwork', 'cpc', '(not set)', 'Paid Other'],
    ['newsletter', 'x', 'shop opening', 'Organic Shopping'],
    // The letter before "shop" must not make another word of it.
    ['newsletter', 'x', 'eshop opening', 'Organic Shopping'],
    ['newsletter', 'x', 'workshop', 'Unassigned'],
    ['forum', 'social media', '(not set)', 'Organic Social'],
    ['vimeo', 'referral', '(not set)', 'Organic Video'],
    ['partner', 'video-ad', '(not set)', 'Organic Video'],
    ['duckduckgo', 'organic', '(not set)', 'Organic Search'],
    ['unknown-engine', 'organic', '(not set)', 'Organic Search'],
    ['blog.example', 'referral', '(not set)', 'Referral'],
    ['partner', 'link', '(not set)', 'Referral'],
    ['e_mail', '(not set)', '(not set)', 'Email'],
    ['crm', 'e-mail', '(not set)', 'Email'],
    ['partner', 'affiliate', '(not set)', 'Affiliates'],
    ['podcast', 'audio', '(not set)', 'Audio'],
    ['sms', '(not set)', '(not set)', 'SMS'],
    ['app', 'web-push', '(not set)', 'Mobile Push Notifications'],
    ['firebase', 'x', '(not set)', 'Mobile Push Notifications'],
    ['something', 'else', '(not set)', 'Unassigned'],
  ])('puts %s / %s / %s into %s', (source, medium, campaign, channel) => {
    expect(channelOf(source, medium, campaign)).toBe(channel);
  });
});
