/**
 * Sites that visitors come from, by what they are. The kinds are those of Google Analytics' source categories (search, social,
 * shopping and video sites: https://support.google.com/analytics/answer/9756891), with webmail beside them; the sites are the
 * larger ones of each kind, their hosts, their apps (`android-app://` referrers) and the names that links give them in utm_source.
 * A table of our own, because what it says is part of what a projection's version means: it changes only together with that.
 */
export type SiteKind = 'search' | 'social' | 'video' | 'shopping' | 'email';

export interface Site {
  /** Shown as the source. */
  readonly name: string;
  readonly kind: SiteKind;
}

/** One site a line: its name, then its hosts (and all below them). `name.*` is the host under every country's domain. */
const tables: { readonly [K in SiteKind]: string } = {
  search: `
    google google.* com.google.android.googlequicksearchbox googleadservices.com syndicatedsearch.goog
    bing bing.com com.microsoft.bing
    yahoo yahoo.* search.yahoo.com
    duckduckgo duckduckgo.com com.duckduckgo.mobile.android
    baidu baidu.com
    yandex yandex.* ya.ru com.yandex.browser
    ecosia ecosia.org
    naver naver.com
    daum daum.net
    seznam seznam.cz
    qwant qwant.com
    startpage startpage.com
    brave search.brave.com
    msn msn.com
    ask ask.com
    aol aol.com aol.*
    sogou sogou.com
    360 so.com 360.cn
    shenma sm.cn
    rambler rambler.ru
    mail.ru go.mail.ru
    coccoc coccoc.com
    onet onet.pl
    virgilio virgilio.it
    centrum centrum.cz
    goo goo.ne.jp
    biglobe biglobe.ne.jp
    excite excite.*
    lycos lycos.*
    eniro eniro.se
    kvasir kvasir.no
    babylon babylon.com
    conduit conduit.com
    avg search.avg.com
    swisscows swisscows.com
    metager metager.org metager.de
    mojeek mojeek.com
    kagi kagi.com
    presearch presearch.com
    petalsearch petalsearch.com
    lilo lilo.org
    info info.com
    dogpile dogpile.com
    mywebsearch mywebsearch.com
    t-online suche.t-online.de
    gibiru gibiru.com
    ukr.net search.ukr.net`,
  social: `
    facebook facebook.com fb.com fb.me messenger.com m.me com.facebook.katana com.facebook.orca
    fb
    instagram instagram.com com.instagram.android
    ig
    threads threads.net threads.com com.instagram.barcelona
    twitter twitter.com x.com t.co com.twitter.android
    x
    linkedin linkedin.com lnkd.in com.linkedin.android
    pinterest pinterest.* pin.it com.pinterest
    reddit reddit.com redd.it com.reddit.frontpage
    tiktok tiktok.com com.zhiliaoapp.musically
    snapchat snapchat.com com.snapchat.android
    tumblr tumblr.com t.umblr.com
    vk vk.com vk.ru vkontakte.ru
    odnoklassniki ok.ru odnoklassniki.ru
    weibo weibo.com weibo.cn
    wechat weixin.qq.com wechat.com
    whatsapp whatsapp.com wa.me com.whatsapp
    telegram t.me telegram.org telegram.me org.telegram.messenger
    discord discord.com discord.gg discordapp.com
    bluesky bsky.app
    mastodon mastodon.social mastodon.online mstdn.social mas.to
    quora quora.com
    hackernews news.ycombinator.com
    producthunt producthunt.com
    xing xing.com
    nextdoor nextdoor.com
    meetup meetup.com
    flickr flickr.com
    livejournal livejournal.com
    line line.me
    kakao kakao.com
    viber viber.com
    slack slack.com
    yelp yelp.*
    tripadvisor tripadvisor.*
    goodreads goodreads.com
    slideshare slideshare.net
    blogger blogspot.com blogger.com
    wordpress wordpress.com
    medium medium.com
    substack substack.com
    stackoverflow stackoverflow.com
    stackexchange stackexchange.com
    myspace myspace.com
    diaspora diasporafoundation.org
    truthsocial truthsocial.com
    gab gab.com
    mixi mixi.jp
    hatena hatena.ne.jp
    renren renren.com
    douban douban.com
    zhihu zhihu.com
    skyrock skyrock.com
    taringa taringa.net
    badoo badoo.com
    lemmy lemmy.world`,
  video: `
    youtube youtube.com youtu.be youtube-nocookie.com com.google.android.youtube
    vimeo vimeo.com
    dailymotion dailymotion.com
    twitch twitch.tv
    netflix netflix.com
    hulu hulu.com
    disneyplus disneyplus.com
    iqiyi iqiyi.com
    youku youku.com
    bilibili bilibili.com
    wistia wistia.com wistia.net
    ted ted.com
    rumble rumble.com
    odysee odysee.com
    rutube rutube.ru
    niconico nicovideo.jp
    crackle crackle.com
    veoh veoh.com`,
  shopping: `
    amazon amazon.* amzn.to
    ebay ebay.*
    etsy etsy.com
    walmart walmart.com
    aliexpress aliexpress.com aliexpress.ru
    alibaba alibaba.com
    shopping.google.com shopping.google.*
    idealo idealo.*
    mercadolibre mercadolibre.* mercadolivre.com.br
    rakuten rakuten.*
    taobao taobao.com
    tmall tmall.com
    jd jd.com
    shop.app shop.app
    shopzilla shopzilla.com
    kelkoo kelkoo.*
    bizrate bizrate.com
    twenga twenga.*
    pricerunner pricerunner.*
    pricegrabber pricegrabber.com
    geizhals geizhals.*
    billiger billiger.de
    heureka heureka.cz heureka.sk
    ceneo ceneo.pl
    allegro allegro.*
    bol bol.com
    cdiscount cdiscount.com
    otto otto.de
    zalando zalando.*
    wish wish.com
    shein shein.com
    temu temu.com
    flipkart flipkart.com
    shopee shopee.*
    lazada lazada.*
    coupang coupang.com
    kaufland kaufland.de
    trovaprezzi trovaprezzi.it
    prisjakt prisjakt.nu prisjakt.no
    kakaku kakaku.com`,
  email: `
    gmail mail.google.com com.google.android.gm gmail.com
    outlook outlook.live.com outlook.com outlook.office.com outlook.office365.com hotmail.com mail.live.com com.microsoft.office.outlook
    yahoo-mail mail.yahoo.* mail.yahoo.co.jp
    aol-mail mail.aol.com
    gmx gmx.* navigator.gmx.net
    web.de web.de
    mail.ru e.mail.ru
    yandex-mail mail.yandex.*
    protonmail mail.proton.me proton.me protonmail.com
    icloud-mail icloud.com
    zoho-mail mail.zoho.com mail.zoho.eu
    mail.com mail.com
    orange-mail messagerie.orange.fr
    laposte laposte.net
    t-online-mail email.t-online.de
    163-mail mail.163.com mail.126.com
    qq-mail mail.qq.com
    naver-mail mail.naver.com
    seznam-mail email.seznam.cz
    libero-mail mail.libero.it`,
};

/** Under a search engine's domain, and yet neither a search nor mail. */
const notSites =
  'accounts.google.com classroom.google.com calendar.google.com docs.google.com drive.google.com groups.google.com meet.google.com ' +
  'sites.google.com translate.google.com play.google.com login.yahoo.com';

const byHost = new Map<string, Site | undefined>();
const byName = new Map<string, Site>();
for (const [kind, table] of Object.entries(tables) as [SiteKind, string][]) {
  for (const line of table.trim().split('\n')) {
    const [name, ...hosts] = line.trim().split(' ');
    const site: Site = { name: name!, kind };
    if (kind !== 'email') byName.set(name!, site);
    for (const host of hosts) byHost.set(host, site);
  }
}
for (const host of notSites.split(' ')) byHost.set(host, undefined);

/** com, de, co.uk, com.br: what may stand for `*`. */
const countryDomain = /^(?:com|org|net|eu|[a-z]{2}|com?\.[a-z]{2})$/;

/** The site of a lower-case host: its longest known ending decides. */
export function siteOfHost(host: string): Site | undefined {
  for (let start = 0; ;) {
    const ending = host.slice(start);
    if (byHost.has(ending)) return byHost.get(ending);
    const site = underAnyCountry(ending);
    if (site !== undefined) return site;
    const dot = host.indexOf('.', start);
    if (dot === -1) return undefined;
    start = dot + 1;
  }
}

function underAnyCountry(host: string): Site | undefined {
  // A country's domain has one label or two.
  for (let labels = 1, dot = host.lastIndexOf('.'); labels <= 2 && dot > 0; labels++, dot = host.lastIndexOf('.', dot - 1)) {
    if (!countryDomain.test(host.slice(dot + 1))) return undefined;
    const site = byHost.get(`${host.slice(0, dot)}.*`);
    if (site !== undefined) return site;
  }
  return undefined;
}

/** What a utm_source names: a site by its name or by a host of it, in any case of letters. */
export function kindOfSource(source: string): SiteKind | undefined {
  const text = source.toLowerCase();
  return (byName.get(text) ?? siteOfHost(text))?.kind;
}
