import { byCoupon, byEvent, byHostname, byPage, byTitle, ofVisitors } from '../kit/dimensions';
import { count, distinctVisitors, money, type DeclaredProjection } from '../kit/projection';

/** What merchants want to happen: events that match their goals, by goal. */
export const goals: DeclaredProjection = {
  kind: 'declared',
  name: 'goals',
  version: 3,
  measures: {
    completions: count(),
    completers: distinctVisitors(),
    value: money((event, row) => event.numbers.value?.[row] ?? NaN),
  },
  totals: true,
  dimensions: {
    ...ofVisitors,
    page: byPage,
    title: byTitle,
    hostname: byHostname,
    event: byEvent,
    coupon: byCoupon,
    property: { field: 'properties' },
  },
  itemDimensions: {},
  labels: (definitions) => definitions.goals.map((goal) => ({ label: goal.goalId, match: goal })),
};
