import { hash64 } from '../../src/domain/hash64';
import type { Lens } from '../kit/lens';
import { RecentPairs } from '../kit/recent-pairs';
import type { Emit, Reducer, ReducerInputs } from '../kit/reducer';
import { bounceOf, markCounted, newSession, newVisitor, type DimensionValues, type Session, type Visitor } from './session';
import { decodeVisitors, encodeVisitors } from './session-state';

const sessionGapMs = 30 * 60_000;
/** Visitors of a partition whose sessions can still be restated; the least recently active are forgotten first. */
const visitorsMax = 65_536;
const sessionsPerVisitorMax = 32;

const merchantHi = new Uint32Array(1);
const merchantLo = new Uint32Array(1);

/** A visitor touched by the block, and what is needed to count its sessions. */
interface Active {
  readonly visitor: Visitor;
  readonly merchant: number;
  readonly bot: number;
}

export class SessionReducer implements Reducer {
  private readonly recent: RecentPairs;
  /** By place in `recent`. */
  private readonly visitors: Visitor[] = [];
  private touches: Visitor[] = [];
  private block = 0;

  constructor(private readonly limits = { visitorsMax, sessionsPerVisitorMax }) {
    this.recent = new RecentPairs(limits.visitorsMax);
  }

  fold(lens: Lens, inputs: ReducerInputs, emit: Emit): void {
    this.block++;
    for (const { visitor, merchant, bot } of this.gather(lens, inputs)) {
      if (visitor.joined !== undefined) {
        for (const session of visitor.joined) takeBack(session, merchant, bot, emit);
        visitor.joined = undefined;
      }
      for (const session of visitor.sessions) if (session.changed) restate(session, merchant, bot, emit);
      // What a forgotten session counted stays counted: forgetting comes after restating.
      while (visitor.sessions.length > this.limits.sessionsPerVisitorMax) forgetOldest(visitor);
    }
  }

  take(): Uint8Array | undefined {
    const touched = this.touches.filter(
      (visitor, i) => visitor.touch === i && this.visitors[this.recent.find(visitor.hi, visitor.lo)] === visitor,
    );
    this.touches = [];
    return touched.length === 0 ? undefined : encodeVisitors(touched);
  }

  snapshot(): Uint8Array {
    const visitors: Visitor[] = [];
    for (let place = this.recent.oldestPlace; place !== -1; place = this.recent.newerThan(place)) visitors.push(this.visitors[place]!);
    return encodeVisitors(visitors);
  }

  restore(parts: readonly Uint8Array[]): void {
    for (const part of parts) for (const visitor of decodeVisitors(part)) this.remember(visitor);
  }

  private remember(visitor: Visitor): void {
    const place = this.recent.find(visitor.hi, visitor.lo);
    if (place === -1) {
      this.visitors[this.place(visitor.hi, visitor.lo)] = visitor;
    } else {
      this.recent.touch(place);
      this.visitors[place] = visitor;
    }
  }

  /** Adds the block's events to their sessions; gives the visitors touched, in order of first touch. */
  private gather(lens: Lens, inputs: ReducerInputs): Active[] {
    const { columns, rows, merchants, bots } = lens;
    const { name, visitorId, sessionId } = columns.text;
    const isPageview = Uint8Array.from(name.values, (value) => (value === 'page_view' ? 1 : 0));
    const valuesAt = dimensionReader(inputs);
    const active: Active[] = [];
    // A visitor id nearly always belongs to one merchant and one agent: look the visitor up once a block, not once an event.
    const byCode = new Array<Active | undefined>(visitorId.values.length);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const code = visitorId.codes[row]!;
      const merchant = merchants[row]!;
      const bot = bots[row]!;
      let found = byCode[code];
      if (found === undefined || found.merchant !== merchant || found.bot !== bot) {
        const number = lens.visitors[row]!;
        hash64(inputs.merchantIds[merchant]!, merchantHi, merchantLo, 0);
        const hi = (inputs.visitors.firsts[number]! ^ merchantHi[0]!) >>> 0;
        const lo = (inputs.visitors.seconds[number]! ^ (merchantLo[0]! + bot)) >>> 0;
        found = byCode[code] = { visitor: this.visitorOf(hi, lo), merchant, bot };
        if (found.visitor.block !== this.block) {
          found.visitor.block = this.block;
          found.visitor.touch = this.touches.push(found.visitor) - 1;
          active.push(found);
        }
      }
      const id = sessionId.values[sessionId.codes[row]!]!;
      addEvent(found.visitor, id, columns.times[row]!, isPageview[name.codes[row]!]!, row, valuesAt);
    }
    return active;
  }

  private visitorOf(hi: number, lo: number): Visitor {
    const place = this.recent.find(hi, lo);
    if (place !== -1) {
      const visitor = this.visitors[place]!;
      if (visitor.block !== this.block) this.recent.touch(place);
      return visitor;
    }
    const visitor = newVisitor(hi, lo, []);
    this.visitors[this.place(hi, lo)] = visitor;
    return visitor;
  }

  private place(hi: number, lo: number): number {
    if (this.recent.size === this.limits.visitorsMax) this.recent.remove(this.recent.oldestPlace);
    return this.recent.add(hi, lo);
  }
}

function addEvent(
  visitor: Visitor,
  id: string,
  time: number,
  pageview: number,
  row: number,
  valuesAt: (row: number) => DimensionValues,
): void {
  const { sessions } = visitor;
  let home: Session | undefined;
  for (let i = 0; i < sessions.length; i++) {
    const session = sessions[i]!;
    if (session.id === id && (id !== '' || (time >= session.start - sessionGapMs && time <= session.end + sessionGapMs))) {
      home = session;
      break;
    }
  }
  if (home === undefined) {
    home = newSession(id, time, valuesAt(row));
    sessions.push(home);
  } else if (time < home.start) {
    home.start = time;
    home.values = valuesAt(row);
  } else if (time > home.end) {
    home.end = time;
  }
  if (pageview === 1) home.pageviews++;
  else home.others++;
  home.changed = true;
  if (id === '' && sessions.length > 1) joinNeighbours(visitor, home);
}

/** The event may have closed the gap between two sessions: they become one. */
function joinNeighbours(visitor: Visitor, home: Session): void {
  for (let i = visitor.sessions.length - 1; i >= 0; i--) {
    const other = visitor.sessions[i]!;
    if (other === home || other.id !== '') continue;
    if (other.start - home.end > sessionGapMs || home.start - other.end > sessionGapMs) continue;
    if (other.start < home.start) {
      home.start = other.start;
      home.values = other.values;
    }
    home.end = Math.max(home.end, other.end);
    home.pageviews += other.pageviews;
    home.others += other.others;
    visitor.sessions.splice(i, 1);
    (visitor.joined ??= []).push(other);
  }
}

function forgetOldest(visitor: Visitor): void {
  const oldest = visitor.sessions.reduce((a, b) => (b.end < a.end ? b : a));
  visitor.sessions.splice(visitor.sessions.indexOf(oldest), 1);
}

/** One array for all calls: `emit` reads it before it returns. */
const counters = [0, 0, 0, 0];

function emitCounters(
  merchant: number,
  utcMs: number,
  bot: number,
  values: DimensionValues,
  emit: Emit,
  sign: number,
  session: Session,
): void {
  counters[0] = sign;
  counters[1] = sign * session.countedBounce;
  counters[2] = sign * session.countedDurationMs;
  counters[3] = sign * session.countedPageviews;
  emit(merchant, utcMs, bot, values, counters);
}

function takeBack(session: Session, merchant: number, bot: number, emit: Emit): void {
  if (session.countedValues === undefined) return;
  emitCounters(merchant, session.countedStart, bot, session.countedValues, emit, -1, session);
  session.countedValues = undefined;
}

function restate(session: Session, merchant: number, bot: number, emit: Emit): void {
  if (session.countedValues === session.values && session.countedStart === session.start) {
    // It began where it was counted: only the difference is counted.
    counters[0] = 0;
    counters[1] = bounceOf(session) - session.countedBounce;
    counters[2] = session.end - session.start - session.countedDurationMs;
    counters[3] = session.pageviews - session.countedPageviews;
    markCounted(session);
    if (counters[1] !== 0 || counters[2] !== 0 || counters[3] !== 0) emit(merchant, session.start, bot, session.values, counters);
    return;
  }
  takeBack(session, merchant, bot, emit);
  markCounted(session);
  emitCounters(merchant, session.start, bot, session.values, emit, 1, session);
}

/** The dimension values of a row; rows of equal values share one array. */
function dimensionReader(inputs: ReducerInputs): (row: number) => DimensionValues {
  const { dimensions } = inputs;
  const known = new Map<number, DimensionValues>();
  return (row) => {
    let key = 0;
    for (const { values, codes } of dimensions) key = key * values.length + codes[row]!;
    let read = known.get(key);
    if (read === undefined) {
      read = dimensions.map(({ values, codes }) => values[codes[row]!]);
      known.set(key, read);
    }
    return read;
  };
}
