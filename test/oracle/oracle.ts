import type { AcceptedEvent } from '../../src/domain/columns';
import type { Item } from '../../src/protocol/event';
import { countCommerce, countItems, ordersAmong, type CommerceCounts, type ItemCounts, type Orders } from './commerce';
import {
  acquisitionDimensions,
  eventValue,
  itemValue,
  sessionDimensions,
  sessionValue,
  type AcquisitionDimension,
  type EventDimension,
  type ItemDimension,
  type SessionDimension,
} from './dimensions';
import { areWanted, eventsThatCount, matches, withoutDuplicates, type Bots, type Merchant } from './events';
import { amountOf, totalOf, type Money } from './money';
import { countSessions, sessionsOf, startOf, type Session, type SessionCounts } from './sessions';

export { withoutDuplicates };

/**
 * A naive count over raw events, written from docs/metrics.md and sharing no code with projections/ (but for the tables of
 * acquisition.ts): whatever the product stores and answers must equal it. Where both disagree, test/oracle/oracle.spec.ts, counted by
 * hand, says who is right.
 */
export interface Shop {
  readonly merchant: Merchant;
  /** Those that count, in the order of the log, bots among them. */
  readonly events: readonly AcceptedEvent[];
  readonly orders: Orders;
  readonly sessions: readonly Session[];
}

export function readShop(log: readonly AcceptedEvent[], merchant: Merchant): Shop {
  const events = eventsThatCount(log, merchant);
  return { merchant, events, orders: ordersAmong(events), sessions: sessionsOf(events, merchant) };
}

export interface Asked {
  /** Epoch ms; from <= t < to. */
  readonly from: number;
  readonly to: number;
  readonly bots: Bots;
}

export interface Counts extends CommerceCounts, Omit<SessionCounts, 'pageviews'> {
  events: number;
  pageviews: number;
  visitors: number;
  /** Page views in the sessions that are counted. */
  sessionPageviews: number;
  /** By goal id. */
  goals: Record<string, GoalCounts>;
}

export interface GoalCounts {
  completions: number;
  completers: number;
  value: Money;
}

export type Dimension = EventDimension | SessionDimension;
export interface DimensionValue {
  readonly name: Dimension;
  readonly value: string;
}

/** Every metric of a span of time, of all that happened or of one value of a dimension. */
export function countIn(shop: Shop, asked: Asked, dimension?: DimensionValue): Counts {
  if (dimension === undefined) return countsOf(shop, eventsIn(shop, asked), sessionsIn(shop, asked));
  return breakDown(shop, asked, dimension.name).get(dimension.value) ?? countsOf(shop, [], []);
}

/** By value, for every value that occurs. */
export function breakDown(shop: Shop, asked: Asked, dimension: Dimension): Map<string, Counts> {
  const groups = new Map<string, { events: AcceptedEvent[]; sessions: Session[] }>();
  const groupOf = (value: string) => {
    if (!groups.has(value)) groups.set(value, { events: [], sessions: [] });
    return groups.get(value)!;
  };
  if (isOfSessions(dimension)) {
    for (const session of sessionsIn(shop, asked)) {
      const group = groupOf(sessionValue(session, dimension));
      group.sessions.push(session);
      // By a session's own dimension everything counts that happened in it, in the bucket where it began.
      if (isOfAcquisition(dimension)) group.events.push(...session.events);
    }
  }
  if (!isOfAcquisition(dimension)) {
    for (const event of eventsIn(shop, asked)) {
      const value = eventValue(event, dimension);
      if (value !== undefined) groupOf(value).events.push(event);
    }
  }
  return new Map([...groups].map(([value, { events, sessions }]) => [value, countsOf(shop, events, sessions)]));
}

function eventsIn(shop: Shop, { from, to, bots }: Asked): AcceptedEvent[] {
  return shop.events.filter((event) => event.time >= from && event.time < to && areWanted(event, bots));
}

/** "A session counts in the bucket in which its first event lies." */
function sessionsIn(shop: Shop, { from, to, bots }: Asked): Session[] {
  return shop.sessions.filter((session) => startOf(session) >= from && startOf(session) < to && areWanted(session.events[0]!, bots));
}

/** Every metric of some of a shop's events and sessions. */
export function countsOf(shop: Shop, events: readonly AcceptedEvent[], sessions: readonly Session[]): Counts {
  const goals = shop.merchant.definitions?.goals ?? [];
  const { pageviews: sessionPageviews, ...ofSessions } = countSessions(sessions, goals);
  return {
    events: events.length,
    pageviews: events.filter((event) => event.name === 'page_view').length,
    visitors: visitorsOf(events),
    ...ofSessions,
    sessionPageviews,
    ...countCommerce(events, shop.orders),
    goals: Object.fromEntries(goals.map((goal) => [goal.goalId, countGoal(events.filter((event) => matches(event, goal)))])),
  };
}

function countGoal(completions: readonly AcceptedEvent[]): GoalCounts {
  return {
    completions: completions.length,
    completers: visitorsOf(completions),
    value: totalOf(completions.map((event) => amountOf(event, [{ price: event.value, quantity: 1 }]))),
  };
}

/** Ids: where bots are counted with humans, one who is both counts once. */
const visitorsOf = (events: readonly AcceptedEvent[]): number => new Set(events.map((event) => event.visitorId)).size;

export function breakDownItems(shop: Shop, asked: Asked, dimension: ItemDimension): Map<string, ItemCounts> {
  const events = eventsIn(shop, asked);
  const values = new Set(events.flatMap((event) => (event.items ?? []).map((item) => itemValue(item, dimension))));
  const found = [...values].filter((value) => value !== undefined);
  const countsOfValue = (value: string): ItemCounts =>
    countItems(events, shop.orders, (item: Item) => itemValue(item, dimension) === value);
  return new Map(found.map((value) => [value, countsOfValue(value)]));
}

const isOfAcquisition = (name: Dimension): name is AcquisitionDimension => (acquisitionDimensions as readonly string[]).includes(name);
const isOfSessions = (name: Dimension): name is SessionDimension =>
  isOfAcquisition(name) || (sessionDimensions as readonly string[]).includes(name);

export interface Question extends Asked, Merchant {
  readonly dimension?: DimensionValue;
}

/** One question to a log. */
export function count(log: readonly AcceptedEvent[], question: Question): Counts {
  return countIn(readShop(log, question), question, question.dimension);
}

export { eventValue as dimensionValue };
