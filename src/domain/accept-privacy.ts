/**
 * IP addresses are resolved to a country and then forgotten, so what is kept of a refused event must not carry one either,
 * whatever the sender named the field.
 */
const addressFields = new Set([
  'ip',
  'ips',
  'ipv4',
  'ipv6',
  'ipaddr',
  'ipaddress',
  'clientip',
  'remoteip',
  'userip',
  'visitorip',
  'remoteaddr',
  'remoteaddress',
  'xforwardedfor',
  'xrealip',
]);

export function isAddressField(field: string): boolean {
  return field.length <= 32 && addressFields.has(field.replace(/[^a-z0-9]/gi, '').toLowerCase());
}

/** The event as JSON without its addresses, cut to `lengthMax` characters. */
export function withoutAddresses(event: unknown, lengthMax: number): string {
  let json: string;
  try {
    json = JSON.stringify(event, (field, value: unknown) => (isAddressField(field) ? undefined : value)) ?? 'null';
  } catch {
    // JSON.stringify recurses and JSON.parse does not: 500,000 nested brackets can be read but not written.
    json = '"nested too deeply to be kept"';
  }
  return json.length > lengthMax ? json.slice(0, lengthMax) : json;
}

/** Bytes that could not be read as JSON, as text, with everything that looks like an address removed. */
export function withoutAddressesInText(bytes: Uint8Array, lengthMax: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, lengthMax))
    .toString('utf8')
    .replace(/("[^"]{0,20}ip[^"]{0,20}"\s*:\s*)"[^"]*"?/gi, '$1""')
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '')
    .replace(/\b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\b/gi, '');
}
