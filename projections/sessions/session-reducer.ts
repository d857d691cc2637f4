import { hash64 } from '../../src/domain/hash64';
import type { Lens } from '../kit/gathering';
import type { Emit, Reducer, ReducerInputs } from '../kit/reducer';
import { counted, type Session, type Visitor } from './session';
import { decodeVisitors, encodeVisitors } from './session-state';

export const sessionGapMs = 30 * 60_000;
/** Visitors of a partition whose sessions can still be restated; the least recently active are forgotten first. */
export const visitorsMax = 65_536;
export const sessionsPerVisitorMax = 32;

export class SessionReducer implements Reducer {
  /** In order of last activity in the log. */
  private readonly visitors = new Map<string, Visitor>();
  private touches: Visitor[] = [];
  private block = 0;

  constructor(private readonly limits = { visitorsMax, sessionsPerVisitorMax }) {}

  fold(lens: Lens, inputs: ReducerInputs, emit: Emit): void {
    this.block++;
    const active = this.gather(lens, inputs);
    for (const { visitor, merchant, bot } of active) {
      for (const session of visitor.joined) takeBack(session, merchant, bot, emit);
      visitor.joined = [];
      for (const session of visitor.sessions) restate(session, merchant, bot, emit);
      // What a forgotten session counted stays counted: forgetting comes after restating.
      while (visitor.sessions.length > this.limits.sessionsPerVisitorMax) forgetOldest(visitor);
    }
    this.forget();
  }

  take(): Uint8Array | undefined {
    const touched = this.touches.filter((visitor, i) => visitor.touch === i && this.visitors.get(visitor.key) === visitor);
    this.touches = [];
    return touched.length === 0 ? undefined : encodeVisitors(touched);
  }

  snapshot(): Uint8Array {
    return encodeVisitors([...this.visitors.values()]);
  }

  restore(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      for (const visitor of decodeVisitors(part)) {
        this.visitors.delete(visitor.key);
        this.visitors.set(visitor.key, visitor);
      }
      this.forget();
    }
  }

  /** Adds the block's events to their sessions; gives the visitors touched, in order of first touch. */
  private gather(lens: Lens, inputs: ReducerInputs): { visitor: Visitor; merchant: number; bot: number }[] {
    const { columns, rows, merchants, bots } = lens;
    const { name, visitorId, sessionId } = columns.text;
    const isPageview = Uint8Array.from(name.values, (value) => (value === 'page_view' ? 1 : 0));
    const active: { visitor: Visitor; merchant: number; bot: number }[] = [];
    // A visitor id nearly always belongs to one merchant and one agent: look the visitor up once a block, not once an event.
    const byCode: { visitor: Visitor; merchant: number; bot: number }[] = new Array(visitorId.values.length);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const code = visitorId.codes[row]!;
      const merchant = merchants[row]!;
      const bot = bots[row]!;
      let found = byCode[code];
      if (found === undefined || found.merchant !== merchant || found.bot !== bot) {
        const visitor = this.visitorOf(inputs.merchantIds[merchant]!, visitorId.values[code]!, bot);
        found = byCode[code] = { visitor, merchant, bot };
        if (visitor.block !== this.block) {
          visitor.block = this.block;
          visitor.touch = this.touches.push(visitor) - 1;
          active.push(found);
        }
      }
      const id = sessionId.values[sessionId.codes[row]!]!;
      this.add(found.visitor, id, columns.times[row]!, isPageview[name.codes[row]!]!, row, inputs);
    }
    return active;
  }

  private visitorOf(merchantId: string, visitorId: string, bot: number): Visitor {
    const key = visitorKey(merchantId, visitorId, bot);
    let visitor = this.visitors.get(key);
    if (visitor === undefined) visitor = { key, sessions: [], joined: [], block: 0, touch: 0 };
    else if (visitor.block === this.block) return visitor;
    else this.visitors.delete(key);
    this.visitors.set(key, visitor);
    return visitor;
  }

  private add(visitor: Visitor, id: string, time: number, pageview: number, row: number, inputs: ReducerInputs): void {
    let home: Session | undefined;
    for (const session of visitor.sessions) {
      if (session.id === id && (id !== '' || (time >= session.start - sessionGapMs && time <= session.end + sessionGapMs))) {
        home = session;
        break;
      }
    }
    if (home === undefined) {
      home = { id, start: time, end: time, pageviews: 0, others: 0, values: valuesAt(inputs, row), counted: undefined };
      visitor.sessions.push(home);
    } else if (time < home.start) {
      home.start = time;
      home.values = valuesAt(inputs, row);
    } else if (time > home.end) {
      home.end = time;
    }
    if (pageview === 1) home.pageviews++;
    else home.others++;
    if (id === '' && visitor.sessions.length > 1) joinNeighbours(visitor, home);
  }

  private forget(): void {
    for (const key of this.visitors.keys()) {
      if (this.visitors.size <= this.limits.visitorsMax) return;
      this.visitors.delete(key);
    }
  }
}

function valuesAt(inputs: ReducerInputs, row: number): (string | undefined)[] {
  return inputs.dimensions.map(({ values, codes }) => values[codes[row]!]);
}

/** The event may have closed the gap between two sessions: they become one. */
function joinNeighbours(visitor: Visitor, home: Session): void {
  for (const other of visitor.sessions.slice()) {
    if (other === home || other.id !== '') continue;
    if (other.start - home.end > sessionGapMs || home.start - other.end > sessionGapMs) continue;
    if (other.start < home.start) {
      home.start = other.start;
      home.values = other.values;
    }
    home.end = Math.max(home.end, other.end);
    home.pageviews += other.pageviews;
    home.others += other.others;
    visitor.sessions.splice(visitor.sessions.indexOf(other), 1);
    visitor.joined.push(other);
  }
}

function forgetOldest(visitor: Visitor): void {
  const oldest = visitor.sessions.reduce((a, b) => (b.end < a.end ? b : a));
  visitor.sessions.splice(visitor.sessions.indexOf(oldest), 1);
}

function takeBack(session: Session, merchant: number, bot: number, emit: Emit): void {
  const { counted } = session;
  if (counted === undefined) return;
  emit(merchant, counted.start, bot, counted.values, [-1, -counted.bounce, -counted.durationMs, -counted.pageviews]);
  session.counted = undefined;
}

function restate(session: Session, merchant: number, bot: number, emit: Emit): void {
  const before = session.counted;
  const now = counted(session);
  if (before !== undefined && before.start === now.start && before.values === now.values) {
    const change = [0, now.bounce - before.bounce, now.durationMs - before.durationMs, now.pageviews - before.pageviews];
    if (change.some((by) => by !== 0)) emit(merchant, now.start, bot, now.values, change);
  } else {
    takeBack(session, merchant, bot, emit);
    emit(merchant, now.start, bot, now.values, [1, now.bounce, now.durationMs, now.pageviews]);
  }
  session.counted = now;
}

const hi = new Uint32Array(2);
const lo = new Uint32Array(2);

/** 64-bit hashes of merchant and visitor, and the bot flag: of fixed size, and no id in the state. */
function visitorKey(merchantId: string, visitorId: string, bot: number): string {
  hash64(merchantId, hi, lo, 0);
  hash64(visitorId, hi, lo, 1);
  return `${base36(hi[0]!)}${base36(lo[0]!)}${base36(hi[1]!)}${base36(lo[1]!)}${bot}`;
}

const base36 = (n: number): string => n.toString(36).padStart(7, '0');
