import type { Channel } from '../acquisition/channel';
import type { Touch } from '../acquisition/touch';
import { ByteReader, ByteWriter } from '../kit/bytes';
import { KnownBytes, readKnownText } from '../kit/known-bytes';

/** What a session is counted under if it begins with this event. Equal ones are mostly the same object, those of knownOrigin. */
export interface Origin {
  /** It as it is stored. */
  readonly bytes: Uint8Array;
  readonly country: string;
  readonly language: string;
  readonly device: string;
  readonly browser: string;
  readonly os: string;
  readonly screen: string;
  readonly hostname: string;
  readonly touch: Touch;
}

/** Texts that nearly every origin is made of, by number. Part of the format: changed only together with the history's name. */
const usualTexts = [
  ...['', '(not set)', '(none)', '(direct)', 'Direct', 'desktop', 'mobile', 'tablet', 'US', 'GB', 'DE', 'FR', 'JP', 'IN', 'BR', 'CA'],
  ...['en', 'en-us', 'en-gb', 'de', 'de-de', 'fr', 'fr-fr', 'es', 'es-es', 'pt-br', 'ja', 'ja-jp'],
  ...['Chrome', 'Mobile Chrome', 'Mobile Safari', 'Safari', 'Firefox', 'Edge', 'Windows', 'iOS', 'Android', 'Mac OS', 'Linux'],
  ...['Organic Search', 'Paid Search', 'Organic Social', 'Paid Social', 'Referral', 'Email', 'Unassigned'],
  ...['google', 'facebook', 'instagram', 'bing', 'organic', 'cpc', 'referral', 'email', 'google.com', '1920x1080'],
];
const usualNumbers = new Map(usualTexts.map((text, number) => [text, number]));

const known = new KnownBytes<Origin>(1 << 13);
const knownTouches = new KnownBytes<Touch>(1 << 12);
const out = new ByteWriter();

/** The origin that equals this one, if it was met lately: what is the same object need not be compared. */
export function knownOrigin(origin: Omit<Origin, 'bytes'>): Origin {
  out.length = 0;
  writeText(origin.country);
  writeText(origin.language);
  writeText(origin.device);
  writeText(origin.browser);
  writeText(origin.os);
  writeText(origin.screen);
  writeText(origin.hostname);
  const start = out.length;
  writeTouch(origin.touch);
  const touch = knownTouches.get(out.written, start, out.length, () => origin.touch);
  return known.get(out.written, 0, out.length, (bytes) => ({ ...origin, touch, bytes }));
}

/** Preceded by its length. */
export function writeOrigin({ bytes }: Origin, to: ByteWriter): void {
  to.varint(bytes.length);
  to.raw(bytes);
}

export function readOrigin(from: ByteReader): Origin {
  const length = from.varint();
  const start = from.skip(length);
  return known.get(from.source, start, start + length, originOf);
}

function originOf(bytes: Uint8Array): Origin {
  const from = new ByteReader(bytes);
  // In the order in which they are written.
  const country = readText(from);
  const language = readText(from);
  const device = readText(from);
  const browser = readText(from);
  const os = readText(from);
  const screen = readText(from);
  const hostname = readText(from);
  const touch = knownTouches.get(bytes, from.skip(0), bytes.length, readTouch);
  return { bytes, country, language, device, browser, os, screen, hostname, touch };
}

function writeTouch(touch: Touch): void {
  out.varint(touch.campaignKey);
  writeText(touch.channel);
  writeText(touch.source);
  writeText(touch.medium);
  writeText(touch.campaign);
  writeText(touch.term);
  writeText(touch.content);
  writeText(touch.referrer);
}

function readTouch(bytes: Uint8Array): Touch {
  const from = new ByteReader(bytes);
  return {
    campaignKey: from.varint(),
    channel: readText(from) as Channel,
    source: readText(from),
    medium: readText(from),
    campaign: readText(from),
    term: readText(from),
    content: readText(from),
    referrer: readText(from),
  };
}

/** The number of a usual one plus 1, or 0 and the text. */
function writeText(text: string): void {
  const usual = usualNumbers.get(text);
  out.varint(usual === undefined ? 0 : usual + 1);
  if (usual === undefined) out.text(text);
}

function readText(from: ByteReader): string {
  const number = from.varint();
  return number === 0 ? readKnownText(from) : usualTexts[number - 1]!;
}
