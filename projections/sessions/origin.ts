import type { EventColumns, TextColumn } from '../../src/domain/columns';
import { landingOf, referrerHostOf, touchOf, type Landing, type Touch } from '../acquisition/touch';
import { sharedText } from '../kit/shared-texts';
import { userAgentOf } from '../kit/visitors';

const notSet = '(not set)';

/** What a session is counted under if it begins with this event. */
export interface Origin {
  readonly country: string;
  readonly language: string;
  readonly device: string;
  readonly browser: string;
  readonly os: string;
  readonly screen: string;
  readonly hostname: string;
  readonly touch: Touch;
}

export function isSameOrigin(a: Origin, b: Origin): boolean {
  return (
    a === b ||
    (isSameTouch(a.touch, b.touch) &&
      a.hostname === b.hostname &&
      a.country === b.country &&
      a.language === b.language &&
      a.device === b.device &&
      a.browser === b.browser &&
      a.os === b.os &&
      a.screen === b.screen)
  );
}

/** Campaign and external referrer decide all of a touch. */
function isSameTouch(a: Touch, b: Touch): boolean {
  return a === b || (a.campaignKey === b.campaignKey && a.referrer === b.referrer);
}

/** Reads the origins of a block's rows. Most rows of a visitor share one, so it is made once. */
export class Origins {
  private readonly landings: Classes<Landing>;
  private readonly referrers: Classes<string | undefined>;
  private readonly touches = new Map<number, Touch>();
  /** By code of the visitor: the row before, plus 1, and its origin. */
  private readonly lastRows: Uint32Array;
  private readonly lastOrigins: Origin[];

  constructor(private readonly columns: EventColumns) {
    const { url, referrer, visitorId } = columns.text;
    // Urls of one host and campaign differ in nothing that matters here.
    this.landings = new Classes(url, landingOf, ({ host, campaign }) => `${campaign?.key ?? 0} ${host ?? ''}`);
    this.referrers = new Classes(referrer, referrerHostOf, (host) => host ?? '');
    this.lastRows = new Uint32Array(visitorId.values.length);
    this.lastOrigins = new Array<Origin>(visitorId.values.length);
  }

  of(row: number): Origin {
    const visitor = this.columns.text.visitorId.codes[row]!;
    const last = this.lastRows[visitor]!;
    if (last !== 0 && this.isAlike(last - 1, row)) return this.lastOrigins[visitor]!;
    this.lastRows[visitor] = row + 1;
    return (this.lastOrigins[visitor] = this.read(row));
  }

  private isAlike(a: number, b: number): boolean {
    const { country, language, userAgent, screen } = this.columns.text;
    return (
      this.landings.of(a) === this.landings.of(b) &&
      this.referrers.of(a) === this.referrers.of(b) &&
      userAgent.codes[a] === userAgent.codes[b] &&
      country.codes[a] === country.codes[b] &&
      language.codes[a] === language.codes[b] &&
      screen.codes[a] === screen.codes[b]
    );
  }

  private read(row: number): Origin {
    const { country, language, userAgent, screen } = this.columns.text;
    const agent = userAgentOf(textOf(userAgent, row));
    const landing = this.landings.valueOf(row);
    return {
      country: sharedText(textOf(country, row)) || notSet,
      language: sharedText(textOf(language, row).toLowerCase()) || notSet,
      device: agent.device,
      browser: agent.browser,
      os: agent.os,
      screen: sharedText(textOf(screen, row)) || notSet,
      hostname: landing.host === undefined ? notSet : sharedText(landing.host),
      touch: this.touch(row, landing),
    };
  }

  private touch(row: number, landing: Landing): Touch {
    const key = this.landings.of(row) * this.columns.count + this.referrers.of(row);
    let touch = this.touches.get(key);
    if (touch === undefined) this.touches.set(key, (touch = touchOf(landing, this.referrers.valueOf(row))));
    return touch;
  }
}

/** The entries of a dictionary by what is read from them, decided when first met: entries of one class have one number. */
class Classes<T> {
  private readonly numberByCode: Int32Array;
  private readonly numbers = new Map<string, number>();
  private readonly values: T[] = [];

  constructor(
    private readonly column: TextColumn,
    private readonly read: (text: string) => T,
    private readonly keyOf: (value: T) => string,
  ) {
    this.numberByCode = new Int32Array(column.values.length).fill(-1);
  }

  /** Below the number of the block's rows. */
  of(row: number): number {
    const code = this.column.codes[row]!;
    const known = this.numberByCode[code]!;
    return known === -1 ? this.decide(code) : known;
  }

  valueOf(row: number): T {
    return this.values[this.of(row)]!;
  }

  private decide(code: number): number {
    const value = this.read(this.column.values[code]!);
    const key = this.keyOf(value);
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.values.push(value) - 1;
      this.numbers.set(key, number);
    }
    return (this.numberByCode[code] = number);
  }
}

const textOf = ({ values, codes }: TextColumn, row: number): string => values[codes[row]!]!;
