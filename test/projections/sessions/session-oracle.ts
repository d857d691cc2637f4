import type { AcceptedEvent } from '../../../src/domain/columns';

/** One session as docs/metrics.md defines it, counted the slow way. */
export interface OracleSession {
  start: number;
  numbers: { [counter: string]: number };
  members: { [set: string]: boolean };
  /** `revenue USD` → minor units; those that are 0 left out. */
  money: { [measureAndCurrency: string]: number };
  values: { [dimension: string]: string };
  /** By goal id: how often it was completed in the session, and what for; goals that were not are left out. */
  goals: { [goalId: string]: { completions: number; money: { [measureAndCurrency: string]: number } } };
}

/** What the spec says of an url: the oracle knows nothing of how urls are read. */
export interface Told {
  campaign: string;
  page: string;
  hostname: string;
  values: { channel: string; source: string; medium: string; campaign: string; term: string; content: string; referrer: string };
}

export interface OracleOptions {
  midnight: boolean;
  dayOf(time: number): string;
  told(event: AcceptedEvent): Told;
  agent(userAgent: string | undefined): { device: string; browser: string; os: string };
  /** Ids of the goals it completes. */
  goalsOf(event: AcceptedEvent): string[];
}

const cents = (major: number | undefined): number => (major === undefined ? 0 : Math.round(major * 100));

/** @param log every event of one visitor, without duplicates, in order of the log */
export function sessionsOf(log: readonly AcceptedEvent[], options: OracleOptions): OracleSession[] {
  const events = log.map((event, position) => ({ event, position, sales: salesOf(event, log.slice(0, position)) }));
  events.sort((a, b) => a.event.time - b.event.time || a.position - b.position);
  const sessions: (typeof events)[] = [];
  const named = new Map<string, typeof events>();
  let open: typeof events = [];
  for (const entry of events) {
    const { sessionId, time } = entry.event;
    if (sessionId !== undefined) {
      named.set(sessionId, [...(named.get(sessionId) ?? []), entry]);
      continue;
    }
    const before = open.at(-1)?.event;
    const campaign = options.told(entry.event).campaign;
    const goesOn =
      before !== undefined &&
      time - before.time <= 30 * 60_000 &&
      (campaign === '' || campaign === options.told(open[0]!.event).campaign) &&
      !(options.midnight && options.dayOf(before.time) !== options.dayOf(time));
    if (!goesOn) sessions.push((open = []));
    open.push(entry);
  }
  return [...sessions, ...named.values()].map((session) => {
    const list = session.map(({ event }) => event);
    const first = list[0]!;
    const views = list.filter(({ name }) => name === 'page_view');
    const durationMs = list.at(-1)!.time - first.time;
    const sales = session.map((entry) => entry.sales);
    const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
    const engaged =
      views.length >= 2 || durationMs >= 10_000 || list.some((event) => event.name === 'purchase' || options.goalsOf(event).length > 0);
    const orders = sum(sales.map(({ orders }) => orders));
    const carts = list.filter(({ name }) => name === 'add_to_cart').length;
    const money: { [key: string]: number } = {};
    for (const { amounts } of sales) {
      for (const [key, amount] of Object.entries(amounts)) if (amount !== 0) money[key] = (money[key] ?? 0) + amount;
    }
    for (const key of Object.keys(money)) if (money[key] === 0) delete money[key];
    return {
      start: first.time,
      numbers: {
        sessions: 1,
        bounces: list.length === 1 && views.length === 1 ? 1 : 0,
        engagedSessions: engaged ? 1 : 0,
        durationMs,
        pageviews: views.length,
        newVisitors: session.includes(events[0]!) ? 1 : 0,
        events: list.length,
        orders,
        itemsSold: sum(sales.map(({ items }) => items)),
        addToCarts: carts,
        checkouts: list.filter(({ name }) => name === 'begin_checkout').length,
      },
      members: { visitors: true, buyers: orders > 0, cartVisitors: carts > 0 },
      money,
      values: {
        '': '',
        country: first.country ?? '(not set)',
        language: first.language ?? '(not set)',
        screen: first.screen ?? '(not set)',
        hostname: options.told(first).hostname,
        ...options.agent(first.userAgent),
        ...options.told(first).values,
        ...firstTouch(options.told(events[0]!.event).values),
        entryPage: views.length === 0 ? '(not set)' : options.told(views[0]!).page,
        exitPage: views.length === 0 ? '(not set)' : options.told(views.at(-1)!).page,
      },
      goals: completed(list, options),
    };
  });
}

function completed(list: readonly AcceptedEvent[], { goalsOf }: OracleOptions): OracleSession['goals'] {
  const goals: OracleSession['goals'] = {};
  for (const event of list) {
    for (const goalId of goalsOf(event)) {
      const goal = (goals[goalId] ??= { completions: 0, money: {} });
      goal.completions++;
      const key = `value ${event.currency ?? 'XXX'}`;
      // Amounts without a currency are kept with four digits.
      const minorUnits = Math.round((event.value ?? 0) * (event.currency === undefined ? 10_000 : 100));
      if (minorUnits !== 0) goal.money[key] = (goal.money[key] ?? 0) + minorUnits;
    }
  }
  return goals;
}

const firstTouch = (values: Told['values']): { [dimension: string]: string } =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`first${name[0]!.toUpperCase()}${name.slice(1)}`, value]));

/** Whether a purchase is an order: the first with its transactionId. */
export function isOrder(event: AcceptedEvent, before: readonly AcceptedEvent[]): boolean {
  if (event.name !== 'purchase') return false;
  return event.transactionId === undefined || !before.some((other) => isSameOrder(other, event));
}

/** The order a refund is of, where it stands before. */
export function orderOf(refund: AcceptedEvent, before: readonly AcceptedEvent[]): AcceptedEvent | undefined {
  return refund.transactionId === undefined ? undefined : before.find((other) => isSameOrder(other, refund));
}

const isSameOrder = (a: AcceptedEvent, b: AcceptedEvent): boolean =>
  a.name === 'purchase' && a.merchantId === b.merchantId && a.transactionId === b.transactionId;

export function amountOf(event: AcceptedEvent): number | undefined {
  if (event.value !== undefined) return event.value;
  const priced = (event.items ?? []).filter(({ price }) => price !== undefined);
  return priced.length === 0 ? undefined : priced.reduce((sum, { price, quantity }) => sum + price! * (quantity ?? 1), 0);
}

function salesOf(event: AcceptedEvent, before: AcceptedEvent[]): { orders: number; items: number; amounts: { [key: string]: number } } {
  const currency = event.currency ?? 'XXX';
  if (isOrder(event, before)) {
    return {
      orders: 1,
      items: (event.items ?? []).reduce((sum, { quantity }) => sum + (quantity ?? 1), 0),
      amounts: {
        [`revenue ${currency}`]: cents(amountOf(event)),
        [`tax ${currency}`]: cents(event.tax),
        [`shipping ${currency}`]: cents(event.shipping),
      },
    };
  }
  if (event.name !== 'refund') return { orders: 0, items: 0, amounts: {} };
  const own = amountOf(event);
  if (own !== undefined) return { orders: 0, items: 0, amounts: { [`refunds ${currency}`]: cents(own) } };
  const order = orderOf(event, before);
  return { orders: 0, items: 0, amounts: order === undefined ? {} : { [`refunds ${order.currency ?? 'XXX'}`]: cents(amountOf(order)) } };
}
