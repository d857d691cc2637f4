import type { HistoryProjection } from '../kit/history';
import { visits } from '../sessions/history';
import { familiesOf, sessionTeller, type SessionDimensions, type SessionMeasures } from '../sessions/session-cells';
import { sessionCounters } from '../sessions/sessions';
import type { SessionChange } from '../sessions/visits';

const measures: SessionMeasures = {
  counters: {
    ...sessionCounters,
    events: ({ events }) => events,
    orders: ({ orders }) => orders,
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
    revenue: ({ revenue }) => revenue,
    tax: ({ tax }) => tax,
    shipping: ({ shipping }) => shipping,
    refunds: ({ refunds }) => refunds,
  },
};

const dimensions: SessionDimensions = {
  totals: false,
  ofOrigin: {
    channel: ({ touch }) => touch.channel,
    source: ({ touch }) => touch.source,
    medium: ({ touch }) => touch.medium,
    campaign: ({ touch }) => touch.campaign,
    term: ({ touch }) => touch.term,
    content: ({ touch }) => touch.content,
    referrer: ({ touch }) => touch.referrer,
  },
  ofSession: {
    entryPage: ({ entryPage }) => entryPage,
    exitPage: ({ exitPage }) => exitPage,
  },
};

/** Where visitors come from, where they enter and leave, and what comes of it. */
export const acquisition: HistoryProjection<SessionChange> = {
  kind: 'history',
  name: 'acquisition',
  version: 2,
  history: visits,
  families: familiesOf(dimensions, measures),
  tell: sessionTeller(dimensions, measures),
};
