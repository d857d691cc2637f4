import { BlockList, isIP, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { parseAddressRange, rangesHolding } from '../../src/domain/addresses';

const isIn = (range: string, address: string): boolean => rangesHolding([parseAddressRange(range)!], address).length === 1;

describe('A range of addresses', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7', true],
    ['203.0.113.7', '203.0.113.8', false],
    ['203.0.113.0/24', '203.0.113.255', true],
    ['203.0.113.0/24', '203.0.114.0', false],
    ['203.0.113.77/24', '203.0.113.1', true],
    ['0.0.0.0/0', '198.51.100.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['255.255.255.255/32', '255.255.255.255', true],
    ['128.0.0.0/1', '127.255.255.255', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['2001:DB8::1', '2001:0db8:0:0:0:0:0:1', true],
    ['::/0', '2001:db8::1', true],
    ['::/0', '203.0.113.7', false],
    ['::1', '::1', true],
    ['203.0.113.0/24', '::ffff:203.0.113.9', true],
    ['::ffff:203.0.113.0/120', '203.0.113.9', true],
    ['::ffff:cb00:7100/120', '203.0.113.9', true],
    ['203.0.113.0/24', 'shop.example', false],
    ['203.0.113.0/24', '203.0.113.1/32', false],
    ['fe80::/10', 'fe80::1%eth0', false],
  ])('%s holds %s: %s', (range, address, expected) => {
    expect(isIn(range, address)).toBe(expected);
  });

  it.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '1.2.3.4.5',
    '10.0.0.1 ',
    '::/129',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3',
    'fe80::1%eth0',
    'localhost',
    `::${'0'.repeat(100)}`,
  ])('is none: %j', (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
  });

  it('takes for an address what Node takes for one, and nothing else', () => {
    const almost = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
      fc.stringMatching(/^(?:[0-9a-f]{0,4}:){0,8}[0-9a-f]{0,4}$/),
    );
    fc.assert(
      fc.property(almost, (text) => {
        expect(parseAddressRange(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('holds what Node says it holds', () => {
    const v4 = fc.record({ family: fc.constant('ipv4' as const), address: fc.ipV4(), bits: fc.integer({ min: 0, max: 32 }) });
    const v6 = fc.record({ family: fc.constant('ipv6' as const), address: fc.ipV6(), bits: fc.integer({ min: 0, max: 128 }) });
    /** Two addresses that share their first bits, so that both answers are met. */
    const near = fc.oneof(v4, v6).chain(({ family, address, bits }) =>
      fc.record({
        family: fc.constant(family),
        network: fc.constant(address),
        bits: fc.constant(bits),
        flip: fc.nat(family === 'ipv4' ? 31 : 127),
      }),
    );
    const answers = new Set<boolean>();
    fc.assert(
      fc.property(near, ({ family, network, bits, flip }) => {
        const address = withBitFlipped(network, family, flip);
        // Node lets ::/0 hold the IPv4 addresses too.
        fc.pre(!(family === 'ipv6' && new SocketAddress({ address, family }).address.startsWith('::ffff:')));
        const list = new BlockList();
        list.addSubnet(network, bits, family);
        const expected = list.check(address, family);
        answers.add(expected);
        expect(isIn(`${network}/${bits}`, address)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
    expect(answers.size).toBe(2);
  });

  it('is told from the others that hold an address', () => {
    const ranges = ['10.0.0.0/8', '192.0.2.0/24', '10.1.0.0/16'].map((range) => parseAddressRange(range)!);
    expect(rangesHolding(ranges, '10.1.2.3')).toEqual([0, 2]);
    expect(rangesHolding(ranges, '11.1.2.3')).toEqual([]);
  });
});

/** By Node's reading of it, in full groups. */
function withBitFlipped(text: string, family: 'ipv4' | 'ipv6', bit: number): string {
  if (family === 'ipv4') {
    const bytes = text.split('.').map(Number);
    bytes[bit >> 3]! ^= 128 >> (bit & 7);
    return bytes.join('.');
  }
  const host = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = host.split('::');
  const [left, right] = [head, tail ?? ''].map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = tail === undefined ? [] : new Array<string>(8 - left!.length - right!.length).fill('0');
  const groups = [...left!, ...zeros, ...right!].map((group) => parseInt(group, 16));
  groups[bit >> 4]! ^= 0x8000 >> (bit & 15);
  return groups.map((group) => group.toString(16)).join(':');
}
