import * as fc from 'fast-check';
import { isIPv4 } from 'node:net';
import { countryOf, ipv4Of, loadCountries } from '../../src/collecting/countries';
import { visitorAddressOf } from '../../src/peers/visitor-address';

beforeAll(loadCountries);

describe('the country of an address', () => {
  it.each([
    ['8.8.8.8', 'US'],
    ['83.149.9.216', 'RU'],
    ['::ffff:8.8.8.8', 'US'],
    ['::FFFF:8.8.8.8', 'US'],
    ['127.0.0.1', undefined],
    ['192.168.1.1', undefined],
    ['2001:4860:4860::8888', undefined],
    ['8.8.8', undefined],
    ['8.8.8.8.8', undefined],
    ['8.8.8.256', undefined],
    ['8.8.8.8 ', undefined],
    ['localhost', undefined],
    ['', undefined],
  ])('of %p is %p', (ip, country) => {
    expect(countryOf(ip)).toBe(country);
  });

  it('is asked of the same addresses that Node takes for IPv4', () => {
    fc.assert(fc.property(fc.ipV4(), (ip) => ipv4Of(ip) === ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)));
    fc.assert(fc.property(fc.stringMatching(/^[0-9.]{5,15}$/), (text) => isIPv4(text) === ipv4Of(text) >= 0 || /(^|\.)0\d/.test(text)));
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
