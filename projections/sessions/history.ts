import type { History } from '../kit/history';
import { Visits, type SessionChange } from './visits';
import { readVisits, writeVisits } from './visits-bytes';

/** Visitors' sessions: what `sessions`, `acquisition` and `conversions` count. */
export const visits: History<Visits, SessionChange> = {
  name: 'visits-3',
  create: () => new Visits(),
  clear: (state) => state.clear(),
  add: (state, event) => state.add(event),
  settle: (state, visitor, emit) => state.settle(visitor.settings, emit),
  write: writeVisits,
  read: readVisits,
};
