import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { dayOf, dayStart } from '../../../projections/kit/zone';
import { addDays, intervalStart, intervalStarts, isoWithOffset, minuteMs, type Span } from '../calendar';
import { countRows, type CountedRows } from '../counting';
import { ReportDocuments } from '../documents';
import { exactnessOf, figuresOf, type Figures } from '../figures';
import { metaOf, type Meta } from '../meta';
import { readMetrics } from '../metric-list';
import { planOf, type Plan } from '../plan';
import { Preparation } from '../preparing';
import type { BotChoice } from '../reading';
import { finerBudget } from '../refining';
import { isUnanswered, type Refused, type Unanswered } from '../refusal';
import { isoSpan, type TimeseriesRow } from '../timeseries/timeseries';

/** Minutes shown, the current one included. */
const shownMinutes = 30;
const recentMinutes = 5;

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
  /** Since the merchant's midnight. */
  today: { from: string; totals: Figures };
  meta: Meta;
}

@QueryHandler(RealtimeQuery)
export class RealtimeHandler implements IQueryHandler<RealtimeQuery, Realtime | Unanswered> {
  private readonly visitors = visitorsPlan();

  constructor(
    private readonly preparation: Preparation,
    private readonly documents: ReportDocuments,
  ) {}

  async execute({ merchantId, asked }: RealtimeQuery): Promise<Realtime | Unanswered> {
    const { visitors } = this;
    const prepared = await this.preparation.prepare(merchantId, asked);
    if (isUnanswered(prepared)) return prepared;
    const { list, merchant, clockZone, now } = prepared;
    const plan = planOf(list, undefined);
    if (isUnanswered(plan)) return plan;
    // Who is here is shown whatever else was asked for.
    const standings = await this.preparation.standingsOf(merchant, plan, visitors);
    if (isUnanswered(standings)) return standings;
    const finer = finerBudget();
    const bots = asked.bots ?? 'exclude';
    const count = (of: Plan, span: Span, starts: readonly number[]): Promise<CountedRows | Refused> =>
      countRows(this.documents, { merchantId, plan: of, standings, span, bots, finer }, starts, undefined);
    const to = intervalStart('minute', clockZone, now) + minuteMs;
    const shown = { from: to - shownMinutes * minuteMs, to };
    const recent = { from: to - recentMinutes * minuteMs, to };
    const day = { from: intervalStart('day', clockZone, now), to: dayStart(clockZone, addDays(dayOf(clockZone, now), 1)) };
    const starts = intervalStarts('minute', clockZone, shown, shownMinutes)!;
    const counted = await Promise.all([
      count(plan, shown, starts),
      count(plan, day, [day.from]),
      count(visitors, shown, [shown.from]),
      count(visitors, recent, [recent.from]),
    ]);
    const failure = counted.find((each): each is Refused => isUnanswered(each));
    if (failure !== undefined) return failure;
    const [minutes, today, present, presentNow] = counted as [CountedRows, CountedRows, CountedRows, CountedRows];
    const figures = ({ sheet, total }: CountedRows): Figures => figuresOf(plan, sheet, total, merchant.currency);
    const active = ({ sheet, total }: CountedRows): number => figuresOf(visitors, sheet, total, merchant.currency)['visitors'] as number;
    const ofMinutes = exactnessOf(plan, minutes.sheet, [minutes.total, ...starts.keys()]);
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
      today: { from: isoWithOffset(clockZone, day.from), totals: figures(today) },
      meta: metaOf(
        standings.filter(({ projection }) => plan.projections.includes(projection)),
        ofMinutes.exact ? exactnessOf(plan, today.sheet, [today.total]) : ofMinutes,
        now,
      ),
    };
  }
}

function visitorsPlan(): Plan {
  const list = readMetrics('visitors', []);
  const plan = isUnanswered(list) ? list : planOf(list, undefined);
  if (isUnanswered(plan)) throw new Error(plan.detail);
  return plan;
}
