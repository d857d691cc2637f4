import { ofVisitors } from '../kit/dimensions';
import type { DeclaredProjection } from '../kit/projection';
import { traffic } from '../traffic/traffic';

/** Who they are: traffic by what is known of a visitor. */
export const audience: DeclaredProjection = {
  kind: 'declared',
  name: 'audience',
  version: 2,
  measures: traffic.measures,
  totals: false,
  dimensions: ofVisitors,
  itemDimensions: {},
};
