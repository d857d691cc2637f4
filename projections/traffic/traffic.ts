import { count, distinctVisitors, named, type DeclaredProjection } from '../kit/projection';

/** How much happened, and how many caused it. */
export const traffic: DeclaredProjection = {
  kind: 'declared',
  name: 'traffic',
  version: 3,
  measures: {
    events: count(),
    pageviews: count(named('page_view')),
    visitors: distinctVisitors(),
  },
  totals: true,
  dimensions: {},
  itemDimensions: {},
};
