import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { dayMs, dayNumberOf, dayStart, isoDay } from '../../../projections/kit/zone';
import { cohortIntervals, type CohortInterval } from '../../../projections/retention/cohorts';
import type { Span } from '../calendar';
import type { Table } from '../answering';
import { ReportDocuments } from '../documents';
import { metaOf, type Meta } from '../meta';
import { Preparation, type PreparedDays } from '../preparing';
import { readFamily, type BotChoice } from '../reading';
import { finerBudget } from '../refining';
import { isUnanswered, refused, type Refused, type Unanswered } from '../refusal';
import { Sheet } from '../sheet';
import { isoSpan } from '../timeseries/timeseries';

export const cohortsMax = 100;
/** Of a cohort: nearly three years of days, nineteen of weeks. */
export const periodsMax = 1_000;

export class RetentionQuery {
  constructor(
    readonly merchantId: string,
    readonly asked: {
      readonly from?: string;
      readonly to?: string;
      readonly timezone?: string;
      readonly interval?: CohortInterval['name'];
      readonly bots?: BotChoice;
    },
  ) {}
}

/** Visitors there in period n = 0, 1 … of their cohort, up to today; n = 0 is everyone. */
interface Returned {
  visitors: number;
  returned: number[];
  /** Of the visitors of the cohort; 0 where there are none. */
  rates: number[];
}
export interface RetentionRow extends Returned {
  /** First day of the cohort's day, week or month. */
  cohort: string;
}
export interface Retention {
  merchantId: string;
  interval: CohortInterval['name'];
  timezone: string;
  /** ISO 8601, inclusive: the start of the first cohort. */
  from: string;
  /** ISO 8601, exclusive: the end of the last one. */
  to: string;
  rows: RetentionRow[];
  /** All cohorts together; the rate of a period is of those that have reached it. */
  totals: Returned;
  meta: Meta;
}

@QueryHandler(RetentionQuery)
export class RetentionHandler implements IQueryHandler<RetentionQuery, Retention | Unanswered> {
  constructor(
    private readonly preparation: Preparation,
    private readonly documents: ReportDocuments,
  ) {}

  async execute({ merchantId, asked }: RetentionQuery): Promise<Retention | Unanswered> {
    const prepared = await this.preparation.prepareDays(merchantId, asked, 'retention');
    if (isUnanswered(prepared)) return prepared;
    const { timezone, now } = prepared;
    const interval = cohortIntervals.find(({ name }) => name === (asked.interval ?? 'day'))!;
    const triangle = triangleOf(interval, prepared);
    if (isUnanswered(triangle)) return triangle;
    const cells = await this.cells(prepared, triangle, asked.bots ?? 'exclude');
    if (isUnanswered(cells)) return cells;

    const rows = triangle.cohorts.map((cohort, i) => ({
      cohort: isoDay(interval.firstDay(cohort) * dayMs),
      ...ratedOf(Array.from({ length: periodsOf(triangle, cohort) }, (_, period) => cells.counter(i * triangle.periods + period, 0))),
    }));
    return {
      merchantId,
      interval: interval.name,
      timezone,
      ...isoSpan(timezone, triangle.span),
      rows,
      totals: totalsOf(rows),
      meta: metaOf([prepared.standing], { exact: true }, now),
    };
  }

  /** A row a cohort and period, in that order. */
  private async cells(prepared: PreparedDays, triangle: Triangle, bots: BotChoice): Promise<Sheet | Refused> {
    const { interval, cohorts, periods, span } = triangle;
    const sheet = new Sheet(['counter'], cohorts.length * periods);
    const failure = await readFamily(
      this.documents,
      {
        merchantId: prepared.merchant.merchantId,
        standing: prepared.standing,
        projection: 'retention',
        family: `retention.${interval.name}`,
        finest: 'day',
        picks: [{ prefix: '', slots: new Map([['visitors', 0]]) }],
        stretches: [{ granularity: 'day', ...span }],
        bots,
        wanted: 'each',
        distincts: [],
        finer: finerBudget(),
      },
      {
        sheet,
        total: undefined,
        receiver: {
          rowOf: (bucket, value) => {
            const cohort = interval.numberOf(dayNumberOf(prepared.timezone, bucket)) - cohorts[0]!;
            return Number(value) < periods ? cohort * periods + Number(value) : undefined;
          },
          // A cohort would have to be older than any there can be to have more periods than values are kept apart.
          beyond: () => undefined,
        },
      },
    );
    return failure ?? sheet;
  }
}

interface Triangle {
  readonly interval: CohortInterval;
  /** Their numbers, ascending. */
  readonly cohorts: readonly number[];
  /** Number of the interval of today. */
  readonly today: number;
  /** Of the first cohort, which has the most. */
  readonly periods: number;
  /** From the first day of the first cohort to the end of the last one. */
  readonly span: Span;
}

const periodsOf = ({ today }: Pick<Triangle, 'today'>, cohort: number): number => Math.max(0, today - cohort + 1);

/** Whole cohorts: all that touch what was asked for. */
function triangleOf(interval: CohortInterval, { span, timezone, now }: PreparedDays): Triangle | Refused {
  const first = interval.numberOf(dayNumberOf(timezone, span.from));
  const last = interval.numberOf(dayNumberOf(timezone, span.to - 1));
  if (last - first >= cohortsMax)
    return refused('from, to', `at most ${cohortsMax} cohorts at a time: ask for a shorter range or a longer interval`);
  const today = interval.numberOf(dayNumberOf(timezone, now));
  const periods = periodsOf({ today }, first);
  if (periods > periodsMax)
    return refused('from', `a cohort has more than ${periodsMax} periods from there to today: ask for a longer interval`);
  const startOf = (number: number): number => dayStart(timezone, isoDay(interval.firstDay(number) * dayMs));
  return {
    interval,
    cohorts: Array.from({ length: last - first + 1 }, (_, i) => first + i),
    today,
    periods,
    span: { from: startOf(first), to: startOf(last + 1) },
  };
}

/** A line a cohort; periods that are not over for a cohort yet are empty. */
export function retentionTable({ merchantId, interval, rows, totals }: Retention): Table {
  const periods = totals.returned.map((_, period) => `${interval}${period}`);
  return {
    key: 'cohort',
    metrics: ['visitors', ...periods],
    rows: rows.map(({ cohort, visitors, returned }) => ({
      cohort,
      visitors,
      ...Object.fromEntries(periods.map((name, period) => [name, returned[period] ?? ''])),
    })),
    fileName: `${merchantId}-retention-${interval}`,
  };
}

function ratedOf(returned: number[]): Returned {
  const visitors = returned[0] ?? 0;
  return { visitors, returned, rates: returned.map((count) => rate(count, visitors)) };
}

function totalsOf(rows: readonly RetentionRow[]): Returned {
  const periods = Math.max(...rows.map(({ returned }) => returned.length));
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const returned = Array.from({ length: periods }, (_, period) => sum(rows.map((row) => row.returned[period] ?? 0)));
  const reached = returned.map((_, period) => sum(rows.filter((row) => row.returned.length > period).map(({ visitors }) => visitors)));
  return { visitors: sum(rows.map(({ visitors }) => visitors)), returned, rates: returned.map((count, i) => rate(count, reached[i]!)) };
}

const rate = (of: number, per: number): number => (per === 0 ? 0 : Number((of / per).toFixed(6)));
