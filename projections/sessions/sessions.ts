import type { HistoryProjection } from '../kit/history';
import { visits } from './history';
import type { Origin } from './origin-bytes';
import { familiesOf, sessionTeller, type SessionFamily, type SessionMeasures } from './session-cells';
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

const families: readonly SessionFamily[] = [
  { base: 'minute', dimension: '', keyOf: () => '' },
  {
    base: 'quarter',
    dimension: {
      country: ({ country }: Origin) => country,
      language: ({ language }: Origin) => language,
      device: ({ device }: Origin) => device,
      browser: ({ browser }: Origin) => browser,
      os: ({ os }: Origin) => os,
      screen: ({ screen }: Origin) => screen,
      hostname: ({ hostname }: Origin) => hostname,
    },
    keyOf: ({ origin }) => origin,
  },
];

/** Visits, counted where they begin. By where they come from and which pages they begin and end on, see acquisition. */
export const sessions: HistoryProjection<SessionChange> = {
  kind: 'history',
  name: 'sessions',
  version: 4,
  history: visits,
  families: familiesOf(families, measures),
  tell: sessionTeller(families, measures),
};
