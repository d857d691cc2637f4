const colon = 58;
const dot = 46;
const zero = 48;
const groupCount = 8;

/** The 32 bits of a dotted address; -1 when it is none. A leading zero is refused, since some read octal then. */
export function ipv4Of(ip: string): number {
  if (ip.length > 15) return -1;
  let at = 0;
  let address = 0;
  for (let part = 0; part < 4; part++) {
    let value = 0;
    const start = at;
    for (; at < ip.length; at++) {
      const digit = ip.charCodeAt(at) - zero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const digits = at - start;
    if (digits === 0 || digits > 3 || value > 255 || (digits > 1 && ip.charCodeAt(start) === zero)) return -1;
    address = address * 256 + value;
    if (part < 3 && ip.charCodeAt(at++) !== dot) return -1;
  }
  return at === ip.length ? address : -1;
}

/**
 * Reads an IPv6 address into eight numbers of 16 bits, without making anything: it is done for every event of such an address. Its last
 * 32 bits may be written as an IPv4 address; a zone (`%eth0`) is not taken.
 *
 * @returns whether it is one; if not, the groups are spoilt
 */
export function readIpv6(text: string, groups: Uint16Array): boolean {
  const { length } = text;
  if (length < 2 || length > 45) return false;
  let count = 0;
  /** How many groups stand before "::". */
  let head = -1;
  let at = 0;
  if (text.charCodeAt(0) === colon) {
    if (text.charCodeAt(1) !== colon) return false;
    head = 0;
    at = 2;
  }
  while (at < length) {
    if (count === groupCount) return false;
    const start = at;
    let value = 0;
    for (; at < length; at++) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    const next = text.charCodeAt(at);
    if (next === dot) {
      const v4 = count > groupCount - 2 ? -1 : ipv4Of(text.slice(start));
      if (v4 < 0) return false;
      groups[count++] = v4 >>> 16;
      groups[count++] = v4 & 0xffff;
      break;
    }
    if (at === start || at - start > 4) return false;
    groups[count++] = value;
    if (at === length) break;
    if (next !== colon || ++at === length) return false;
    if (text.charCodeAt(at) === colon) {
      if (head >= 0) return false;
      head = count;
      at++;
    }
  }
  if (head < 0) return count === groupCount;
  if (count === groupCount) return false;
  groups.copyWithin(groupCount - (count - head), head, count);
  groups.fill(0, head, groupCount - (count - head));
  return true;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
