import { ipv4Of, readIpv6 } from './address-bits';

/**
 * IP addresses as four words of 32 bits. An IPv4 address is the IPv6 address that stands for it (::ffff:a.b.c.d), so that both
 * spellings of one address are one address.
 */
type Words = readonly [number, number, number, number];

/** The addresses that share the first `prefixBits` of 128 with `words`. */
export interface AddressRange {
  readonly words: Words;
  readonly prefixBits: number;
}

/** Longer than any address with a prefix length; what is longer is not looked at. */
const lengthMax = 64;

/** An address, or a range of them in CIDR notation; undefined when it is neither. Bits behind the prefix are allowed and mean nothing. */
export function parseAddressRange(text: string): AddressRange | undefined {
  if (text.length > lengthMax) return undefined;
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const words = parseAddress(address);
  if (words === undefined) return undefined;
  if (slash === -1) return { words, prefixBits: 128 };
  const length = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefixBits = Number(length) + (address.includes(':') ? 0 : 96);
  return prefixBits <= 128 ? { words, prefixBits } : undefined;
}

/** Which of the ranges an address lies in, by their place in the list. A text that is no address lies in none. */
export function rangesHolding(ranges: readonly AddressRange[], address: string): number[] {
  const words = address.length > lengthMax ? undefined : parseAddress(address);
  if (words === undefined) return [];
  const held: number[] = [];
  for (let i = 0; i < ranges.length; i++) if (holds(ranges[i]!, words)) held.push(i);
  return held;
}

function holds({ words, prefixBits }: AddressRange, address: Words): boolean {
  // ::/0 is every IPv6 address: who means the IPv4 ones too says so.
  if (prefixBits < 96 && isV4(address)) return false;
  for (let i = 0, bits = prefixBits; bits > 0; i++, bits -= 32) {
    const different = words[i]! ^ address[i]!;
    if ((bits >= 32 ? different : different >>> (32 - bits)) !== 0) return false;
  }
  return true;
}

const isV4 = ([a, b, c]: Words): boolean => a === 0 && b === 0 && c === 0xffff;

const parseAddress = (text: string): Words | undefined => (text.includes(':') ? parseV6(text) : parseV4(text));

function parseV4(text: string): Words | undefined {
  const v4 = ipv4Of(text);
  return v4 < 0 ? undefined : [0, 0, 0xffff, v4];
}

/** The one address that is being read. */
const groups = new Uint16Array(8);

function parseV6(text: string): Words | undefined {
  if (!readIpv6(text, groups)) return undefined;
  const word = (i: number): number => ((groups[i]! << 16) | groups[i + 1]!) >>> 0;
  return [word(0), word(2), word(4), word(6)];
}
