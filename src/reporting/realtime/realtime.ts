import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { measuresOf, placeOf, recentPlaceOf, type Dimension } from '../../../projections/metrics';
import { dayOf, dayStart } from '../../../projections/kit/zone';
import { addDays, hourMs, intervalStart, intervalStarts, isoWithOffset, minuteMs, type Span } from '../calendar';
import { conversionOf } from '../conversion';
import { countRows, countValues, type CountedRows, type CountedValues } from '../counting';
import { ReportDocuments } from '../documents';
import { exactnessOf, figuresOf, rankOf, type Figure, type Figures } from '../figures';
import { metaOf, type Meta } from '../meta';
import { readMetrics } from '../metric-list';
import { planOf, type Plan } from '../plan';
import { Preparation } from '../preparing';
import type { BotChoice } from '../reading';
import { finerBudget } from '../refining';
import type { MerchantRecord } from '../../stores/records';
import { isUnanswered, refused, type NotCounting, type Refused, type Unanswered } from '../refusal';
import type { Standing } from '../standing';
import { isoSpan, type TimeseriesRow } from '../timeseries/timeseries';

/** Minutes shown, the current one included. */
const shownMinutes = 30;
const recentMinutes = 5;
const topPagesMax = 10;
/** By the hour, the current one and the one before hold the last 30 minutes at any time. */
const topPagesHours = 2;

const visitors = fixedPlan('visitors', undefined, placeOf);
const pages = fixedPlan('pageviews,visitors', { name: 'page' }, recentPlaceOf);
const pagesByHour = fixedPlan('pageviews,visitors', { name: 'page' }, placeOf);

function fixedPlan(metrics: string, by: Dimension | undefined, placed: typeof placeOf): Plan {
  const list = readMetrics(metrics, []);
  const plan = isUnanswered(list) ? list : planOf(list, by, placed);
  if (isUnanswered(plan)) throw new Error(plan.detail);
  return plan;
}

export interface RealtimeParameters {
  readonly metrics?: string;
  readonly bots?: BotChoice;
}

export class RealtimeQuery {
  constructor(
    readonly merchantId: string,
    readonly asked: RealtimeParameters,
  ) {}
}

export interface Realtime {
  merchantId: string;
  interval: 'minute';
  timezone: string;
  from: string;
  to: string;
  metrics: readonly string[];
  /** Different visitors in the 30 minutes shown. */
  activeVisitors: number;
  activeVisitorsLast5Minutes: number;
  /** One a minute, the current one last. */
  rows: TimeseriesRow[];
  totals: Figures;
  topPages: TopPages;
  /** Since the merchant's midnight. */
  today: { from: string; totals: Figures };
  meta: Meta;
}

/** The most viewed pages, views before visitors, of the span they say: the minutes shown. */
export interface TopPages {
  from: string;
  to: string;
  metrics: readonly string[];
  rows: { value: string; [metric: string]: Figure | string }[];
  /** What was beyond the pages kept apart in crowded minutes. */
  other?: Figures;
}

/** What the answer to a plan is read from. */
interface Sources {
  readonly standings: readonly Standing[];
  /** Of the last half hour; by whole hours as long as the minutes of pages are counted for the first time. */
  readonly pages: Plan;
}

/** Who is here, and where, is shown whatever else was asked for. */
export async function sourcesOf(preparation: Preparation, merchant: MerchantRecord, plan: Plan): Promise<Sources | NotCounting> {
  const standings = await preparation.standingsOf(merchant, plan, visitors, pages);
  if (!isUnanswered(standings)) return { standings, pages };
  const byHour = await preparation.standingsOf(merchant, plan, visitors, pagesByHour);
  return isUnanswered(byHour) ? byHour : { standings: byHour, pages: pagesByHour };
}

@QueryHandler(RealtimeQuery)
export class RealtimeHandler implements IQueryHandler<RealtimeQuery, Realtime | Unanswered> {
  constructor(
    private readonly preparation: Preparation,
    private readonly documents: ReportDocuments,
  ) {}

  async execute({ merchantId, asked }: RealtimeQuery): Promise<Realtime | Unanswered> {
    const prepared = await this.preparation.prepare(merchantId, asked);
    if (isUnanswered(prepared)) return prepared;
    const { list, merchant, rates, clockZone, now } = prepared;
    const plan = planOf(list, undefined);
    if (isUnanswered(plan)) return plan;
    const byHour = list.names.filter((_, i) =>
      measuresOf(list.definitions[i]!).some((one) => placeOf(one, undefined)?.finest !== 'minute'),
    );
    if (byHour.length > 0) return refused('metrics', `counted by the hour, not by the minute: ${byHour.join(', ')}`);
    const sources = await sourcesOf(this.preparation, merchant, plan);
    if (isUnanswered(sources)) return sources;
    const { standings } = sources;
    const finer = finerBudget();
    const bots = asked.bots ?? 'exclude';
    const count = (of: Plan, span: Span, starts: readonly number[]): Promise<CountedRows | Refused> =>
      countRows(this.documents, { merchantId, plan: of, standings, span, bots, rates, finer }, starts, undefined);
    const to = intervalStart('minute', clockZone, now) + minuteMs;
    const shown = { from: to - shownMinutes * minuteMs, to };
    const recent = { from: to - recentMinutes * minuteMs, to };
    const day = { from: intervalStart('day', clockZone, now), to: dayStart(clockZone, addDays(dayOf(clockZone, now), 1)) };
    const starts = intervalStarts('minute', clockZone, shown, shownMinutes)!;
    const viewed = sources.pages === pages ? shown : hoursAround(now);
    const [views, ...counted] = await Promise.all([
      countValues(this.documents, { merchantId, plan: sources.pages, standings, span: viewed, bots, finer }, undefined),
      count(plan, shown, starts),
      count(plan, day, [day.from]),
      count(visitors, shown, [shown.from]),
      count(visitors, recent, [recent.from]),
    ]);
    const failure = [views, ...counted].find((each): each is Refused => isUnanswered(each));
    if (failure !== undefined) return failure;
    const [minutes, today, present, presentNow] = counted as [CountedRows, CountedRows, CountedRows, CountedRows];
    const figures = ({ sheet, total }: CountedRows): Figures => figuresOf(plan, sheet, total, merchant.currency);
    const active = ({ sheet, total }: CountedRows): number => figuresOf(visitors, sheet, total, merchant.currency)['visitors'] as number;
    const ofMinutes = exactnessOf(plan, minutes.sheet, [minutes.total, ...starts.keys()]);
    const meta = metaOf(
      standings.filter(({ projection }) => plan.projections.includes(projection)),
      ofMinutes.exact ? exactnessOf(plan, today.sheet, [today.total]) : ofMinutes,
      now,
    );
    const conversion = conversionOf(rates, [minutes.sheet.dated, today.sheet.dated]);
    if (conversion !== undefined) meta.conversion = conversion;
    return {
      merchantId,
      interval: 'minute',
      timezone: prepared.timezone,
      ...isoSpan(clockZone, shown),
      metrics: list.names,
      activeVisitors: active(present),
      activeVisitorsLast5Minutes: active(presentNow),
      rows: starts.map((start, row) => ({
        time: isoWithOffset(clockZone, start),
        ...figuresOf(plan, minutes.sheet, row, merchant.currency),
      })),
      totals: figures(minutes),
      topPages: { ...isoSpan(clockZone, viewed), ...topPages(sources.pages, views as CountedValues, merchant.currency) },
      today: { from: isoWithOffset(clockZone, day.from), totals: figures(today) },
      meta,
    };
  }
}

function hoursAround(now: number): Span {
  const hour = intervalStart('hour', 'UTC', now);
  return { from: hour - (topPagesHours - 1) * hourMs, to: hour + hourMs };
}

function topPages(plan: Plan, { values, sheet, other }: CountedValues, currency: string): Omit<TopPages, 'from' | 'to'> {
  const pageviews = (row: number): number => rankOf(plan, 0, sheet, row, currency);
  const rows = [...values]
    .filter(([, row]) => pageviews(row) > 0)
    .sort(([a, i], [b, j]) => pageviews(j) - pageviews(i) || (a < b ? -1 : 1))
    .slice(0, topPagesMax)
    .map(([value, row]) => ({ value, ...figuresOf(plan, sheet, row, currency) }));
  return { metrics: plan.list.names, rows, ...(other !== undefined && { other: figuresOf(plan, sheet, other, currency) }) };
}
