import { byCountry, byDevice } from '../kit/dimensions';
import type { ReducedProjection } from '../kit/projection';
import { SessionReducer } from './session-reducer';

/** Visits: runs of a visitor's events without a gap of more than 30 minutes, counted where they begin. */
export const sessions: ReducedProjection = {
  kind: 'reduced',
  name: 'sessions',
  version: 2,
  measures: ['sessions', 'bounces', 'durationMs', 'pageviews'],
  dimensions: { country: byCountry, device: byDevice },
  createReducer: () => new SessionReducer(),
};
