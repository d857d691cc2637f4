import { limits } from '../protocol/limits';
import type { PseudonymOf } from './pseudonyms';

/**
 * IP addresses are resolved to a country and then forgotten, and who an event is about is stored as a pseudonym. What is kept of a
 * refused event must say no more than that either, whatever the sender named the fields.
 */
const addressFields = new Set(
  'ip ips ipv4 ipv6 ipaddr ipaddress clientip remoteip userip visitorip remoteaddr remoteaddress xforwardedfor xrealip'.split(' '),
);
const personFields = new Set(
  (
    'visitorid visitor vid userid user uid username sessionid session sid anonymousid clientid cid distinctid deviceid customerid customer ' +
    'personid memberid accountid profileid login email mail emailaddress useremail phone phonenumber firstname lastname fullname'
  ).split(' '),
);

const plain = (field: string): string => field.replace(/[^a-z0-9]/gi, '').toLowerCase();
export const isAddressField = (field: string): boolean => field.length <= 32 && addressFields.has(plain(field));
export const isPersonField = (field: string): boolean => field.length <= 32 && personFields.has(plain(field));

/**
 * A refused event as JSON, cut to `lengthMax` characters: without addresses, and with pseudonyms where it says whose it is. What
 * stands in `properties` stays, as it does in an accepted event.
 */
export function keptOfEvent(event: unknown, pseudonymOf: PseudonymOf, lengthMax: number): string {
  if (typeof event === 'string') return JSON.stringify(keptOfText(event, lengthMax)).slice(0, lengthMax);
  const properties = (event as { properties?: unknown } | null)?.properties;
  let json: string;
  try {
    json =
      JSON.stringify(event, function (this: unknown, field, value: unknown) {
        if (isAddressField(field)) return undefined;
        return isPersonField(field) && this !== properties ? inPlaceOf(value, pseudonymOf) : value;
      }) ?? 'null';
  } catch {
    // JSON.stringify recurses and JSON.parse does not: 500,000 nested brackets can be read but not written.
    json = '"nested too deeply to be kept"';
  }
  return json.length > lengthMax ? json.slice(0, lengthMax) : json;
}

/** As wrong as what it stands for: a text that is too long stays so, an empty one stays empty, and what is no text becomes none. */
function inPlaceOf(value: unknown, pseudonymOf: PseudonymOf): string | null {
  if (typeof value !== 'string') return null;
  return value === '' ? '' : pseudonymOf(value).padEnd(Math.min(value.length, limits.idLengthMax + 1), '~');
}

/** Fields whose values are kept of what could not be read: those that say nothing about a person in an event that could. */
const tellingFields = new Set(
  'id name time sentat url title referrer useragent language screen value currency itemid brand category variant price quantity'.split(' '),
);
/** A text in quotes, closed or not, with the colon behind it; or a run of characters that mean nothing in JSON. */
const tokens = /"((?:[^"\\]|\\[^])*)(?:"(\s*:)?)?|[^\s{}[\],:"]+(\s*:)?/g;
const bareLiterals = new Set(['true', 'false', 'null']);

/**
 * What is kept of text that could not be read as JSON: its shape and the names in it, and the values of those that name no person.
 * There are no pseudonyms in it, since nobody can tell where an id would begin and end.
 */
export function keptOfText(text: string, lengthMax: number): string {
  let isTelling = false;
  return text
    .slice(0, lengthMax)
    .replace(tokens, (token, quoted: string | undefined, colonOfQuoted: string | undefined, colonOfBare: string | undefined) => {
      if (colonOfQuoted !== undefined || colonOfBare !== undefined) {
        isTelling = tellingFields.has(plain(token.slice(0, 64)));
        return token.length <= 64 ? token : '"":';
      }
      const isKept = isTelling || bareLiterals.has(token);
      isTelling = false;
      return isKept ? token : quoted === undefined ? '' : '""';
    })
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '')
    .replace(/\b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\b/gi, '');
}
