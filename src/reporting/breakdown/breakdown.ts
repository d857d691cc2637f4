import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { MetricDefinition } from '../../../projections/metrics';
import { countRows, countValues } from '../counting';
import { ReportDocuments } from '../documents';
import { metaOf, type Meta } from '../meta';
import { familiesOf, readDimension, readFilter, totalFamilies, type MetricList } from '../metric-list';
import { Preparation, type CommonParameters } from '../preparing';
import type { BotChoice } from '../reading';
import { finerBudget } from '../refining';
import { isUnanswered, refused, type Refused, type Unanswered } from '../refusal';
import { exactnessOf, figuresOf, isZero, rankOf, Tallies, type Figure, type Figures } from '../tallies';
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
  /** Of everything, whether or not it has a value of this dimension; visitors are counted once. */
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
    const prepared = await this.preparation.prepare(
      merchantId,
      asked,
      asked.dimension === 'product' ? { defaultMetrics: 'orders,revenue' } : {},
    );
    if (isUnanswered(prepared)) return prepared;
    const { merchant, list, span, standings } = prepared;
    const dimension = readDimension('dimension', asked.dimension);
    if (typeof dimension !== 'string') return dimension;
    const filter = asked.filter === undefined ? undefined : readFilter(asked.filter);
    if (filter !== undefined && isUnanswered(filter)) return filter;
    if (filter !== undefined && filter.dimension !== dimension)
      return refused('filter', `must be by the dimension of the breakdown (${dimension}): numbers are counted by one dimension at a time`);
    const order = readOrder(asked.orderBy, list);
    if (isUnanswered(order)) return order;
    const families = familiesOf(list, dimension);
    if (isUnanswered(families)) return families;

    const question = { merchantId, list, families, standings, span, bots: asked.bots ?? 'exclude', finer: finerBudget() };
    const [counted, overall] = await Promise.all([
      countValues(this.documents, question, filter?.value),
      filter === undefined ? countRows(this.documents, { ...question, families: totalFamilies(list) }, [span.from], undefined) : undefined,
    ]);
    if (isUnanswered(counted)) return counted;
    if (overall !== undefined && isUnanswered(overall)) return overall;
    const total = overall?.total ?? counted.values.get(filter!.value) ?? new Tallies();

    const figures = (tallies: Tallies): Figures => figuresOf(list, tallies, merchant.currency);
    const sorted = sort([...counted.values], order, merchant.currency);
    // A value can be known by a measure that was not asked for, or by one that was taken back.
    const all = sorted.map(([value, tallies]) => ({ value, tallies, figures: figures(tallies) })).filter((row) => !isZero(row.figures));
    const offset = asked.offset ?? 0;
    const page = all.slice(offset, offset + (asked.limit ?? defaultLimit));
    const meta = metaOf(standings, exactnessOf(list, [total, ...page.map(({ tallies }) => tallies)]), prepared.now);
    const answer = {
      merchantId,
      dimension,
      timezone: prepared.timezone,
      ...isoSpan(prepared.clockZone, span),
      metrics: list.names,
      rows: page.map((row) => ({ value: row.value, ...row.figures })),
      rowCount: all.length,
      totals: figures(total),
    };
    if (counted.other === undefined) return { ...answer, meta };
    if (filter === undefined) return { ...answer, other: { value: '(other)', ...figures(counted.other) }, meta };
    return { ...answer, meta: { ...meta, overflow: true } };
  }
}

interface Order {
  readonly by: 'value' | MetricDefinition;
  readonly descending: boolean;
}

function readOrder(text: string | undefined, list: MetricList): Order | Refused {
  if (text === undefined) return { by: list.definitions[0]!, descending: true };
  // A literal + arrives as a space unless the client escaped it.
  const match = /^([-+ ]?)([A-Za-z]+)(?::(asc|desc))?$/.exec(text);
  const name = match?.[2] ?? '';
  const at = list.names.indexOf(name);
  if (match === null || (at < 0 && name !== 'value') || (match[1] !== '' && match[3] !== undefined))
    return refused('orderBy', `must be one of ${list.names.join(', ')}, value; with :asc or :desc behind it, or + or - before it`);
  const by = at < 0 ? 'value' : list.definitions[at]!;
  const descending = match[3] !== undefined ? match[3] === 'desc' : match[1] === '' ? by !== 'value' : match[1] === '-';
  return { by, descending };
}

/** Equal ones by value, so that pages never overlap. */
function sort(values: [string, Tallies][], { by, descending }: Order, currency: string): [string, Tallies][] {
  const sign = descending ? -1 : 1;
  const byValue = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  if (by === 'value') return values.sort(([a], [b]) => sign * byValue(a, b));
  const ranks = new Map(values.map(([value, tallies]) => [value, rankOf(by, tallies, currency)]));
  return values.sort(([a], [b]) => sign * (ranks.get(a)! - ranks.get(b)!) || byValue(a, b));
}
