import type { EventColumns, TextColumn } from '../../src/domain/columns';
import { landingOf, referrerHostOf, touchOf, type Landing } from '../acquisition/touch';
import { PairIndex } from '../kit/pair-index';
import { userAgentOf } from '../kit/visitors';
import { knownOrigin, type Origin } from './origin-bytes';

const notSet = '(not set)';

/** Reads the origins of a block's rows, each combination of what they are made of once. */
export class Origins {
  private readonly landings: Classes<Landing>;
  private readonly referrers: Classes<string | undefined>;
  /** Pairs of numbers, one within the other, up to the number of an origin. */
  private readonly touches = new PairIndex();
  private readonly places = new PairIndex();
  private readonly devices = new PairIndex();
  private readonly people = new PairIndex();
  private readonly combinations = new PairIndex();
  private readonly known: Origin[] = [];

  constructor(private readonly columns: EventColumns) {
    const { url, referrer } = columns.text;
    // Urls of one host and campaign differ in nothing that matters here.
    this.landings = new Classes(url, landingOf, ({ host, campaign }) => `${campaign?.key ?? 0} ${host ?? ''}`);
    this.referrers = new Classes(referrer, referrerHostOf, (host) => host ?? '');
  }

  of(row: number): Origin {
    const { country, language, userAgent, screen } = this.columns.text;
    const touch = this.touches.intern(this.landings.of(row), this.referrers.of(row));
    const place = this.places.intern(country.codes[row]!, language.codes[row]!);
    const device = this.devices.intern(userAgent.codes[row]!, screen.codes[row]!);
    const combination = this.combinations.intern(touch, this.people.intern(place, device));
    return (this.known[combination] ??= this.read(row));
  }

  private read(row: number): Origin {
    const { country, language, userAgent, screen } = this.columns.text;
    const agent = userAgentOf(textOf(userAgent, row));
    const landing = this.landings.valueOf(row);
    return knownOrigin({
      country: textOf(country, row) || notSet,
      language: textOf(language, row).toLowerCase() || notSet,
      device: agent.device,
      browser: agent.browser,
      os: agent.os,
      screen: textOf(screen, row) || notSet,
      hostname: landing.host ?? notSet,
      touch: touchOf(landing, this.referrers.valueOf(row)),
    });
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
