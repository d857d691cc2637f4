import type { Tally } from './kit/measures';

/** The numbers merchants ask for, and the measures each is made of. Reporting knows nothing else about projections. */
export interface MetricDefinition {
  /** Every stored measure it needs; the first one's projection names the metric's. */
  readonly needs: readonly MeasureRef[];
  readonly kind: 'count' | 'ratio' | 'seconds' | 'money';
  /** From the merged measures of a bucket or a range, by projection. Ratios are 0 where nothing was counted. */
  value(tallyOf: (projection: string) => Tally): MetricValue;
  /** Distinct measures it rests on: an answer says when one is estimated. */
  readonly distincts: readonly MeasureRef[];
  readonly dimensions: readonly DimensionName[];
}
export interface MeasureRef {
  readonly projection: string;
  readonly measure: string;
}
/** A number, or for `money` an amount in each currency. */
export type MetricValue = number | Money;
export interface Money {
  /** Minor units by currency (noCurrency: sent without one), a fraction where it is an average. */
  readonly amounts: ReadonlyMap<string, bigint>;
  /** The amounts are divided by this, rounded half up; 1 for sums. 0 gives 0. */
  readonly per: number;
}

export type DimensionName = 'page' | 'country' | 'device' | 'product';

/** Where each dimension is kept: family by projection. */
export const dimensions: { readonly [D in DimensionName]: { readonly [projection: string]: string } } = {
  page: { traffic: 'traffic.page' },
  country: { traffic: 'traffic.country', sessions: 'sessions.country', commerce: 'commerce.country' },
  device: { traffic: 'traffic.device', sessions: 'sessions.device', commerce: 'commerce.device' },
  product: { commerce: 'commerce.product' },
};

const everywhere: readonly DimensionName[] = ['page', 'country', 'device'];
const byVisitor: readonly DimensionName[] = ['country', 'device'];
const byProduct: readonly DimensionName[] = ['country', 'device', 'product'];

export const metrics = {
  pageviews: counter('traffic', 'pageviews', everywhere),
  events: counter('traffic', 'events', everywhere),
  visitors: distinct('traffic', 'visitors', everywhere),
  sessions: counter('sessions', 'sessions', byVisitor),
  bounces: counter('sessions', 'bounces', byVisitor),
  /** Bounces / sessions. */
  bounceRate: ratio(ref('sessions', 'bounces'), ref('sessions', 'sessions'), byVisitor),
  avgSessionSeconds: {
    needs: [ref('sessions', 'durationMs'), ref('sessions', 'sessions')],
    kind: 'seconds',
    value: (of) => quotient(of('sessions').counter('durationMs') / 1000, of('sessions').counter('sessions')),
    distincts: [],
    dimensions: byVisitor,
  },
  /** Page views / sessions. */
  viewsPerSession: ratio(ref('sessions', 'pageviews'), ref('sessions', 'sessions'), byVisitor),
  orders: counter('commerce', 'orders', byProduct),
  revenue: sumOfMoney('revenue', byProduct),
  refunds: sumOfMoney('refunds', byVisitor),
  /** Revenue / orders, in each currency of all orders. */
  averageOrderValue: {
    needs: [ref('commerce', 'revenue'), ref('commerce', 'orders')],
    kind: 'money',
    value: (of) => ({ amounts: of('commerce').money('revenue'), per: of('commerce').counter('orders') }),
    distincts: [],
    dimensions: byProduct,
  },
  itemsSold: counter('commerce', 'itemsSold', byProduct),
  /** Orders / sessions. */
  conversionRate: ratio(ref('commerce', 'orders'), ref('sessions', 'sessions'), byVisitor),
  addToCarts: counter('commerce', 'addToCarts', byProduct),
  checkouts: counter('commerce', 'checkouts', byVisitor),
  /** The share of visitors with a cart who did not buy: 1 - buyers / visitors who added to a cart, never below 0. */
  cartAbandonmentRate: {
    needs: [ref('commerce', 'cartVisitors'), ref('commerce', 'buyers')],
    kind: 'ratio',
    value: (of) => {
      const carts = of('commerce').distinct('cartVisitors').count;
      return carts === 0 ? 0 : Math.max(0, 1 - of('commerce').distinct('buyers').count / carts);
    },
    distincts: [ref('commerce', 'cartVisitors'), ref('commerce', 'buyers')],
    dimensions: byVisitor,
  },
} satisfies { [name: string]: MetricDefinition };

function ref(projection: string, measure: string): MeasureRef {
  return { projection, measure };
}

function counter(projection: string, measure: string, by: readonly DimensionName[]): MetricDefinition {
  return {
    needs: [ref(projection, measure)],
    kind: 'count',
    value: (of) => of(projection).counter(measure),
    distincts: [],
    dimensions: by,
  };
}

function distinct(projection: string, measure: string, by: readonly DimensionName[]): MetricDefinition {
  const needs = [ref(projection, measure)];
  return { needs, kind: 'count', value: (of) => of(projection).distinct(measure).count, distincts: needs, dimensions: by };
}

function ratio(over: MeasureRef, under: MeasureRef, by: readonly DimensionName[]): MetricDefinition {
  const value: MetricDefinition['value'] = (of) =>
    quotient(of(over.projection).counter(over.measure), of(under.projection).counter(under.measure));
  return { needs: [over, under], kind: 'ratio', value, distincts: [], dimensions: by };
}

function sumOfMoney(measure: string, by: readonly DimensionName[]): MetricDefinition {
  const value: MetricDefinition['value'] = (of) => ({ amounts: of('commerce').money(measure), per: 1 });
  return { needs: [ref('commerce', measure)], kind: 'money', value, distincts: [], dimensions: by };
}

function quotient(over: number, under: number): number {
  return under === 0 ? 0 : over / under;
}
