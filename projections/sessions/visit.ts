import { pageview, sale, SessionFacts, type Sale } from './session-facts';
import type { VisitorEvents } from './visitor-events';

/** Numbers of `Visit.rows` for each event. */
const width = 2;

/**
 * One session with its events, so that a late event may split it or join it with another: 16 bytes an event, ascending by time,
 * at equal times in order of the log.
 */
export class Visit {
  /** Of each event its time and its code (VisitorEvents). */
  rows: number[] = [];
  /** Of the events with the bit `sale`, in their order. */
  sales: Sale[] | undefined = undefined;
  /** The events before all rows, beyond the number kept: counted, and no longer told apart. */
  head: SessionFacts | undefined = undefined;
  /** As it was counted, when it has changed since; undefined for one that is not counted yet. */
  was: SessionFacts | undefined = undefined;
  /** Counted as the visitor's first. */
  isNew = false;
  isCounted = false;
  isTouched = false;
  /** Events were put where sessions may have to be cut or joined. */
  needsCut = false;

  /** @param id the sessionId its events carry; '' for none */
  constructor(readonly id: string) {}

  get count(): number {
    return this.rows.length / width;
  }

  get start(): number {
    return this.head === undefined ? this.rows[0]! : this.head.start;
  }

  get end(): number {
    return this.rows.length === 0 ? this.head!.end : this.rows[this.rows.length - width]!;
  }

  timeAt(place: number): number {
    return this.rows[place * width]!;
  }

  codeAt(place: number): number {
    return this.rows[place * width + 1]!;
  }

  campaignOfFirst(events: VisitorEvents): number {
    return (this.head?.origin ?? events.originOf(this.codeAt(0))).touch.campaignKey;
  }

  /** Puts an event after all that are not later. */
  insert(time: number, code: number, sold: Sale | undefined): void {
    const { rows } = this;
    if (rows.length === 0 || time >= rows[rows.length - width]!) {
      rows.push(time, code);
      if (sold !== undefined) (this.sales ??= []).push(sold);
      return;
    }
    const place = this.placeAfter(time);
    if (sold !== undefined) (this.sales ??= []).splice(this.salesBefore(place), 0, sold);
    rows.splice(place * width, 0, time, code);
  }

  /** Takes the events from `place` on into a session of their own. */
  split(place: number): Visit {
    const rest = new Visit(this.id);
    const sales = this.sales?.splice(this.salesBefore(place));
    if (sales !== undefined && sales.length > 0) rest.sales = sales;
    rest.rows = this.rows.splice(place * width);
    return rest;
  }

  /** Appends the events of a later session. */
  append(later: Visit, events: VisitorEvents): void {
    if (later.head !== undefined) {
      // Before events that are not told apart none can be.
      this.fold(this.count, events);
      if (this.head === undefined) this.head = later.head;
      else this.head.addLater(later.head);
      this.rows = later.rows;
      this.sales = later.sales;
      return;
    }
    for (let i = 0; i < later.rows.length; i++) this.rows.push(later.rows[i]!);
    if (later.sales !== undefined) this.sales = this.sales === undefined ? later.sales : [...this.sales, ...later.sales];
  }

  /** Moves the first `count` events into the head. */
  fold(count: number, events: VisitorEvents): void {
    if (count === 0) return;
    this.addTo((this.head ??= new SessionFacts()), count, events);
    this.sales?.splice(0, this.salesBefore(count));
    this.rows.splice(0, count * width);
  }

  /** Everything that is to be counted of it. */
  sumTo(facts: SessionFacts, events: VisitorEvents): void {
    facts.clear();
    if (this.head !== undefined) facts.addLater(this.head);
    this.addTo(facts, this.count, events);
    facts.isNew = this.isNew;
  }

  private addTo(facts: SessionFacts, count: number, events: VisitorEvents): void {
    let sold = 0;
    for (let place = 0; place < count; place++) {
      const code = this.codeAt(place);
      const kinds = events.kindsOf(code);
      facts.add(
        this.timeAt(place),
        kinds,
        (kinds & pageview) === 0 ? '' : events.pageOf(code),
        events.originOf(code),
        (kinds & sale) === 0 ? undefined : this.sales![sold++],
      );
    }
  }

  private placeAfter(time: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeAt(middle) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private salesBefore(place: number): number {
    let sold = 0;
    for (let i = 0; i < place; i++) if ((this.codeAt(i) & sale) !== 0) sold++;
    return sold;
  }
}
