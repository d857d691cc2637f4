import type { StoredDoc } from '../../projections/kit/document';
import { Tally } from '../../projections/kit/measures';
import { acquisitionDimensions, itemDimensions, visitorDimensions, type EventDimension, type ItemDimension } from '../oracle/dimensions';
import type { Bots } from '../oracle/events';
import type { Money } from '../oracle/money';
import { breakDown, breakDownItems, countIn, type Asked, type Counts, type Dimension, type GoalCounts, type Shop } from '../oracle/oracle';
import type { ItemCounts } from '../oracle/commerce';

/** Numbers of one dimension value by measure, some by currency, without zeros: documents keep those of what was taken back. */
export type Row = Record<string, number | Money>;
/** By dimension value as stored; without rows in which nothing counts. */
export type Table = Record<string, Row>;

/** What a family of documents must hold: measures as stored, each with what the oracle counts. */
export interface Family {
  readonly name: string;
  /** Whether totals are kept by minute, or by minute and goal. */
  readonly byMinute: boolean | 'goal';
  readonly measures: readonly string[];
  expected(oracle: Tables): Table;
}

/** The oracle's answers about one span of time, each asked for once. */
export class Tables {
  private readonly byDimension = new Map<Dimension, Map<string, Counts>>();

  constructor(
    readonly shop: Shop,
    private readonly asked: Asked,
  ) {}

  totals(): Counts {
    return countIn(this.shop, this.asked);
  }

  by(dimension: Dimension): Map<string, Counts> {
    let table = this.byDimension.get(dimension);
    if (table === undefined) this.byDimension.set(dimension, (table = breakDown(this.shop, this.asked, dimension)));
    return table;
  }

  byItem(dimension: ItemDimension): Map<string, ItemCounts> {
    return breakDownItems(this.shop, this.asked, dimension);
  }
}

type Columns<C> = Readonly<Record<string, (counts: C) => number | Money>>;

const ofTraffic: Columns<Counts> = {
  events: (of) => of.events,
  pageviews: (of) => of.pageviews,
  visitors: (of) => of.visitors,
};
const ofSessions: Columns<Counts> = {
  sessions: (of) => of.sessions,
  bounces: (of) => of.bounces,
  engagedSessions: (of) => of.engagedSessions,
  durationMs: (of) => of.durationMs,
  pageviews: (of) => of.sessionPageviews,
  newVisitors: (of) => of.newVisitors,
};
const ofCommerce: Columns<Counts> = {
  orders: (of) => of.ordersByCurrency,
  addToCarts: (of) => of.addToCarts,
  checkouts: (of) => of.checkouts,
  itemsSold: (of) => of.itemsSold,
  cartVisitors: (of) => of.cartVisitors,
  buyers: (of) => of.buyers,
  revenue: (of) => of.revenue,
  refunds: (of) => of.refunds,
  tax: (of) => of.tax,
  shipping: (of) => of.shipping,
};
/** Page views are those of the sessions, which by a session's own dimension are the same. */
const ofAcquisition: Columns<Counts> = { ...ofTraffic, ...ofCommerce, ...ofSessions };
const ofItems: Columns<ItemCounts> = {
  views: (of) => of.views,
  addToCarts: (of) => of.addToCarts,
  orders: (of) => of.ordersByCurrency,
  itemsSold: (of) => of.itemsSold,
  revenue: (of) => of.revenue,
};
const ofGoals: Columns<GoalCounts> = {
  completions: (of) => of.completions,
  completers: (of) => of.completers,
  value: (of) => of.value,
};

const commerceDimensions: readonly EventDimension[] = [...visitorDimensions, 'page', 'hostname', 'coupon'];
const goalDimensions: readonly EventDimension[] = [...visitorDimensions, 'page', 'title', 'hostname', 'event', 'coupon'];

export const families: readonly Family[] = [
  totals('traffic', ofTraffic),
  ...visitorDimensions.map((dimension) => by('audience', dimension, ofTraffic)),
  ...(['page', 'title', 'hostname', 'event'] as const).map((dimension) => by('content', dimension, ofTraffic)),
  {
    name: 'content.property',
    byMinute: false,
    measures: Object.keys(ofTraffic),
    expected: (oracle) =>
      tableOf(
        namesOfProperties(oracle.shop).flatMap((name) =>
          [...oracle.by(`property:${name}`)].map(([value, counts]) => [`${name}=${value}`, counts] as const),
        ),
        ofTraffic,
      ),
  },
  totals('sessions', ofSessions),
  ...[...visitorDimensions, 'hostname' as const].map((dimension) => by('sessions', dimension, ofSessions)),
  ...acquisitionDimensions.map((dimension) => by('acquisition', dimension, ofAcquisition)),
  totals('commerce', ofCommerce),
  ...commerceDimensions.map((dimension) => by('commerce', dimension, ofCommerce)),
  ...itemDimensions.map((dimension) => ({
    name: `commerce.${dimension}`,
    byMinute: false,
    measures: Object.keys(ofItems),
    expected: (oracle: Tables) => tableOf(oracle.byItem(dimension), ofItems),
  })),
  {
    name: 'goals',
    byMinute: 'goal',
    measures: Object.keys(ofGoals),
    expected: (oracle) => tableOf(Object.entries(oracle.totals().goals), ofGoals),
  },
  ...goalDimensions.map((dimension) => byGoal('goals', dimension)),
  {
    name: 'goals.property',
    byMinute: false,
    measures: Object.keys(ofGoals),
    expected: (oracle) =>
      tableOf(
        namesOfProperties(oracle.shop).flatMap((name) =>
          goalsBy(oracle, `property:${name}`).map(({ goalId, value, counts }) => [`${goalId}|${name}=${value}`, counts] as const),
        ),
        ofGoals,
      ),
  },
  ...acquisitionDimensions.map((dimension) => byGoal('conversions', dimension)),
];

function byGoal(projection: string, dimension: Dimension): Family {
  return {
    name: `${projection}.${dimension}`,
    byMinute: false,
    measures: Object.keys(ofGoals),
    expected: (oracle) =>
      tableOf(
        goalsBy(oracle, dimension).map(({ goalId, value, counts }) => [`${goalId}|${value}`, counts] as const),
        ofGoals,
      ),
  };
}

const goalsBy = (oracle: Tables, dimension: Dimension): { goalId: string; value: string; counts: GoalCounts }[] =>
  [...oracle.by(dimension)].flatMap(([value, { goals }]) => Object.entries(goals).map(([goalId, counts]) => ({ goalId, value, counts })));

const namesOfProperties = ({ events }: Shop): string[] => [...new Set(events.flatMap(({ properties = {} }) => Object.keys(properties)))];

function totals(name: string, columns: Columns<Counts>): Family {
  const expected = (oracle: Tables): Table => tableOf([['', oracle.totals()]], columns);
  return { name, byMinute: true, measures: Object.keys(columns), expected };
}

function by(projection: string, dimension: Dimension, columns: Columns<Counts>): Family {
  const expected = (oracle: Tables): Table => tableOf(oracle.by(dimension), columns);
  return { name: `${projection}.${dimension}`, byMinute: false, measures: Object.keys(columns), expected };
}

function tableOf<C>(rows: Iterable<readonly [string, C]>, columns: Columns<C>): Table {
  return Object.fromEntries(
    [...rows]
      .map(([value, counts]) => [value, withoutZeros(Object.entries(columns).map(([name, of]) => [name, of(counts)]))] as const)
      .filter(([, row]) => Object.keys(row).length > 0),
  );
}

/** The same of what is stored: `documents` are those of one bucket. */
export function storedTable(documents: readonly StoredDoc[], { measures }: Family, bots: Bots): Table {
  const tallies = new Map<string, Tally>();
  for (const { v, h, b } of documents.flatMap((document) => document.values)) {
    if (!tallies.has(v)) tallies.set(v, new Tally());
    if (h && bots !== 'only') tallies.get(v)!.add(h);
    if (b && bots !== 'exclude') tallies.get(v)!.add(b);
  }
  return Object.fromEntries(
    [...tallies].map(([value, tally]) => [value, rowOf(tally, measures)] as const).filter(([, row]) => Object.keys(row).length > 0),
  );
}

/** Of a minute, which has totals alone, each value in documents of its own family. */
export function minuteTable(tallies: Readonly<Record<string, Tally>>, { measures }: Family): Table {
  const rows = Object.entries(tallies).map(([value, tally]) => [value, rowOf(tally, measures)] as const);
  return Object.fromEntries(rows.filter(([, row]) => Object.keys(row).length > 0));
}

/** A measure is whatever it was stored as. */
function rowOf(tally: Tally, measures: readonly string[]): Row {
  return withoutZeros(
    measures.map((name) => {
      const money = Object.fromEntries([...tally.money(name)].map(([currency, minorUnits]) => [currency, Number(minorUnits)]));
      return [name, Object.keys(money).length > 0 ? money : tally.counter(name) || tally.distinct(name).count];
    }),
  );
}

function withoutZeros(entries: readonly (readonly [string, number | Money])[]): Row {
  const row: Row = {};
  for (const [name, value] of entries) {
    if (typeof value === 'number') {
      if (value !== 0) row[name] = value;
    } else {
      const some = Object.fromEntries(Object.entries(value).filter(([, minorUnits]) => minorUnits !== 0));
      if (Object.keys(some).length > 0) row[name] = some;
    }
  }
  return row;
}
