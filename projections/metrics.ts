import { firstTouchDimensions, touchDimensions } from './acquisition/touch-dimensions';
import type { Granularity } from './kit/projection';

/**
 * The numbers merchants ask for: the measures each is made of, and where those are kept in total and by each dimension.
 * Reporting knows nothing else about projections. What a number means is said in docs/metrics.md.
 */

export const dimensionNames = [
  'page',
  'entryPage',
  'exitPage',
  'hostname',
  'title',
  'event',
  'referrer',
  'channel',
  'source',
  'medium',
  'campaign',
  'term',
  'content',
  ...firstTouchDimensions,
  'country',
  'language',
  'device',
  'browser',
  'os',
  'screen',
  'product',
  'category',
  'brand',
  'coupon',
  'property',
] as const;
export type DimensionName = (typeof dimensionNames)[number];

export interface Dimension {
  readonly name: DimensionName;
  /** Of `property`: which one. */
  readonly property?: string;
}

/** Documents that hold the same measures: totals under the projection's name, values of a dimension under `${projection}.${dimension}`. */
interface Collection {
  readonly projection: string;
  /** The finest granularity of its totals; undefined where it has none. */
  readonly totals?: Granularity;
  readonly by: readonly DimensionName[];
}

const ofVisitors = ['country', 'language', 'device', 'browser', 'os', 'screen'] as const;
const ofContent = ['page', 'title', 'hostname', 'event', 'property'] as const;
const ofSessions = ['entryPage', 'exitPage', ...touchDimensions, ...firstTouchDimensions] as const;

const traffic: Collection = { projection: 'traffic', totals: 'minute', by: [] };
const audience: Collection = { projection: 'audience', by: ofVisitors };
const content: Collection = { projection: 'content', by: ofContent };
const sessions: Collection = { projection: 'sessions', totals: 'minute', by: [...ofVisitors, 'hostname'] };
const acquisition: Collection = { projection: 'acquisition', by: ofSessions };
const commerce: Collection = { projection: 'commerce', totals: 'minute', by: [...ofVisitors, 'page', 'hostname', 'coupon'] };
const items: Collection = { projection: 'commerce', by: ['product', 'category', 'brand'] };
const goals: Collection = { projection: 'goals', totals: 'minute', by: [...ofVisitors, ...ofContent, 'coupon'] };

/** By page and minute at once, of the last hour. */
const live: Collection = { projection: 'live', by: ['page'] };

const conversions: Collection = { projection: 'conversions', by: ofSessions };
const reached = [goals, conversions];

/** What documents store under one name, in the first of its collections that keeps it by the dimension asked for. */
export interface Measure {
  readonly kind: 'counter' | 'distinct' | 'money' | 'countByCurrency';
  readonly name: string;
  readonly keptIn: readonly Collection[];
  /** Of this goal alone. */
  readonly goalId?: string;
  /** In total it is what another measure has under one value of a dimension. */
  readonly totals?: { readonly of: Measure; readonly by: DimensionName; readonly value: string };
}

export interface Place {
  readonly projection: string;
  readonly family: string;
  /** Under which the measure is stored there. */
  readonly name: string;
  /** Finer documents there are none. */
  readonly finest: Granularity;
  /** What stored values begin with, before the value of the dimension; in totals all of it. */
  readonly prefix: string;
  /** Of totals by label: whose. Minutes have documents of each. */
  readonly label?: string;
}

/** Undefined where the measure is not counted by that dimension. */
export function placeOf(measure: Measure, by: Dimension | undefined): Place | undefined {
  const { name, keptIn, goalId, totals } = measure;
  if (by === undefined && totals !== undefined) {
    const place = placeOf(totals.of, { name: totals.by });
    return place && { ...place, prefix: place.prefix + totals.value };
  }
  if (by === undefined) {
    const kept = keptIn.find((collection) => collection.totals !== undefined);
    if (kept === undefined) return undefined;
    const { projection } = kept;
    const place = { projection, family: projection, name, finest: kept.totals!, prefix: goalId ?? '' };
    return goalId === undefined ? place : { ...place, label: goalId };
  }
  const kept = keptIn.find((collection) => collection.by.includes(by.name));
  const ofGoal = goalId === undefined ? '' : `${goalId}|`;
  const ofProperty = by.property === undefined ? '' : `${by.property}=`;
  return (
    kept && { projection: kept.projection, family: `${kept.projection}.${by.name}`, name, finest: 'hour', prefix: ofGoal + ofProperty }
  );
}

/** Where a measure of traffic is kept by minutes of the last hour and a dimension at once. */
export function recentPlaceOf({ name, keptIn }: Measure, by: Dimension | undefined): Place | undefined {
  if (by === undefined || !keptIn.includes(content) || !live.by.includes(by.name)) return undefined;
  return { projection: live.projection, family: `${live.projection}.${by.name}`, name, finest: 'minute', prefix: '' };
}

/** How a number is made of measures. Quotients are 0 where nothing was counted. */
export type MetricDefinition =
  | { readonly shown: 'count'; readonly of: Measure }
  /** of / per. */
  | { readonly shown: 'ratio'; readonly of: Measure; readonly per: Measure }
  /** 1 - of / per, never below 0. */
  | { readonly shown: 'missing'; readonly of: Measure; readonly per: Measure }
  /** Milliseconds / per, in seconds. */
  | { readonly shown: 'seconds'; readonly of: Measure; readonly per: Measure }
  /** By currency; divided by what `per` counts in the same currency where that is given. */
  | { readonly shown: 'money'; readonly of: Measure; readonly per?: Measure };

/** Names of what a projection counts by currency: numbers of events, where its other numbers by currency are amounts. */
export function countedByCurrency(projection: string): ReadonlySet<string> {
  const isCounted = ({ kind, keptIn }: Measure): boolean =>
    kind === 'countByCurrency' && keptIn.some((collection) => collection.projection === projection);
  return new Set(
    Object.values(metrics).flatMap((metric) =>
      measuresOf(metric)
        .filter(isCounted)
        .map(({ name }) => name),
    ),
  );
}

export const measuresOf = (metric: MetricDefinition): readonly Measure[] =>
  'per' in metric && metric.per !== undefined ? [metric.of, metric.per] : [metric.of];

const happened = [traffic, audience, content, acquisition];
const visited = [sessions, acquisition];
const sold = [commerce, acquisition];
const soldByItem = [commerce, items, acquisition];

const counter = (name: string, keptIn: readonly Collection[]): Measure => ({ kind: 'counter', name, keptIn });
const distinct = (name: string, keptIn: readonly Collection[]): Measure => ({ kind: 'distinct', name, keptIn });
const money = (name: string, keptIn: readonly Collection[]): Measure => ({ kind: 'money', name, keptIn });

const sessionsBegun = counter('sessions', visited);
const bounces = counter('bounces', visited);
const engagedSessions = counter('engagedSessions', visited);
const events = counter('events', happened);
const views: Measure = { ...counter('views', [items]), totals: { of: events, by: 'event', value: 'view_item' } };
const orders: Measure = { kind: 'countByCurrency', name: 'orders', keptIn: soldByItem };
const revenue = money('revenue', soldByItem);

export const metrics: { readonly [name: string]: MetricDefinition } = {
  pageviews: { shown: 'count', of: counter('pageviews', happened) },
  events: { shown: 'count', of: events },
  visitors: { shown: 'count', of: distinct('visitors', happened) },
  newVisitors: { shown: 'count', of: counter('newVisitors', visited) },
  sessions: { shown: 'count', of: sessionsBegun },
  bounces: { shown: 'count', of: bounces },
  bounceRate: { shown: 'ratio', of: bounces, per: sessionsBegun },
  engagedSessions: { shown: 'count', of: engagedSessions },
  engagementRate: { shown: 'ratio', of: engagedSessions, per: sessionsBegun },
  avgSessionSeconds: { shown: 'seconds', of: counter('durationMs', visited), per: sessionsBegun },
  viewsPerSession: { shown: 'ratio', of: counter('pageviews', visited), per: sessionsBegun },
  orders: { shown: 'count', of: orders },
  revenue: { shown: 'money', of: revenue },
  tax: { shown: 'money', of: money('tax', sold) },
  shipping: { shown: 'money', of: money('shipping', sold) },
  refunds: { shown: 'money', of: money('refunds', sold) },
  averageOrderValue: { shown: 'money', of: revenue, per: orders },
  itemsSold: { shown: 'count', of: counter('itemsSold', soldByItem) },
  conversionRate: { shown: 'ratio', of: orders, per: sessionsBegun },
  productViews: { shown: 'count', of: views },
  addToCarts: { shown: 'count', of: counter('addToCarts', soldByItem) },
  checkouts: { shown: 'count', of: counter('checkouts', sold) },
  /** Of the visitors who added to a cart, the share who did not buy. */
  cartAbandonmentRate: { shown: 'missing', of: distinct('buyers', sold), per: distinct('cartVisitors', sold) },
};

/** `goal:signup`: metrics that merchants define, by what is before the colon. */
export const goalMetrics: { readonly [kind: string]: (goalId: string) => MetricDefinition } = {
  goal: (goalId) => ({ shown: 'count', of: { ...counter('completions', reached), goalId } }),
  goalVisitors: (goalId) => ({ shown: 'count', of: { ...distinct('completers', reached), goalId } }),
  goalValue: (goalId) => ({ shown: 'money', of: { ...money('value', reached), goalId } }),
};
