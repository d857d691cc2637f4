import type { HistoryEvent } from '../kit/history';
import type { MerchantSettings } from '../kit/settings';
import { blockEventsOf } from './block-events';
import { keepBounds } from './bounds';
import { cutAnew, isCut } from './cutting';
import { isSameTouch, type Touch } from '../acquisition/touch';
import { goal, sale, SessionFacts } from './session-facts';
import { Visit } from './visit';
import { VisitorEvents } from './visitor-events';

/** A session as it was counted, to be taken back, and as it is now. */
export interface SessionChange {
  was: SessionFacts | undefined;
  is: SessionFacts | undefined;
}

/** The sessions of one visitor; the same object serves one visitor after the other. */
export class Visits {
  readonly events = new VisitorEvents();
  /** Of events without a sessionId: all events of one come before those of the next. */
  readonly runs: Visit[] = [];
  /** Of events with one, in the order in which they came. */
  readonly named: Visit[] = [];
  /** Time of the visitor's earliest event, and the sessionId it carries ('' for none). */
  earliest = Infinity;
  earliestId = '';
  /** What the first session came through as all sessions are counted; undefined where none is. */
  firstTouch: Touch | undefined = undefined;
  /** Since the last settling. */
  private readonly touched: Visit[] = [];
  /** What sessions counted that are now part of others. */
  private readonly gone: SessionFacts[] = [];
  /** Every session there is room for; those in use come first. */
  private readonly room: Visit[] = [];
  private inUse = 0;

  clear(): void {
    this.events.clear();
    emptied(this.runs);
    emptied(this.named);
    emptied(this.touched);
    emptied(this.gone);
    this.earliest = Infinity;
    this.earliestId = '';
    this.firstTouch = undefined;
    if (this.room.length > roomMax) this.room.length = roomMax;
    this.inUse = 0;
  }

  /** An empty session, that is in no list yet. */
  newVisit(id: string): Visit {
    const visit = (this.room[this.inUse] ??= new Visit()).clear(id);
    this.inUse++;
    return visit;
  }

  add(event: HistoryEvent): void {
    const { row, time, columns } = event;
    const block = blockEventsOf(columns);
    const { sessionId } = columns.text;
    const id = sessionId.values[sessionId.codes[row]!]!;
    const origin = block.originOf(row);
    const kinds = block.kindsOf(event);
    const page = block.pageOf(row);
    const sold = (kinds & sale) === 0 ? undefined : block.saleOf(event);
    const done = (kinds & goal) === 0 ? undefined : block.completionOf(event);
    if (time < this.earliest) {
      const first = this.first();
      if (first !== undefined) this.touch(first);
      this.earliest = time;
      this.earliestId = id;
    }
    const visit = id === '' ? this.runFor(time, origin.touch.campaignKey, event.settings) : this.namedFor(id);
    if (visit.head !== undefined && time <= visit.head.end) visit.head.add(time, kinds, page, origin, sold, done);
    else visit.insert(time, this.events.codeOf(kinds, origin, page), sold, done);
  }

  settle(settings: MerchantSettings, emit: (change: SessionChange) => void): void {
    cutAnew(this, settings);
    for (let i = 0; i < this.gone.length; i++) tell(this.gone[i], undefined, emit);
    const first = this.first();
    const touch = first?.originOfFirst(this.events).touch;
    if (this.firstTouch !== undefined && touch !== undefined && !isSameTouch(touch, this.firstTouch)) this.touchAll();
    for (let i = 0; i < this.touched.length; i++) {
      const visit = this.touched[i]!;
      // Joined to another, which tells for both.
      if (!visit.isTouched) continue;
      visit.isTouched = false;
      visit.isCounted = true;
      visit.isNew = visit === first;
      visit.sumTo(now, this.events);
      now.first = touch!;
      tell(visit.was, now, emit);
      visit.was = undefined;
    }
    emptied(this.touched);
    emptied(this.gone);
    this.firstTouch = touch;
    keepBounds(this);
  }

  /** To be called before a session changes: notes how it was counted. */
  touch(visit: Visit): void {
    if (visit.isTouched) return;
    visit.isTouched = true;
    this.touched.push(visit);
    if (!visit.isCounted) return;
    visit.was = spare.pop() ?? new SessionFacts();
    visit.sumTo(visit.was, this.events);
    visit.was.first = this.firstTouch!;
  }

  /** The first session came through something else than was known: that all of them count under. */
  private touchAll(): void {
    for (const visit of this.runs) this.touch(visit);
    for (const visit of this.named) this.touch(visit);
  }

  /** `later` has become part of `visit`; both were touched before. */
  joined(visit: Visit, later: Visit): void {
    later.isTouched = false;
    if (visit.was === undefined) {
      visit.was = later.was;
    } else if (later.was !== undefined) {
      this.gone.push(later.was);
    }
  }

  /** The session that holds the visitor's earliest event. */
  first(): Visit | undefined {
    return this.earliestId === '' ? this.runs[0] : this.named.find(({ id }) => id === this.earliestId);
  }

  private runFor(time: number, campaign: number, settings: MerchantSettings): Visit {
    const { runs } = this;
    let i = runs.length - 1;
    const last = runs[i];
    if (last === undefined || time >= last.end) {
      if (last !== undefined && (last.needsCut || !isCut(last.campaignOfFirst(this.events), last.end, time, campaign, settings))) {
        this.touch(last);
        return last;
      }
      return this.begun('', runs, runs.length);
    }
    while (i >= 0 && runs[i]!.start > time) i--;
    if (i < 0) {
      const earliest = this.begun('', runs, 0);
      earliest.needsCut = true;
      return earliest;
    }
    const run = runs[i]!;
    this.touch(run);
    // Between its events and without another campaign it only makes pauses shorter.
    if (time > run.end || (campaign !== 0 && campaign !== run.campaignOfFirst(this.events))) run.needsCut = true;
    return run;
  }

  private namedFor(id: string): Visit {
    const { named } = this;
    for (let i = named.length - 1; i >= 0; i--) {
      if (named[i]!.id !== id) continue;
      this.touch(named[i]!);
      return named[i]!;
    }
    return this.begun(id, named, named.length);
  }

  private begun(id: string, among: Visit[], place: number): Visit {
    const visit = this.newVisit(id);
    if (place === among.length) among.push(visit);
    else among.splice(place, 0, visit);
    this.touch(visit);
    return visit;
  }
}

/** Of lists this short, faster than setting their length, which also gives their room back. */
function emptied(list: unknown[]): void {
  while (list.length > 0) list.pop();
}

/** Sessions whose room is kept from one visitor to the next. */
const roomMax = 256;
const now = new SessionFacts();
const spare: SessionFacts[] = [];
const spareMax = 1_000;
const change: SessionChange = { was: undefined, is: undefined };

function tell(was: SessionFacts | undefined, is: SessionFacts | undefined, emit: (change: SessionChange) => void): void {
  change.was = was;
  change.is = is;
  emit(change);
  if (was !== undefined && spare.length < spareMax) spare.push(was);
}
