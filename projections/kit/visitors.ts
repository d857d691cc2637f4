import { isbot } from 'isbot';
import UAParser from 'ua-parser-js';

/** User agents remembered; the shops of a partition see a few thousand at a time. */
const rememberedMax = 50_000;

/** What a user agent tells, decided once per text: its maintained tables are isbot and ua-parser-js. */
export interface UserAgent {
  readonly bot: boolean;
  /** desktop, mobile, tablet, or what the parser names (smarttv, console, wearable, embedded, xr). */
  readonly device: string;
}

const known = new Map<string, UserAgent>();

export function userAgentOf(text: string): UserAgent {
  let agent = known.get(text);
  if (agent === undefined) {
    if (known.size >= rememberedMax) known.clear();
    // An event without a user agent was sent by the shop's own server: not a bot, and no device.
    agent =
      text === '' ? { bot: false, device: '(not set)' } : { bot: isbot(text), device: new UAParser(text).getDevice().type ?? 'desktop' };
    known.set(text, agent);
  }
  return agent;
}
