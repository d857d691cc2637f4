import { byEvent, byHostname, byPage, byTitle } from '../kit/dimensions';
import type { DeclaredProjection } from '../kit/projection';
import { traffic } from '../traffic/traffic';

/** What they did and where: traffic by what an event says of itself. */
export const content: DeclaredProjection = {
  kind: 'declared',
  name: 'content',
  version: 2,
  measures: traffic.measures,
  totals: false,
  dimensions: { page: byPage, title: byTitle, hostname: byHostname, event: byEvent, property: { field: 'properties' } },
  itemDimensions: {},
};
