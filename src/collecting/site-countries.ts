import { readIpv6 } from '../domain/address-bits';

/**
 * Countries of IPv6 addresses by their first 48 bits, the least that networks are given and announced by: a double holds them exactly. A
 * few ranges that are narrower are left out.
 */
export class SiteCountries {
  private readonly names: string[] = [];

  private constructor(
    private readonly starts: Float64Array,
    /** Exclusive. */
    private readonly ends: Float64Array,
    /** Places in `names`. */
    private readonly countries: Uint16Array,
  ) {}

  /**
   * @param csv `first address,last address,country` a line, in order of addresses
   * @throws Error for a line that is something else
   */
  static read(csv: string): SiteCountries {
    const lines = csv.split('\n').filter((line) => line !== '');
    const table = new SiteCountries(new Float64Array(lines.length), new Float64Array(lines.length), new Uint16Array(lines.length));
    const placeOf = new Map<string, number>();
    const groups = new Uint16Array(8);
    let length = 0;
    let before = 0;
    for (const line of lines) {
      const [first = '', last = '', country = '', more] = line.trimEnd().split(',');
      const isRead = readIpv6(first, groups);
      // What begins within a site begins with the next one for us, and what ends within one ends before it.
      const start = siteOf(groups) + (isWhole(groups, 0) ? 0 : 1);
      if (!isRead || !readIpv6(last, groups) || !/^[A-Z]{2}$/.test(country) || more !== undefined)
        throw new Error(`the table of IPv6 countries cannot be read: ${line.slice(0, 100)}`);
      const end = siteOf(groups) + (isWhole(groups, 0xffff) ? 1 : 0);
      if (start >= end) continue;
      if (start < before) throw new Error(`the table of IPv6 countries is not in order: ${line.slice(0, 100)}`);
      before = end;
      let place = placeOf.get(country);
      if (place === undefined) placeOf.set(country, (place = table.names.push(country) - 1));
      table.starts[length] = start;
      table.ends[length] = end;
      table.countries[length++] = place;
    }
    table.starts.fill(Infinity, length);
    return table;
  }

  /** @param site the first 48 bits of an address */
  find(site: number): string | undefined {
    const { starts } = this;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= site) low = middle + 1;
      else high = middle;
    }
    return low > 0 && site < this.ends[low - 1]! ? this.names[this.countries[low - 1]!] : undefined;
  }
}

/** The first 48 bits. */
export const siteOf = (groups: Uint16Array): number => (groups[0]! * 0x10000 + groups[1]!) * 0x10000 + groups[2]!;

/** All groups behind the site are the same: the first of its addresses, or the last. */
function isWhole(groups: Uint16Array, value: 0 | 0xffff): boolean {
  for (let i = 3; i < groups.length; i++) if (groups[i] !== value) return false;
  return true;
}
