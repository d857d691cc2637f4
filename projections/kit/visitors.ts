import { isbot } from 'isbot';
import UAParser from 'ua-parser-js';

/** User agents remembered; the shops of a partition see a few thousand at a time. */
const rememberedMax = 50_000;
const notSet = '(not set)';

/** What a user agent tells, decided once per text: its maintained tables are isbot and ua-parser-js. */
export interface UserAgent {
  readonly bot: boolean;
  /** desktop, mobile, tablet, or what the parser names (smarttv, console, wearable, embedded, xr). */
  readonly device: string;
  /** Chrome, Mobile Safari …; (not set) where the parser knows none. */
  readonly browser: string;
  /** Windows, iOS …; (not set) where the parser knows none. */
  readonly os: string;
}

/** Each part is parsed when first asked for: all of them take some 20 µs. */
class ParsedAgent implements UserAgent {
  readonly bot: boolean;
  private knownDevice: string | undefined;
  private knownBrowser: string | undefined;
  private knownOs: string | undefined;

  constructor(private readonly text: string) {
    this.bot = isbot(text);
  }

  get device(): string {
    return (this.knownDevice ??= new UAParser(this.text).getDevice().type ?? 'desktop');
  }

  get browser(): string {
    return (this.knownBrowser ??= new UAParser(this.text).getBrowser().name ?? notSet);
  }

  get os(): string {
    return (this.knownOs ??= new UAParser(this.text).getOS().name ?? notSet);
  }
}

/** An event without a user agent was sent by the shop's own server: not a bot, and no device. */
const withoutAgent: UserAgent = { bot: false, device: notSet, browser: notSet, os: notSet };
const known = new Map<string, UserAgent>();

export function userAgentOf(text: string): UserAgent {
  if (text === '') return withoutAgent;
  let agent = known.get(text);
  if (agent === undefined) {
    if (known.size >= rememberedMax) known.clear();
    agent = new ParsedAgent(text);
    known.set(text, agent);
  }
  return agent;
}
