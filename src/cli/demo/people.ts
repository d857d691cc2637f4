import type { Random } from './random';

/** One visitor of the demo shop: what a browser tells of itself. */
export interface Person {
  visitorId: string;
  userId: string | undefined;
  ip: string;
  userAgent: string;
  language: string;
  screen: string;
  currency: 'USD' | 'EUR';
  /** Hours ahead of UTC where this person lives: people sleep. */
  utcOffsetHours: number;
}

interface Place {
  country: string;
  /** First two numbers of addresses that the country table places there. */
  network: string;
  language: string;
  currency: 'USD' | 'EUR';
  utcOffsetHours: number;
}

const place = (country: string, network: string, language: string, currency: 'USD' | 'EUR', utcOffsetHours: number): Place => ({
  country,
  network,
  language,
  currency,
  utcOffsetHours,
});
/** Where visitors come from, with weights. */
export const places: readonly (readonly [Place, number])[] = [
  [place('US', '3.2', 'en-US', 'USD', -6), 46],
  [place('CA', '3.96', 'en-CA', 'USD', -5), 9],
  [place('GB', '2.24', 'en-GB', 'USD', 0), 9],
  [place('DE', '2.160', 'de-DE', 'EUR', 1), 11],
  [place('FR', '2.0', 'fr-FR', 'EUR', 1), 6],
  [place('NL', '13.80', 'nl-NL', 'EUR', 1), 4],
  [place('AT', '46.74', 'de-AT', 'EUR', 1), 3],
  [place('IT', '2.32', 'it-IT', 'EUR', 1), 3],
  [place('ES', '2.136', 'es-ES', 'EUR', 1), 3],
  [place('SE', '2.64', 'sv-SE', 'EUR', 1), 2],
  [place('AU', '1.40', 'en-AU', 'USD', 10), 3],
  [place('BR', '15.228', 'pt-BR', 'USD', -3), 1],
];

const browsers: readonly (readonly [readonly [userAgent: string, screens: readonly string[]], number])[] = [
  [
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
      ['1920x1080', '1536x864', '2560x1440'],
    ],
    24,
  ],
  [
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0',
      ['1920x1080', '1366x768'],
    ],
    7,
  ],
  [['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0', ['1920x1080']], 4],
  [
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
      ['1440x900', '1728x1117'],
    ],
    8,
  ],
  [
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
      ['1440x900', '1680x1050'],
    ],
    6,
  ],
  [['Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0', ['1920x1080']], 2],
  [
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      ['390x844', '393x852', '430x932'],
    ],
    26,
  ],
  [
    [
      'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
      ['412x915', '360x800'],
    ],
    14,
  ],
  [
    [
      'Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36',
      ['360x780'],
    ],
    5,
  ],
  [
    [
      'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      ['820x1180', '1024x1366'],
    ],
    4,
  ],
];

const bots: readonly string[] = [
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)',
  'Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)',
];

export function newPerson(random: Random): Person {
  const home = random.weighted(places);
  const [userAgent, screens] = random.weighted(browsers);
  return {
    visitorId: random.hex(32),
    userId: random.chance(0.15) ? `u${random.hex(10)}` : undefined,
    ip: address(home.network, random),
    userAgent,
    language: home.language,
    screen: random.pick(screens),
    currency: home.currency,
    utcOffsetHours: home.utcOffsetHours,
  };
}

export function newBot(random: Random): Person {
  const index = random.below(bots.length);
  return {
    visitorId: `bot${index}${random.hex(28)}`,
    userId: undefined,
    ip: address('3.3', random),
    userAgent: bots[index]!,
    language: 'en',
    screen: '1024x768',
    currency: 'USD',
    utcOffsetHours: 0,
  };
}

function address(network: string, random: Random): string {
  return `${network}.${random.below(256)}.${1 + random.below(254)}`;
}
