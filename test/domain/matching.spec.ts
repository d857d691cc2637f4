import fc from 'fast-check';
import type { Match } from '../../src/domain/definitions';
import { compilePattern, rowMatcher } from '../../src/domain/matching';
import { hostOf, pathOf } from '../../src/domain/urls';
import { decodeBlock, encodeBlock } from '../../src/stores/block';

describe('a pattern', () => {
  it.each([
    ['/cart', '/cart', true],
    ['/cart', '/cart/', false],
    ['/products/*', '/products/', true],
    ['/products/*', '/product', false],
    ['*/checkout/*', '/de/checkout/pay', true],
    ['*.example.com', 'shop.example.com', true],
    ['a*a', 'a', false],
    ['*', '', true],
    ['a*b*c', 'abbc', true],
    ['a*bc*c', 'abc', false],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(compilePattern(pattern)(text)).toBe(expected);
  });

  it('agrees with the regular expression it stands for', () => {
    const letters = fc.stringMatching(/^[ab*]{0,8}$/);
    fc.assert(
      fc.property(letters, fc.stringMatching(/^[ab]{0,10}$/), (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text);
        expect(compilePattern(pattern)(text)).toBe(expected);
      }),
    );
  });
});

describe('addresses', () => {
  it.each([
    ['https://Shop.Example:8443/a/b?x=1#y', 'shop.example', '/a/b'],
    ['https://user:secret@shop.example', 'shop.example', '/'],
    ['http://[::1]:80/x', '[::1]', '/x'],
    ['/cart?step=2', undefined, '/cart'],
    ['/go?to=https://evil.example/', undefined, '/go'],
    ['cart?from=https://evil.example/', undefined, 'cart'],
    ['', undefined, undefined],
  ])('%s: host %s, path %s', (url, host, path) => {
    expect(hostOf(url)).toBe(host);
    expect(pathOf(url)).toBe(path);
  });
});

it('matches rows where everything given holds', () => {
  const row = (id: string, name: string, url: string, properties?: Record<string, string | number>): object => ({
    merchantId: 'm',
    id,
    name,
    visitorId: 'v',
    time: 1,
    receivedAt: 1,
    url,
    ...(properties && { properties }),
  });
  const columns = decodeBlock(
    encodeBlock([
      row('1', 'page_view', 'https://shop.example/thanks?order=1', { plan: 2 }),
      row('2', 'page_view', 'https://other.example/thanks', { plan: 2 }),
      row('3', 'sign_up', 'https://shop.example/thanks', { plan: '2' }),
      row('4', 'page_view', 'https://shop.example/thanks', { plan: 3 }),
    ] as never),
  );
  const ids = (match: Match): string[] => {
    const isMatch = rowMatcher(columns, match);
    return columns.ids.filter((_, i) => isMatch(i));
  };
  expect(ids({ event: 'page_view', page: '/thanks', hostname: 'shop.*', properties: { plan: '2' } })).toEqual(['1']);
  expect(ids({ page: '/thanks' })).toEqual(['1', '2', '3', '4']);
  expect(ids({ properties: { plan: 2 } })).toEqual(['1', '2', '3']);
  expect(ids({ hostname: 'SHOP.example', event: 'sign_up' })).toEqual(['3']);
});
