import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Dimension } from '../../../projections/metrics';
import { conversionOf } from '../conversion';
import { countRows, countValues } from '../counting';
import { nameOf, readDimension, readFilter } from '../dimension';
import { ReportDocuments } from '../documents';
import { exactnessOf, figuresOf, isZero, rankOf, type Figure, type Figures } from '../figures';
import { metaOf, type Meta } from '../meta';
import type { MetricList } from '../metric-list';
import { planOf } from '../plan';
import { Preparation, type CommonParameters } from '../preparing';
import type { BotChoice } from '../reading';
import { finerBudget } from '../refining';
import { isUnanswered, refused, type Refused, type Unanswered } from '../refusal';
import { isoSpan } from '../timeseries/timeseries';

const defaultLimit = 100;
export const limitMax = 10_000;

export class BreakdownQuery {
  constructor(
    readonly merchantId: string,
    readonly asked: CommonParameters & {
      readonly dimension: string;
      readonly filter?: string;
      readonly bots?: BotChoice;
      /** A metric of the request or `value`; `-` or `:desc` for descending, `+` or `:asc` for ascending. */
      readonly orderBy?: string;
      readonly limit?: number;
      readonly offset?: number;
    },
  ) {}
}

export interface BreakdownRow {
  value: string;
  [metric: string]: Figure | string;
}
export interface Breakdown {
  merchantId: string;
  dimension: string;
  timezone: string;
  from: string;
  to: string;
  metrics: readonly string[];
  rows: BreakdownRow[];
  /** Values with any number at all, of which `rows` are a page. */
  rowCount: number;
  /** Of everything that happened in the range, whether or not it has a value of this dimension; visitors are counted once. */
  totals: Figures;
  /** What belongs to values beyond the 10,000 that are kept apart per hour and per day; left out when there is none. */
  other?: BreakdownRow;
  meta: Meta;
}

@QueryHandler(BreakdownQuery)
export class BreakdownHandler implements IQueryHandler<BreakdownQuery, Breakdown | Unanswered> {
  constructor(
    private readonly preparation: Preparation,
    private readonly documents: ReportDocuments,
  ) {}

  async execute({ merchantId, asked }: BreakdownQuery): Promise<Breakdown | Unanswered> {
    const dimension = readDimension('dimension', asked.dimension);
    if (isUnanswered(dimension)) return dimension;
    const prepared = await this.preparation.prepare(merchantId, asked, defaultMetrics(dimension));
    if (isUnanswered(prepared)) return prepared;
    const { merchant, list, rates, span } = prepared;
    const filter = asked.filter === undefined ? undefined : readFilter(asked.filter);
    if (filter !== undefined && isUnanswered(filter)) return filter;
    const name = nameOf(dimension);
    if (filter !== undefined && nameOf(filter.dimension) !== name)
      return refused('filter', `must be by the dimension of the breakdown (${name}): numbers are counted by one dimension at a time`);
    const order = readOrder(asked.orderBy, list);
    if (isUnanswered(order)) return order;
    const plan = planOf(list, dimension);
    if (isUnanswered(plan)) return plan;
    const overallPlan = filter === undefined ? planOf(list, undefined) : undefined;
    if (overallPlan !== undefined && isUnanswered(overallPlan)) return overallPlan;
    const standings = await this.preparation.standingsOf(merchant, plan, ...(overallPlan === undefined ? [] : [overallPlan]));
    if (isUnanswered(standings)) return standings;

    const question = { merchantId, plan, standings, span, bots: asked.bots ?? 'exclude', rates, finer: finerBudget() };
    const [counted, overall] = await Promise.all([
      countValues(this.documents, question, filter?.value),
      overallPlan && countRows(this.documents, { ...question, plan: overallPlan }, [span.from], undefined),
    ]);
    if (isUnanswered(counted)) return counted;
    if (overall !== undefined && isUnanswered(overall)) return overall;

    const { sheet } = counted;
    const figures = (row: number): Figures => figuresOf(plan, sheet, row, merchant.currency);
    const sorted = sort([...counted.values], order, (metric, row) => rankOf(plan, metric, sheet, row, merchant.currency));
    // A value can be known by a measure that was not asked for, or by one that was taken back.
    const all = sorted.map(([value, row]) => ({ value, row, figures: figures(row) })).filter((one) => !isZero(one.figures));
    const offset = asked.offset ?? 0;
    const page = all.slice(offset, offset + (asked.limit ?? defaultLimit));
    const ofRows = exactnessOf(
      plan,
      sheet,
      page.map(({ row }) => row),
    );
    const exactness = ofRows.exact && overall !== undefined ? exactnessOf(overallPlan!, overall.sheet, [overall.total]) : ofRows;
    const meta = metaOf(standings, exactness, prepared.now);
    if (counted.overflow || (filter !== undefined && counted.other !== undefined)) meta.overflow = true;
    const conversion = conversionOf(rates, [sheet.dated, overall?.sheet.dated]);
    if (conversion !== undefined) meta.conversion = conversion;
    const answer: Breakdown = {
      merchantId,
      dimension: name,
      timezone: prepared.timezone,
      ...isoSpan(prepared.clockZone, span),
      metrics: list.names,
      rows: page.map((one) => ({ value: one.value, ...one.figures })),
      rowCount: all.length,
      totals:
        overall === undefined
          ? figures(counted.values.get(filter!.value) ?? sheet.addRow())
          : figuresOf(overallPlan!, overall.sheet, overall.total, merchant.currency),
      meta,
    };
    if (counted.other !== undefined && filter === undefined) answer.other = { value: '(other)', ...figures(counted.other) };
    return answer;
  }
}

/** What most want to know of the dimension, among what it counts. */
const defaultMetrics = ({ name }: Dimension): string =>
  name === 'product' || name === 'category' || name === 'brand' || name === 'coupon' ? 'orders,revenue' : 'pageviews,visitors';

interface Order {
  /** The number of a metric. */
  readonly by: 'value' | number;
  readonly descending: boolean;
}

function readOrder(text: string | undefined, list: MetricList): Order | Refused {
  if (text === undefined) return { by: 0, descending: true };
  // A literal + arrives as a space unless the client escaped it. Names may hold colons of their own: goal:signup.
  const match = /^([-+ ]?)(.+?)(?::(asc|desc))?$/.exec(text);
  const [, sign = '', name = '', way] = match ?? [];
  const at = list.names.indexOf(name);
  if ((at < 0 && name !== 'value') || (sign !== '' && way !== undefined))
    return refused('orderBy', `must be one of ${list.names.join(', ')}, value; with :asc or :desc behind it, or + or - before it`);
  const by = at < 0 ? 'value' : at;
  const descending = way !== undefined ? way === 'desc' : sign === '' ? by !== 'value' : sign === '-';
  return { by, descending };
}

/** Equal ones by value, so that pages never overlap. */
function sort(values: [string, number][], { by, descending }: Order, rank: (metric: number, row: number) => number): [string, number][] {
  const sign = descending ? -1 : 1;
  const byValue = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  if (by === 'value') return values.sort(([a], [b]) => sign * byValue(a, b));
  const ranks = new Map(values.map(([value, row]) => [value, rank(by, row)]));
  return values.sort(([a], [b]) => sign * (ranks.get(a)! - ranks.get(b)!) || byValue(a, b));
}
