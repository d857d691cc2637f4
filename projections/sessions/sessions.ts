import type { HistoryProjection } from '../kit/history';
import { visits } from './history';
import { familiesOf, sessionTeller, type SessionDimensions, type SessionMeasures } from './session-cells';
import type { SessionFacts } from './session-facts';
import type { SessionChange } from './visits';

/** Counted of every session, whatever it is counted by. */
export const sessionCounters: { readonly [name: string]: (session: SessionFacts) => number } = {
  sessions: () => 1,
  bounces: ({ isBounce }) => (isBounce ? 1 : 0),
  engagedSessions: ({ isEngaged }) => (isEngaged ? 1 : 0),
  durationMs: ({ durationMs }) => durationMs,
  pageviews: ({ pageviews }) => pageviews,
  newVisitors: ({ isNew }) => (isNew ? 1 : 0),
};

const measures: SessionMeasures = { counters: sessionCounters, members: {}, money: {} };

const dimensions: SessionDimensions = {
  totals: true,
  ofOrigin: {
    country: ({ country }) => country,
    language: ({ language }) => language,
    device: ({ device }) => device,
    browser: ({ browser }) => browser,
    os: ({ os }) => os,
    screen: ({ screen }) => screen,
    hostname: ({ hostname }) => hostname,
  },
  ofSession: {},
};

/** Visits, counted where they begin. By where they come from and which pages they begin and end on, see acquisition. */
export const sessions: HistoryProjection<SessionChange> = {
  kind: 'history',
  name: 'sessions',
  version: 3,
  history: visits,
  families: familiesOf(dimensions, measures),
  tell: sessionTeller(dimensions, measures),
};
