import fc from 'fast-check';
import { landingOf, referrerHostOf, touchOf, type Touch } from '../../../projections/acquisition/touch';

const shop = 'https://www.shop.example/shoes';
const came = (url: string, referrer = ''): Touch => touchOf(landingOf(url), referrerHostOf(referrer));

describe('where a visitor came from', () => {
  it('is direct without campaign and referrer, and with the shop itself as referrer', () => {
    const direct = {
      campaignKey: 0,
      channel: 'Direct',
      source: '(direct)',
      medium: '(none)',
      campaign: '(not set)',
      referrer: '(not set)',
    };
    expect(came(shop)).toMatchObject(direct);
    expect(came('')).toMatchObject(direct);
    expect(came(shop, 'https://shop.example/')).toMatchObject(direct);
    expect(came(shop, 'https://checkout.shop.example/pay')).toMatchObject(direct);
    expect(came(shop, 'about:blank')).toMatchObject(direct);
  });

  it('is told by the referrer when the url says nothing', () => {
    expect(came(shop, 'https://www.google.co.uk/')).toMatchObject({
      channel: 'Organic Search',
      source: 'google',
      medium: 'organic',
      referrer: 'google.co.uk',
    });
    expect(came(shop, 'https://l.facebook.com/l.php?u=x')).toMatchObject({
      channel: 'Organic Social',
      source: 'facebook',
      medium: 'referral',
      referrer: 'l.facebook.com',
    });
    expect(came(shop, 'https://WWW.Blog.Example:8443/post')).toMatchObject({
      channel: 'Referral',
      source: 'blog.example',
      medium: 'referral',
      referrer: 'blog.example',
    });
    expect(came('/shoes', 'https://shop.example/')).toMatchObject({ source: 'shop.example', channel: 'Referral' });
  });

  it.each([
    ['https://mail.google.com/', 'Email', 'gmail', 'email'],
    ['https://accounts.google.com/', 'Referral', 'accounts.google.com', 'referral'],
    ['https://de.search.yahoo.com/', 'Organic Search', 'yahoo', 'organic'],
    ['android-app://com.google.android.gm/', 'Email', 'gmail', 'email'],
    ['https://t.co/abc', 'Organic Social', 'twitter', 'referral'],
    ['https://youtu.be/abc', 'Organic Video', 'youtube', 'referral'],
    ['https://www.amazon.com.br/', 'Organic Shopping', 'amazon', 'referral'],
    ['https://google.evil.example/', 'Referral', 'google.evil.example', 'referral'],
    ['https://t.company.com/', 'Referral', 't.company.com', 'referral'],
  ])('from %s is %s', (referrer, channel, source, medium) => {
    expect(came(shop, referrer)).toMatchObject({ channel, source, medium });
  });

  it('is told by the campaign before the referrer', () => {
    const url = `${shop}?a=1&utm_source=News+Letter&utm_medium=E-Mail&utm_campaign=spring%20sale&utm_term=t&utm_content=c#utm_source=no`;
    expect(came(url, 'https://www.google.com/')).toEqual({
      campaignKey: expect.any(Number) as number,
      channel: 'Email',
      source: 'News Letter',
      medium: 'E-Mail',
      campaign: 'spring sale',
      term: 't',
      content: 'c',
      referrer: 'google.com',
    });
  });

  it('is told by a click id where the link has no source and medium', () => {
    expect(came(`${shop}?gclid=abc`)).toMatchObject({ channel: 'Paid Search', source: 'google', medium: 'cpc' });
    expect(came(`${shop}?msclkid=abc`)).toMatchObject({ channel: 'Paid Search', source: 'bing' });
    expect(came(`${shop}?dclid=abc`)).toMatchObject({ channel: 'Display' });
    expect(came(`${shop}?ttclid=abc`)).toMatchObject({ channel: 'Paid Social', source: 'tiktok' });
    expect(came(`${shop}?gclid=abc&utm_source=adwords&utm_medium=display`)).toMatchObject({ channel: 'Display', source: 'adwords' });
    // Facebook puts fbclid on all links that leave it or Instagram.
    expect(came(`${shop}?fbclid=abc`)).toMatchObject({ channel: 'Organic Social', source: 'facebook' });
    expect(came(`${shop}?fbclid=abc`, 'https://l.instagram.com/')).toMatchObject({ channel: 'Organic Social', source: 'instagram' });
  });

  it('is one campaign exactly where utm parameters and click id are equal', () => {
    const key = (query: string): number => came(`${shop}?${query}`).campaignKey;
    expect(key('utm_source=a&utm_medium=b')).toBe(key('x=1&utm_medium=b&UTM_SOURCE=a'));
    expect(key('utm_source=a&utm_medium=b')).not.toBe(key('utm_source=a&utm_term=b'));
    expect(key('gclid=1')).not.toBe(key('gclid=2'));
    expect(key('gclid=1')).not.toBe(key('gbraid=1'));
    expect(key('utm_source=&gclid=')).toBe(0);
    expect(key('utm_source=a')).toBeGreaterThan(0);
  });

  it('never throws, whatever is sent', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc
        .array(
          fc.constantFrom('https://', '//', '@', ':', '?', '#', '&', '=', '%', '%E4', 'utm_source', 'gclid', '.', 'google', '\\', '[', ']'),
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(odd, odd, (url, referrer) => {
        const touch = came(url, referrer);
        expect(Object.values(touch).every((value) => value !== undefined && value !== '')).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
