import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Dimension } from '../../../projections/metrics';
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
import { isUnanswered, refused, type Refused, type Unanswered } from '../refusal';
import { isoSpan, type TimeseriesRow } from '../timeseries/timeseries';

/** Minutes shown, the current one included. */
const shownMinutes = 30;
const recentMinutes = 5;
const topPagesMax = 10;
/** Pages are counted by the hour: the current one and the one before hold the last 30 minutes at any time. */
const topPagesHours = 2;

const visitors = fixedPlan('visitors', undefined);
const pages = fixedPlan('pageviews,visitors', { name: 'page' });
/** What is read whatever else is asked for. */
export const alwaysShown: readonly Plan[] = [visitors, pages];

function fixedPlan(metrics: string, by: Dimension | undefined): Plan {
  const list = readMetrics(metrics, []);
  const plan = isUnanswered(list) ? list : planOf(list, by);
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
  /** The most viewed pages, views before visitors, of the span they say: whole hours. */
  topPages: { from: string; to: string; metrics: readonly string[]; rows: { value: string; [metric: string]: Figure | string }[] };
  /** Since the merchant's midnight. */
  today: { from: string; totals: Figures };
  meta: Meta;
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
    if (plan.families.some(({ finest }) => finest !== 'minute'))
      return refused('metrics', 'goals are counted by the hour, not by the minute');
    // Who is here, and where, is shown whatever else was asked for.
    const standings = await this.preparation.standingsOf(merchant, plan, ...alwaysShown);
    if (isUnanswered(standings)) return standings;
    const finer = finerBudget();
    const bots = asked.bots ?? 'exclude';
    const count = (of: Plan, span: Span, starts: readonly number[]): Promise<CountedRows | Refused> =>
      countRows(this.documents, { merchantId, plan: of, standings, span, bots, rates, finer }, starts, undefined);
    const to = intervalStart('minute', clockZone, now) + minuteMs;
    const shown = { from: to - shownMinutes * minuteMs, to };
    const recent = { from: to - recentMinutes * minuteMs, to };
    const day = { from: intervalStart('day', clockZone, now), to: dayStart(clockZone, addDays(dayOf(clockZone, now), 1)) };
    const starts = intervalStarts('minute', clockZone, shown, shownMinutes)!;
    const hour = intervalStart('hour', 'UTC', now);
    const lately = { from: hour - (topPagesHours - 1) * hourMs, to: hour + hourMs };
    const [views, ...counted] = await Promise.all([
      countValues(this.documents, { merchantId, plan: pages, standings, span: lately, bots, finer }, undefined),
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
      topPages: {
        ...isoSpan(clockZone, lately),
        metrics: pages.list.names,
        rows: topPages(pages, views as CountedValues, merchant.currency),
      },
      today: { from: isoWithOffset(clockZone, day.from), totals: figures(today) },
      meta,
    };
  }
}

function topPages(plan: Plan, { values, sheet }: CountedValues, currency: string): Realtime['topPages']['rows'] {
  const pageviews = (row: number): number => rankOf(plan, 0, sheet, row, currency);
  return [...values]
    .filter(([, row]) => pageviews(row) > 0)
    .sort(([a, i], [b, j]) => pageviews(j) - pageviews(i) || (a < b ? -1 : 1))
    .slice(0, topPagesMax)
    .map(([value, row]) => ({ value, ...figuresOf(plan, sheet, row, currency) }));
}
