import type { HistoryProjection } from '../kit/history';
import { bySession } from './by-session';
import { visits } from '../sessions/history';
import { familiesOf, sessionTeller, type SessionMeasures } from '../sessions/session-cells';
import { sessionCounters } from '../sessions/sessions';
import type { SessionChange } from '../sessions/visits';

const measures: SessionMeasures = {
  counters: {
    ...sessionCounters,
    events: ({ events }) => events,
    itemsSold: ({ itemsSold }) => itemsSold,
    addToCarts: ({ addToCarts }) => addToCarts,
    checkouts: ({ checkouts }) => checkouts,
  },
  members: {
    visitors: () => true,
    buyers: ({ orders }) => orders > 0,
    cartVisitors: ({ addToCarts }) => addToCarts > 0,
  },
  money: {
    orders: ({ orders }) => orders,
    revenue: ({ revenue }) => revenue,
    tax: ({ tax }) => tax,
    shipping: ({ shipping }) => shipping,
    refunds: ({ refunds }) => refunds,
  },
};

/** Where visitors come from, where they enter and leave, and what comes of it. */
export const acquisition: HistoryProjection<SessionChange> = {
  kind: 'history',
  name: 'acquisition',
  version: 4,
  history: visits,
  families: familiesOf(bySession, measures),
  tell: sessionTeller(bySession, measures),
};
