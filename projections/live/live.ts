import { byPage } from '../kit/dimensions';
import type { DeclaredProjection } from '../kit/projection';
import { traffic } from '../traffic/traffic';

const { pageviews, visitors } = traffic.measures;

/** Where they are now: the pages of the last minutes. */
export const live: DeclaredProjection = {
  kind: 'declared',
  name: 'live',
  version: 2,
  measures: { pageviews: pageviews!, visitors: visitors! },
  totals: false,
  dimensions: { page: byPage },
  recent: true,
  itemDimensions: {},
};
