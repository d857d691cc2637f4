import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { ipv4Of, readIpv6 } from '../../src/domain/address-bits';
import { countryOf, loadCountries } from '../../src/collecting/countries';
import { SiteCountries } from '../../src/collecting/site-countries';
import { parseAddressRange } from '../../src/domain/addresses';
import { visitorAddressOf } from '../../src/peers/visitor-address';

beforeAll(loadCountries);

describe('the country of an address', () => {
  it.each([
    ['8.8.8.8', 'US'],
    ['83.149.9.216', 'RU'],
    ['127.0.0.1', undefined],
    ['192.168.1.1', undefined],
    ['8.8.8', undefined],
    ['8.8.8.8.8', undefined],
    ['8.8.8.256', undefined],
    ['8.8.8.8 ', undefined],
    ['localhost', undefined],
    ['', undefined],
  ])('of %p is %p', (ip, country) => {
    expect(countryOf(ip)).toBe(country);
  });

  it.each([
    ['2001:4860:4860::8888', 'US', 'Google'],
    ['2606:4700:4700::1111', 'US', 'Cloudflare'],
    ['2601:0:0:1:2:3:4:5', 'US', 'Comcast'],
    ['2600:1700::1', 'US', 'AT&T'],
    ['2607:fea8:1::', 'CA', 'Rogers'],
    ['2806:2f0::1', 'MX', 'Totalplay'],
    ['2804:14c::1', 'BR', 'Claro'],
    ['2803:9800::1', 'AR', 'Telecentro'],
    ['2003:d3:1234::1', 'DE', 'Deutsche Telekom'],
    ['2a02:8108:1::1', 'DE', 'Vodafone'],
    ['2a01:e0a:1::1', 'FR', 'Free'],
    ['2A01:CB00:1::1', 'FR', 'Orange'],
    ['2a02:c7c:1::1', 'GB', 'Sky'],
    ['2a00:23c5:1::1', 'GB', 'BT'],
    ['2001:1c00:1::1', 'NL', 'Ziggo'],
    ['2001:b07:1::1', 'IT', 'Fastweb'],
    ['2001:2002:1::1', 'SE', 'Telia'],
    ['2a02:6b8::1', 'RU', 'Yandex'],
    ['2001:da8::1', 'CN', 'CERNET'],
    ['240e:3b0:1::1', 'CN', 'China Telecom'],
    ['2409:4050:1::1', 'IN', 'Jio'],
    ['2001:200::1', 'JP', 'WIDE'],
    ['2001:e60:1::1', 'KR', 'KT'],
    ['2001:ee0:1::1', 'VN', 'VNPT'],
    ['2001:8003:1::1', 'AU', 'Telstra'],
    ['2c0f:fe38::1', 'KE', 'Safaricom'],
  ])('of %p is %p, a network of %s', (ip, country, _whose) => {
    expect(countryOf(ip)).toBe(country);
  });

  it.each([
    ['::ffff:8.8.8.8', 'US', 'mapped'],
    ['::FFFF:8.8.8.8', 'US', 'mapped'],
    ['0:0:0:0:0:ffff:5395:9d8', 'RU', 'mapped, in hex'],
    ['::ffff:192.168.1.1', undefined, 'mapped, private'],
    ['2002:808:808::1', 'US', '6to4'],
    ['2002:c0a8:101::1', undefined, '6to4, private'],
    ['2001:0:4136:e378:8000:63bf:f7f7:f7f7', 'US', 'Teredo, of 8.8.8.8'],
    ['2001::ac6a:f627', 'RU', 'Teredo, of 83.149.9.216'],
  ])('of %p is %p, that of the IPv4 address it carries: %s', (ip, country, _how) => {
    expect(countryOf(ip)).toBe(country);
  });

  it.each([
    ['::', 'unspecified'],
    ['::1', 'this host'],
    ['::8.8.8.8', 'IPv4-compatible, out of use'],
    ['::1:ffff:8.8.8.8', 'nothing'],
    ['64:ff9b::808:808', 'a translator'],
    ['100::1', 'discarded'],
    ['fc00::1', 'unique local'],
    ['fd12:3456:789a::1', 'unique local'],
    ['fe80::1', 'link-local'],
    ['ff02::1', 'multicast'],
    ['2001:2::1', 'benchmarks'],
    ['2001:10::1', 'ORCHID'],
    ['2001:20::1', 'ORCHID'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['4000::1', 'not given out'],
    ['2001:4860:4860::8888%eth0', 'with a zone'],
    ['2001:4860:4860::88888', 'no address'],
    ['2001:4860:4860:::8888', 'no address'],
  ])('of %p is none: %s', (ip) => {
    expect(countryOf(ip)).toBeUndefined();
  });

  it('is asked of the same addresses that Node takes for IPv4', () => {
    fc.assert(fc.property(fc.ipV4(), (ip) => ipv4Of(ip) === ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)));
    fc.assert(fc.property(fc.stringMatching(/^[0-9.]{5,15}$/), (text) => isIPv4(text) === ipv4Of(text) >= 0));
  });
});

describe('an IPv6 address', () => {
  const groups = new Uint16Array(8);
  const wordsOf = (text: string): number[] | undefined =>
    readIpv6(text, groups) ? [0, 2, 4, 6].map((i) => groups[i]! * 0x10000 + groups[i + 1]!) : undefined;

  it('is read as address filters read it, whatever its spelling', () => {
    fc.assert(
      fc.property(fc.ipV6(), (ip) => {
        expect(wordsOf(ip)).toEqual(parseAddressRange(ip)!.words);
        expect(wordsOf(ip.toUpperCase())).toEqual(wordsOf(ip));
      }),
    );
  });

  it('is the same text that Node takes for one', () => {
    const piece = fc.constantFrom(':', '::', '0', 'f', 'ffff', '12345', '1.2.3.4', '01.2.3.4', '1:', ':2', 'g', '.', '', '2001:db8:');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        const text = pieces.join('');
        fc.pre(text.length <= 45);
        expect([text, wordsOf(text) !== undefined]).toEqual([text, isIPv6(text)]);
      }),
      {
        numRuns: 2_000,
        examples: [[['1:2:3:4:5:6:7:8']], [['1:2:3:4:5:6:7::']], [['::2:3:4:5:6:7:8']], [['1:2:3:4:5:6:1.2.3.4']], [['::01.2.3.4']]],
      },
    );
  });
});

describe('the table of IPv6 countries', () => {
  const csv = readFileSync(require.resolve('@ip-location-db/asn-country/asn-country-ipv6.csv'), 'latin1');
  const bits = (ip: string): bigint => parseAddressRange(ip)!.words.reduce((sum, word) => (sum << 32n) + BigInt(word), 0n);

  // IANA's special-purpose registry, and what was never given out.
  const reserved = ['::/8', '100::/8', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '4000::/2', '8000::/1', '5f00::/16'];
  it('has nothing where addresses are reserved', () => {
    const ranges = csv
      .trim()
      .split('\n')
      .map((line) => line.split(',').slice(0, 2).map(bits) as [bigint, bigint]);
    expect(ranges.length).toBeGreaterThan(50_000);
    for (const range of reserved) {
      const { words, prefixBits } = parseAddressRange(range)!;
      const from = words.reduce((sum, word) => (sum << 32n) + BigInt(word), 0n);
      const to = from + (1n << BigInt(128 - prefixBits));
      expect([range, ranges.filter(([first, last]) => first < to && last >= from)]).toEqual([range, []]);
    }
  });

  it('is what its lines say, at the first and the last address of each that is no narrower than a /48', () => {
    const lines = csv.trim().split('\n');
    const sites = lines.filter((_, i) => i % 97 === 0).map((line) => line.split(',') as [string, string, string]);
    for (const [first, last, country] of sites) {
      if (bits(last) - bits(first) < (1n << 80n) - 1n) continue;
      expect([first, countryOf(first), countryOf(last)]).toEqual([first, country, country]);
    }
  });

  it('knows each site by itself, and leaves out what is narrower', () => {
    const table = SiteCountries.read(
      [
        '2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,FR',
        '2001:db8:1::,2001:db8:1:7fff:ffff:ffff:ffff:ffff,DE',
        '2001:db8:1:8000::,2001:db8:3:7fff:ffff:ffff:ffff:ffff,IT',
        '2001:db8:5::,2001:db8:5:ffff:ffff:ffff:ffff:ffff,FR',
        '',
      ].join('\n'),
    );
    const found = (site: number): string | undefined => table.find(0x2001_0db8_0000 + site);
    expect([-1, 0, 1, 2, 3, 4, 5, 6].map(found)).toEqual([undefined, 'FR', undefined, 'IT', undefined, undefined, 'FR', undefined]);
  });

  it.each([
    ['a country there cannot be', '2001:db8::,2001:db8:1:ffff:ffff:ffff:ffff:ffff,France', /cannot be read: 2001:db8::/],
    ['no address', 'start,end,FR', /cannot be read: start,end,FR/],
    ['no end', '2001:db8::,FR', /cannot be read/],
    [
      'another order',
      '2001:db8:2::,2001:db8:2:ffff:ffff:ffff:ffff:ffff,FR\n2001:db8:1::,2001:db8:1:ffff:ffff:ffff:ffff:ffff,FR',
      /not in order: 2001:db8:1::/,
    ],
  ])('is refused with %s', (_what, text, message) => {
    expect(() => SiteCountries.read(text)).toThrow(message);
  });
});

describe('the address of a visitor', () => {
  const of = (remoteAddress: string, headers: Record<string, string>) => visitorAddressOf({ headers, socket: { remoteAddress } } as never);
  const origin = 'https://shop.example';

  it('is that of a browser', () => {
    expect(of('8.8.8.8', { origin })).toBe('8.8.8.8');
  });

  it('is not that of a server, which sends for its visitors', () => {
    expect(of('8.8.8.8', {})).toBeUndefined();
  });

  it('is what a proxy of our own saw, and nothing a browser made up', () => {
    expect(of('10.0.0.1', { origin, 'x-forwarded-for': '1.1.1.1, 8.8.8.8, 10.0.0.7' })).toBe('8.8.8.8');
    expect(of('::ffff:127.0.0.1', { origin, 'x-forwarded-for': '8.8.8.8' })).toBe('8.8.8.8');
    expect(of('9.9.9.9', { origin, 'x-forwarded-for': '8.8.8.8' })).toBe('9.9.9.9');
    expect(of('10.0.0.1', { origin })).toBeUndefined();
    expect(of('10.0.0.1', { origin, 'x-forwarded-for': 'unknown, _hidden' })).toBeUndefined();
  });
});
