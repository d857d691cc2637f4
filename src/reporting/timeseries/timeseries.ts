import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { intervalStarts, isoWithOffset, type Interval, type Span } from '../calendar';
import { countRows, type Question } from '../counting';
import { conversionOf } from '../conversion';
import type { DatedAmounts } from '../dated-amounts';
import { readFilter } from '../dimension';
import { ReportDocuments } from '../documents';
import { exactnessOf, figuresOf, type Exactness, type Figure, type Figures } from '../figures';
import { metaOf, type Meta } from '../meta';
import { planOf } from '../plan';
import { Preparation, type CommonParameters, type Prepared } from '../preparing';
import { defaultInterval, previousSpan } from '../range';
import type { BotChoice } from '../reading';
import { finerBudget } from '../refining';
import { isUnanswered, refused, type Unanswered } from '../refusal';

/** Rows one answer may have. */
const rowsMax = 10_000;

export class TimeseriesQuery {
  constructor(
    readonly merchantId: string,
    readonly asked: CommonParameters & {
      readonly interval?: Interval;
      readonly filter?: string;
      readonly compare?: 'previous_period';
      readonly bots?: BotChoice;
    },
  ) {}
}

/** `time` is the start of the row's interval; the first and the last row count only what lies between `from` and `to`. */
export interface TimeseriesRow {
  time: string;
  [metric: string]: Figure | string;
}
export interface Period {
  /** ISO 8601, inclusive. */
  from: string;
  /** ISO 8601, exclusive. */
  to: string;
  rows: TimeseriesRow[];
  totals: Figures;
}
export interface Timeseries extends Period {
  merchantId: string;
  interval: Interval;
  timezone: string;
  metrics: readonly string[];
  previous?: Period;
  meta: Meta;
}

@QueryHandler(TimeseriesQuery)
export class TimeseriesHandler implements IQueryHandler<TimeseriesQuery, Timeseries | Unanswered> {
  constructor(
    private readonly preparation: Preparation,
    private readonly documents: ReportDocuments,
  ) {}

  async execute({ merchantId, asked }: TimeseriesQuery): Promise<Timeseries | Unanswered> {
    const prepared = await this.preparation.prepare(merchantId, asked);
    if (isUnanswered(prepared)) return prepared;
    const { list, rates, span } = prepared;
    const filter = asked.filter === undefined ? undefined : readFilter(asked.filter);
    if (filter !== undefined && isUnanswered(filter)) return filter;
    const plan = planOf(list, filter?.dimension);
    if (isUnanswered(plan)) return plan;
    const standings = await this.preparation.standingsOf(prepared.merchant, plan);
    if (isUnanswered(standings)) return standings;

    const interval = asked.interval ?? defaultInterval(span);
    const question = { merchantId, plan, standings, bots: asked.bots ?? 'exclude', rates, finer: finerBudget() };
    const spans = asked.compare === undefined ? [span] : [span, previousSpan(span, prepared.clockZone)];
    const counted = await Promise.all(spans.map((each) => this.count(prepared, { ...question, span: each }, interval, filter?.value)));
    for (const period of counted) if (isUnanswered(period)) return period;
    const [current, previous] = counted as Counted[];

    const exactness = previous === undefined || !current!.exactness.exact ? current!.exactness : previous.exactness;
    const meta = metaOf(standings, exactness, prepared.now);
    if (current!.overflow || previous?.overflow) meta.overflow = true;
    const conversion = conversionOf(rates, [current!.amounts, previous?.amounts]);
    if (conversion !== undefined) meta.conversion = conversion;
    const { from, to, rows, totals } = current!.period;
    const answer = { merchantId, interval, timezone: prepared.timezone, from, to, metrics: list.names, rows, totals };
    return previous === undefined ? { ...answer, meta } : { ...answer, previous: previous.period, meta };
  }

  private async count(
    prepared: Prepared,
    question: Question,
    interval: Interval,
    value: string | undefined,
  ): Promise<Counted | Unanswered> {
    const { clockZone, merchant } = prepared;
    const { span, plan } = question;
    const starts = intervalStarts(interval, clockZone, span, rowsMax);
    if (starts === undefined)
      return refused('interval', `from, to and ${interval} ask for more than ${rowsMax} rows: choose a longer interval or a shorter range`);
    const counted = await countRows(this.documents, question, starts, value);
    if (isUnanswered(counted)) return counted;
    const { sheet, total } = counted;
    const rows = starts.map((start, row) => ({
      time: isoWithOffset(clockZone, start),
      ...figuresOf(plan, sheet, row, merchant.currency),
    }));
    return {
      period: { ...isoSpan(clockZone, span), rows, totals: figuresOf(plan, sheet, total, merchant.currency) },
      exactness: exactnessOf(plan, sheet, [total, ...rows.keys()]),
      overflow: counted.overflow,
      amounts: sheet.dated,
    };
  }
}

interface Counted {
  period: Period;
  exactness: Exactness;
  overflow: boolean;
  amounts: DatedAmounts | undefined;
}

export const isoSpan = (timezone: string, { from, to }: Span): { from: string; to: string } => ({
  from: isoWithOffset(timezone, from),
  to: isoWithOffset(timezone, to),
});
