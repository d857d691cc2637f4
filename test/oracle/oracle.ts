import { isbot } from 'isbot';
import UAParser from 'ua-parser-js';
import type { AcceptedEvent } from '../../src/domain/columns';

/**
 * A naive count over raw events, written from the definitions of the metrics and sharing no code with projections/:
 * whatever the product stores must equal it.
 */
export interface Counts {
  events: number;
  pageviews: number;
  visitors: number;
  sessions: number;
  bounces: number;
  durationMs: number;
  sessionPageviews: number;
  orders: number;
  addToCarts: number;
  checkouts: number;
  itemsSold: number;
  /** Major units rounded to cents or the currency's minor unit, by currency. */
  revenue: Record<string, number>;
  refunds: Record<string, number>;
}

export interface Question {
  merchantId: string;
  /** Epoch ms; from <= t < to. */
  from: number;
  to: number;
  bots: 'exclude' | 'include' | 'only';
  dimension?: { name: 'page' | 'country' | 'device'; value: string };
}

interface Session {
  start: number;
  end: number;
  pageviews: number;
  others: number;
  first: AcceptedEvent;
}

/** The first of every (merchant, id) in log order. */
export function withoutDuplicates(log: readonly AcceptedEvent[]): AcceptedEvent[] {
  const seen = new Set<string>();
  return log.filter((event) => {
    const key = JSON.stringify([event.merchantId, event.id]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

export function count(log: readonly AcceptedEvent[], question: Question): Counts {
  const events = withoutDuplicates(log).filter((event) => event.merchantId === question.merchantId && wantedAgent(event, question.bots));
  const inRange = (time: number): boolean => time >= question.from && time < question.to;
  const here = events.filter((event) => inRange(event.time) && matches(event, question.dimension));
  const sessions = sessionsOf(events).filter((session) => inRange(session.start) && matches(session.first, question.dimension));
  const named = (name: string): AcceptedEvent[] => here.filter((event) => event.name === name);
  const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  return {
    events: here.length,
    pageviews: named('page_view').length,
    visitors: new Set(here.map((event) => event.visitorId)).size,
    sessions: sessions.length,
    bounces: sessions.filter((session) => session.pageviews === 1 && session.others === 0).length,
    durationMs: total(sessions.map((session) => session.end - session.start)),
    sessionPageviews: total(sessions.map((session) => session.pageviews)),
    orders: named('purchase').length,
    addToCarts: named('add_to_cart').length,
    checkouts: named('begin_checkout').length,
    itemsSold: total(named('purchase').flatMap((event) => (event.items ?? []).map((item) => Math.round(item.quantity ?? 1)))),
    revenue: amounts(named('purchase')),
    refunds: amounts(named('refund')),
  };
}

/** Sorted by time, cut where the visitor paused for more than half an hour; events with a session id of their own apart. */
function sessionsOf(events: readonly AcceptedEvent[]): Session[] {
  const groups = new Map<string, AcceptedEvent[]>();
  for (const event of events) {
    const key = JSON.stringify([event.visitorId, event.sessionId ?? null, isbot(event.userAgent ?? '')]);
    groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  const sessions: Session[] = [];
  for (const group of groups.values()) {
    let open: Session | undefined;
    // A stable sort: of events at the same instant, the first in the log is the first.
    for (const event of [...group].sort((a, b) => a.time - b.time)) {
      if (open === undefined || (event.sessionId === undefined && event.time - open.end > 1_800_000)) {
        open = { start: event.time, end: event.time, pageviews: 0, others: 0, first: event };
        sessions.push(open);
      }
      open.end = event.time;
      if (event.name === 'page_view') open.pageviews++;
      else open.others++;
    }
  }
  return sessions;
}

function matches(event: AcceptedEvent, dimension: Question['dimension']): boolean {
  if (dimension === undefined) return true;
  return dimensionValue(event, dimension.name) === dimension.value;
}

export function dimensionValue(event: AcceptedEvent, name: 'page' | 'country' | 'device'): string | undefined {
  switch (name) {
    case 'page':
      return event.url === undefined ? undefined : new URL(event.url, 'http://none').pathname;
    case 'country':
      return event.country ?? '(not set)';
    case 'device':
      return event.userAgent === undefined ? '(not set)' : (deviceOf(event.userAgent));
  }
}

const devices = new Map<string, string>();
function deviceOf(userAgent: string): string {
  if (!devices.has(userAgent)) devices.set(userAgent, new UAParser(userAgent).getDevice().type ?? 'desktop');
  return devices.get(userAgent)!;
}

function wantedAgent(event: AcceptedEvent, bots: Question['bots']): boolean {
  if (bots === 'include') return true;
  return isbot(event.userAgent ?? '') === (bots === 'only');
}

const places: Record<string, number> = { JPY: 0, KWD: 3, XXX: 4 };

function amounts(events: readonly AcceptedEvent[]): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const event of events) {
    const priced = (event.items ?? []).filter((item) => item.price !== undefined);
    const fromItems = priced.length === 0 ? undefined : priced.reduce((sum, item) => sum + item.price! * Math.round(item.quantity ?? 1), 0);
    const amount = event.value ?? fromItems;
    if (amount === undefined) continue;
    const currency = event.currency ?? 'XXX';
    totals[currency] = (totals[currency] ?? 0) + Math.round(Number((amount * 10 ** (places[currency] ?? 2)).toFixed(6)));
  }
  return totals;
}
