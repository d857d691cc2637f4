import type { Channel } from '../acquisition/channel';
import { direct, type Touch } from '../acquisition/touch';
import type { ByteReader, ByteWriter } from '../kit/bytes';
import { sharedText } from '../kit/shared-texts';
import type { Origin } from './origin';
import { pageview, sale, SessionFacts, type Sale } from './session-facts';
import { Visit } from './visit';
import { Visits } from './visits';

/** Texts that nearly every visitor's bytes would begin with. Part of the format: changed only together with the history's name. */
const usualTexts = [
  ...['', '(not set)', '/', 'desktop', 'mobile', 'tablet', 'US', 'GB', 'DE', 'FR', 'en', 'en-us', 'en-gb', 'de', 'de-de', 'fr-fr'],
  ...['Chrome', 'Mobile Safari', 'Safari', 'Firefox', 'Edge', 'Windows', 'iOS', 'Android', 'Mac OS', 'Linux'],
  ...['Organic Search', 'Paid Search', 'Organic Social', 'Paid Social', 'Referral', 'Email', 'Unassigned'],
  ...['google', 'facebook', 'instagram', 'bing', 'organic', 'cpc', 'referral', 'email', 'google.com', 'USD', 'EUR', 'GBP'],
];
/** Texts looked through one by one; more are kept in a map. */
const listedMax = 16;
const usualNumbers = new Map(usualTexts.map((text, number) => [text, number]));

/**
 * The bytes of a visitor's sessions. Whatever recurs (a text, an origin, where a visitor came from) has a number, and is written out
 * after the number when that is the next new one. Times are distances from the time before, the first from 1970.
 */
export function writeVisits(visits: Visits, out: ByteWriter): void {
  new VisitsWriter(out, visits).write();
}

export function readVisits(from: ByteReader): Visits {
  return new VisitsReader(from).read();
}

class VisitsWriter {
  // Most visitors have a handful of each: looking through lists is faster than keeping maps.
  private readonly texts = new TextNumbers();
  private readonly origins: Origin[] = [];
  private readonly touches: Touch[] = [direct];
  private lastTime = 0;

  constructor(
    private readonly out: ByteWriter,
    private readonly visits: Visits,
  ) {}

  write(): void {
    const { out } = this;
    const { runs, named, earliest, earliestId } = this.visits;
    this.time(earliest);
    this.text(earliestId);
    out.varint(runs.length);
    out.varint(named.length);
    const first = this.visits.first();
    for (const visit of runs) this.visit(visit, visit === first);
    for (const visit of named) this.visit(visit, visit === first);
  }

  private visit(visit: Visit, isNew: boolean): void {
    const { out } = this;
    const { rows, head, sales, id } = visit;
    this.text(id);
    out.varint((isNew ? 1 : 0) + (head === undefined ? 0 : 2));
    if (head !== undefined) this.facts(head);
    out.varint(rows.length / 2);
    const { events } = this.visits;
    for (let i = 0; i < rows.length; i += 2) {
      const code = rows[i + 1]!;
      const kinds = events.kindsOf(code);
      this.time(rows[i]!);
      out.varint(kinds);
      this.origin(events.originOf(code));
      if ((kinds & pageview) !== 0) this.text(events.pageOf(code));
    }
    for (const sold of sales ?? []) this.sale(sold);
  }

  private facts(facts: SessionFacts): void {
    const { out } = this;
    this.time(facts.start);
    this.time(facts.end);
    this.origin(facts.origin);
    out.varint(facts.events);
    out.varint(facts.pageviews);
    if (facts.pageviews > 0) {
      this.time(facts.entryTime);
      this.text(facts.entryPage);
      this.time(facts.exitTime);
      this.text(facts.exitPage);
    }
    out.varint(facts.isEngaging ? 1 : 0);
    out.varint(facts.orders);
    out.varint(facts.addToCarts);
    out.varint(facts.checkouts);
    out.varint(facts.sales?.length ?? 0);
    for (const sold of facts.sales ?? []) this.sale(sold);
  }

  private sale({ currency, revenue, tax, shipping, refunds, items }: Sale): void {
    this.text(currency);
    // Amounts beyond 2^52 exist only in nonsense, and must not stop a flush.
    for (const amount of [revenue, tax, shipping, refunds, items]) this.out.f64(amount);
  }

  private time(time: number): void {
    this.out.signed(time - this.lastTime);
    this.lastTime = time;
  }

  private text(text: string): void {
    const known = this.texts.numberOf(text);
    this.out.varint(known === -1 ? this.texts.add(text) : known);
    if (known === -1) this.out.text(text);
  }

  private origin(origin: Origin): void {
    const known = this.origins.lastIndexOf(origin);
    this.out.varint(known === -1 ? this.origins.push(origin) - 1 : known);
    if (known !== -1) return;
    this.text(origin.country);
    this.text(origin.language);
    this.text(origin.device);
    this.text(origin.browser);
    this.text(origin.os);
    this.text(origin.screen);
    this.text(origin.hostname);
    this.touch(origin.touch);
  }

  private touch(touch: Touch): void {
    const known = this.touches.lastIndexOf(touch);
    this.out.varint(known === -1 ? this.touches.push(touch) - 1 : known);
    if (known !== -1) return;
    this.out.varint(touch.campaignKey);
    this.text(touch.channel);
    this.text(touch.source);
    this.text(touch.medium);
    this.text(touch.campaign);
    this.text(touch.term);
    this.text(touch.content);
    this.text(touch.referrer);
  }
}

/** Numbers texts in order of first appearance, after the usual ones. */
class TextNumbers {
  private readonly list: string[] = [];
  private numbers: Map<string, number> | undefined;

  /** -1 for one that was not added. */
  numberOf(text: string): number {
    const usual = usualNumbers.get(text);
    if (usual !== undefined) return usual;
    if (this.numbers !== undefined) return this.numbers.get(text) ?? -1;
    const place = this.list.lastIndexOf(text);
    return place === -1 ? -1 : usualTexts.length + place;
  }

  add(text: string): number {
    const number = usualTexts.length + this.list.push(text) - 1;
    if (this.numbers !== undefined) this.numbers.set(text, number);
    else if (this.list.length > listedMax) this.numbers = new Map(this.list.map((listed, i) => [listed, usualTexts.length + i]));
    return number;
  }
}

class VisitsReader {
  private readonly visits = new Visits();
  /** Beyond the usual ones. */
  private readonly texts: string[] = [];
  private readonly origins: Origin[] = [];
  private readonly touches: Touch[] = [direct];
  private lastTime = 0;

  constructor(private readonly from: ByteReader) {}

  read(): Visits {
    const { from, visits } = this;
    visits.earliest = this.time();
    visits.earliestId = this.text();
    const runs = from.varint();
    const named = from.varint();
    for (let i = 0; i < runs; i++) visits.runs.push(this.visit());
    for (let i = 0; i < named; i++) visits.named.push(this.visit());
    return visits;
  }

  private visit(): Visit {
    const { from } = this;
    const { events } = this.visits;
    const visit = new Visit(this.text());
    const flags = from.varint();
    visit.isCounted = true;
    visit.isNew = (flags & 1) !== 0;
    if ((flags & 2) !== 0) visit.head = this.facts();
    const count = from.varint();
    let sales = 0;
    for (let i = 0; i < count; i++) {
      const time = this.time();
      const kinds = from.varint();
      const origin = this.origin();
      visit.rows.push(time, events.codeOf(kinds, origin, (kinds & pageview) === 0 ? '' : this.text()));
      if ((kinds & sale) !== 0) sales++;
    }
    if (sales > 0) visit.sales = Array.from({ length: sales }, () => this.sale());
    return visit;
  }

  private facts(): SessionFacts {
    const { from } = this;
    const facts = new SessionFacts();
    facts.start = this.time();
    facts.end = this.time();
    facts.origin = this.origin();
    facts.events = from.varint();
    facts.pageviews = from.varint();
    if (facts.pageviews > 0) {
      facts.entryTime = this.time();
      facts.entryPage = this.text();
      facts.exitTime = this.time();
      facts.exitPage = this.text();
    }
    facts.isEngaging = from.varint() === 1;
    facts.orders = from.varint();
    facts.addToCarts = from.varint();
    facts.checkouts = from.varint();
    const currencies = from.varint();
    for (let i = 0; i < currencies; i++) facts.sell(this.sale());
    return facts;
  }

  private sale(): Sale {
    const { from } = this;
    return {
      currency: this.text(),
      revenue: from.f64(),
      tax: from.f64(),
      shipping: from.f64(),
      refunds: from.f64(),
      items: from.f64(),
    };
  }

  private time(): number {
    return (this.lastTime += this.from.signed());
  }

  private text(): string {
    const number = this.from.varint();
    if (number < usualTexts.length) return usualTexts[number]!;
    if (number - usualTexts.length === this.texts.length) this.texts.push(sharedText(this.from.text()));
    return this.texts[number - usualTexts.length]!;
  }

  private origin(): Origin {
    const number = this.from.varint();
    if (number < this.origins.length) return this.origins[number]!;
    // In the order in which they were written.
    const origin: Origin = {
      country: this.text(),
      language: this.text(),
      device: this.text(),
      browser: this.text(),
      os: this.text(),
      screen: this.text(),
      hostname: this.text(),
      touch: this.touch(),
    };
    this.origins.push(origin);
    return origin;
  }

  private touch(): Touch {
    const number = this.from.varint();
    if (number < this.touches.length) return this.touches[number]!;
    const touch: Touch = {
      campaignKey: this.from.varint(),
      channel: this.text() as Channel,
      source: this.text(),
      medium: this.text(),
      campaign: this.text(),
      term: this.text(),
      content: this.text(),
      referrer: this.text(),
    };
    this.touches.push(touch);
    return touch;
  }
}
