import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { dayOf, dayStart } from '../../../projections/kit/zone';
import { addDays, intervalStart, intervalStarts, isoWithOffset, minuteMs, type Span } from '../calendar';
import { countRows, type CountedRows } from '../counting';
import { ReportDocuments } from '../documents';
import { metaOf, type Meta } from '../meta';
import { readMetrics, totalFamilies, type MetricList } from '../metric-list';
import { Preparation } from '../preparing';
import type { BotChoice } from '../reading';
import { finerBudget } from '../refining';
import { isUnanswered, type Refused, type Unanswered } from '../refusal';
import { exactnessOf, figuresOf, type Figures } from '../tallies';
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
  private readonly visitors = visitorsMetric();

  constructor(
    private readonly preparation: Preparation,
    private readonly documents: ReportDocuments,
  ) {}

  async execute({ merchantId, asked }: RealtimeQuery): Promise<Realtime | Unanswered> {
    const { visitors } = this;
    // Who is here is shown whatever else was asked for.
    const prepared = await this.preparation.prepare(merchantId, asked, { alsoOf: visitors.projections });
    if (isUnanswered(prepared)) return prepared;
    const { list, merchant, clockZone, now } = prepared;
    const finer = finerBudget();
    const count = (of: MetricList, span: Span, starts: readonly number[]): Promise<CountedRows | Refused> => {
      const standings = prepared.standings.filter(({ projection }) => of.projections.includes(projection));
      const question = { merchantId, list: of, families: totalFamilies(of), standings, span, bots: asked.bots ?? 'exclude', finer };
      return countRows(this.documents, question, starts, undefined);
    };
    const to = intervalStart('minute', clockZone, now) + minuteMs;
    const shown = { from: to - shownMinutes * minuteMs, to };
    const recent = { from: to - recentMinutes * minuteMs, to };
    const day = { from: intervalStart('day', clockZone, now), to: dayStart(clockZone, addDays(dayOf(clockZone, now), 1)) };
    const starts = intervalStarts('minute', clockZone, shown, shownMinutes)!;
    const counted = await Promise.all([
      count(list, shown, starts),
      count(list, day, [day.from]),
      count(visitors, shown, [shown.from]),
      count(visitors, recent, [recent.from]),
    ]);
    const failure = counted.find((each): each is Refused => isUnanswered(each));
    if (failure !== undefined) return failure;
    const [minutes, today, present, presentNow] = counted as [CountedRows, CountedRows, CountedRows, CountedRows];
    const figures = ({ total }: CountedRows): Figures => figuresOf(list, total, merchant.currency);
    const active = ({ total }: CountedRows): number => figuresOf(visitors, total, merchant.currency)['visitors'] as number;
    return {
      merchantId,
      interval: 'minute',
      timezone: prepared.timezone,
      ...isoSpan(clockZone, shown),
      metrics: list.names,
      activeVisitors: active(present),
      activeVisitorsLast5Minutes: active(presentNow),
      rows: minutes.rows.map((tallies, i) => ({
        time: isoWithOffset(clockZone, starts[i]!),
        ...figuresOf(list, tallies, merchant.currency),
      })),
      totals: figures(minutes),
      today: { from: isoWithOffset(clockZone, day.from), totals: figures(today) },
      meta: metaOf(
        prepared.standings.slice(0, list.projections.length),
        exactnessOf(list, [minutes.total, today.total, ...minutes.rows]),
        now,
      ),
    };
  }
}

function visitorsMetric(): MetricList {
  const list = readMetrics('visitors');
  if (isUnanswered(list)) throw new Error(list.detail);
  return list;
}
