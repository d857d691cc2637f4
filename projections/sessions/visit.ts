import { grown } from '../kit/grown';
import type { Origin } from './origin-bytes';
import { type Completion, goal, pageview, sale, SessionFacts, type Sale } from './session-facts';
import { kindsOf, type VisitorEvents } from './visitor-events';

/**
 * One session with its events, so that a late event may split it or join it with another: 16 bytes an event, ascending by time,
 * at equal times in order of the log.
 */
export class Visit {
  /** The sessionId its events carry; '' for none. */
  id = '';
  count = 0;
  /** Of the events with the bit `sale`, in their order. */
  sales: Sale[] | undefined = undefined;
  /** Of those with the bit `goal`. */
  completions: Completion[] | undefined = undefined;
  /** The events before all that are kept apart, beyond the number kept: counted, and no longer told apart. */
  head: SessionFacts | undefined = undefined;
  /** As it was counted, when it has changed since; undefined for one that is not counted yet. */
  was: SessionFacts | undefined = undefined;
  /** Counted as the visitor's first. */
  isNew = false;
  isCounted = false;
  isTouched = false;
  /** Events were put where sessions may have to be cut or joined. */
  needsCut = false;
  /** Of each event its time and its code (VisitorEvents). */
  private times = new Float64Array(8);
  private codes = new Float64Array(8);

  /** Makes it one without events: the same objects serve one visitor after the other. */
  clear(id: string): this {
    this.id = id;
    this.count = 0;
    this.sales = this.completions = this.head = this.was = undefined;
    this.isNew = this.isCounted = this.isTouched = this.needsCut = false;
    return this;
  }

  get start(): number {
    return this.head === undefined ? this.times[0]! : this.head.start;
  }

  get end(): number {
    return this.count === 0 ? this.head!.end : this.times[this.count - 1]!;
  }

  timeAt(place: number): number {
    return this.times[place]!;
  }

  codeAt(place: number): number {
    return this.codes[place]!;
  }

  recode(place: number, code: number): void {
    this.codes[place] = code;
  }

  /** Of its first event. */
  originOfFirst(events: VisitorEvents): Origin {
    return this.head?.origin ?? events.originOf(this.codes[0]!);
  }

  campaignOfFirst(events: VisitorEvents): number {
    return this.originOfFirst(events).touch.campaignKey;
  }

  /** Puts an event after all that are not later. */
  insert(time: number, code: number, sold: Sale | undefined, done: Completion | undefined): void {
    if (this.count === 0 || time >= this.times[this.count - 1]!) {
      this.push(time, code);
      if (sold !== undefined) (this.sales ??= []).push(sold);
      if (done !== undefined) (this.completions ??= []).push(done);
      return;
    }
    const place = this.placeAfter(time);
    if (sold !== undefined) (this.sales ??= []).splice(this.countBefore(place, sale), 0, sold);
    if (done !== undefined) (this.completions ??= []).splice(this.countBefore(place, goal), 0, done);
    this.makeRoom(this.count + 1);
    this.times.copyWithin(place + 1, place, this.count);
    this.codes.copyWithin(place + 1, place, this.count);
    this.times[place] = time;
    this.codes[place] = code;
    this.count++;
  }

  /** Puts an event after all others, which are not later. */
  push(time: number, code: number): void {
    this.makeRoom(this.count + 1);
    this.times[this.count] = time;
    this.codes[this.count++] = code;
  }

  /** Moves the events from `place` on into a session of their own, which is empty. */
  split(place: number, rest: Visit): void {
    const sales = this.sales?.splice(this.countBefore(place, sale));
    if (sales !== undefined && sales.length > 0) rest.sales = sales;
    const completions = this.completions?.splice(this.countBefore(place, goal));
    if (completions !== undefined && completions.length > 0) rest.completions = completions;
    rest.takeOver(this, place);
    this.count = place;
  }

  /** Appends the events of a later session. */
  append(later: Visit, events: VisitorEvents): void {
    if (later.head !== undefined) {
      // Before events that are not told apart none can be.
      this.fold(this.count, events);
      if (this.head === undefined) this.head = later.head;
      else this.head.addLater(later.head);
    }
    this.takeOver(later, 0);
    if (later.sales !== undefined) this.sales = [...(this.sales ?? []), ...later.sales];
    if (later.completions !== undefined) this.completions = [...(this.completions ?? []), ...later.completions];
  }

  /** Moves the first `count` events into the head. */
  fold(count: number, events: VisitorEvents): void {
    if (count === 0) return;
    this.addTo((this.head ??= new SessionFacts()), count, events);
    this.sales?.splice(0, this.countBefore(count, sale));
    this.completions?.splice(0, this.countBefore(count, goal));
    this.times.copyWithin(0, count, this.count);
    this.codes.copyWithin(0, count, this.count);
    this.count -= count;
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
    let done = 0;
    for (let place = 0; place < count; place++) {
      const code = this.codes[place]!;
      const kinds = kindsOf(code);
      facts.add(
        this.times[place]!,
        kinds,
        (kinds & pageview) === 0 ? '' : events.pageOf(code),
        events.originOf(code),
        (kinds & sale) === 0 ? undefined : this.sales![sold++],
        (kinds & goal) === 0 ? undefined : this.completions![done++],
      );
    }
  }

  private takeOver(other: Visit, from: number): void {
    const more = other.count - from;
    this.makeRoom(this.count + more);
    this.times.set(other.times.subarray(from, other.count), this.count);
    this.codes.set(other.codes.subarray(from, other.count), this.count);
    this.count += more;
  }

  private makeRoom(count: number): void {
    if (count <= this.times.length) return;
    const room = Math.max(count, this.times.length * 2);
    this.times = grown(this.times, room);
    this.codes = grown(this.codes, room);
  }

  private placeAfter(time: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.times[middle]! <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Events before a place that have a bit. */
  private countBefore(place: number, bit: number): number {
    let count = 0;
    for (let i = 0; i < place; i++) if ((this.codes[i]! & bit) !== 0) count++;
    return count;
  }
}
