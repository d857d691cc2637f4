import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { cohortIntervals } from '../../projections/retention/cohorts';
import type { Breakdown, BreakdownRow } from './breakdown/breakdown';
import { intervals, type Interval } from './calendar';
import type { Conversion } from './conversion';
import type { Figures } from './figures';
import type { FunnelReport, FunnelStepRow } from './funnels/funnels';
import type { Meta } from './meta';
import type { Realtime, TopPages } from './realtime/realtime';
import type { Retention, RetentionRow } from './retention/retention';
import type { Period, Timeseries, TimeseriesRow } from './timeseries/timeseries';

/** Of a table's route: the answer as JSON, or its rows as CSV where the request prefers that. */
export const ApiTable = (type: Type): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(type),
    ApiOkResponse({
      content: { 'application/json': { schema: { $ref: getSchemaPath(type) } }, 'text/csv': { schema: { type: 'string' } } },
    }),
  );

/** Of a route that goes on answering: each event's data is an answer like those of another route. */
export const ApiEvents = (type: Type): MethodDecorator =>
  applyDecorators(
    ApiOkResponse({
      description: `Server-sent events; the data of each is JSON, the ${type.name} of a moment.`,
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    }),
  );

const amount = {
  type: 'object' as const,
  required: ['amount', 'currency'],
  properties: { amount: { type: 'string' }, currency: { type: 'string' } },
};
/** An array where a metric has amounts in several currencies, under `<metric>ByCurrency`. */
const figure = { oneOf: [{ type: 'number' }, amount, { type: 'array', items: amount }] };
const figures = { type: 'object' as const, additionalProperties: figure };
/** A column that names the row, and the metrics by their names. */
const row = (key: string, format?: string) => ({
  type: 'object' as const,
  required: [key],
  properties: { [key]: { type: 'string' as const, ...(format && { format }) } },
  additionalProperties: figure,
});
const rows = (key: string, format?: string) => ({ type: 'array' as const, items: row(key, format) });
const time = { type: String, format: 'date-time' } as const;
const nullableTime = { ...time, nullable: true } as const;
const nullableNumber = { type: Number, nullable: true } as const;

class StandingAnswer {
  @ApiProperty() name!: string;
  @ApiProperty() version!: number;
  @ApiProperty(nullableTime) asOf!: string | null;
}

class MissingRateAnswer {
  @ApiProperty() currency!: string;
  @ApiPropertyOptional({ format: 'date' }) before?: string;
}

class ConversionAnswer implements Conversion {
  @ApiProperty({ description: "The merchant's currency." }) into!: string;
  @ApiProperty({ type: [String] }) converted!: string[];
  @ApiPropertyOptional({ type: [MissingRateAnswer], description: 'Amounts that are given apart, since there is no rate for them.' })
  missing?: MissingRateAnswer[];
}

class MetaAnswer implements Meta {
  @ApiProperty({ ...nullableTime, description: 'Every event the log held at this time is counted.' }) asOf!: string | null;
  @ApiProperty({ ...nullableNumber, description: 'From asOf to now.' }) lagSeconds!: number | null;
  @ApiProperty({ description: 'What counted the first metric.' }) projection!: string;
  @ApiProperty() version!: number;
  @ApiPropertyOptional({ type: [StandingAnswer], description: 'Where the answer rests on several.' }) projections?: StandingAnswer[];
  @ApiProperty({ description: 'False where distinct visitors are estimated.' }) exact!: boolean;
  @ApiPropertyOptional({ description: 'Standard error of what is estimated, relative.' }) error?: number;
  @ApiPropertyOptional({ enum: [true], description: 'The filtered dimension has more values than are kept apart.' }) overflow?: true;
  @ApiPropertyOptional({ type: ConversionAnswer }) conversion?: ConversionAnswer;
  @ApiPropertyOptional({ enum: [true], description: 'What the numbers are of has changed and is counted again.' }) recounting?: true;
}

class SpanAnswer {
  @ApiProperty(time) from!: string;
  @ApiProperty({ ...time, description: 'Exclusive.' }) to!: string;
}

class PeriodAnswer extends SpanAnswer implements Period {
  @ApiProperty(rows('time', 'date-time')) rows!: TimeseriesRow[];
  @ApiProperty(figures) totals!: Figures;
}

export class TimeseriesAnswer extends PeriodAnswer implements Timeseries {
  @ApiProperty() merchantId!: string;
  @ApiProperty({ enum: intervals }) interval!: Interval;
  @ApiProperty() timezone!: string;
  @ApiProperty({ type: [String] }) metrics!: string[];
  @ApiPropertyOptional({ type: PeriodAnswer, description: 'With compare=previous_period.' }) previous?: PeriodAnswer;
  @ApiProperty({ type: MetaAnswer }) meta!: MetaAnswer;
}

export class BreakdownAnswer extends SpanAnswer implements Breakdown {
  @ApiProperty() merchantId!: string;
  @ApiProperty() dimension!: string;
  @ApiProperty() timezone!: string;
  @ApiProperty({ type: [String] }) metrics!: string[];
  @ApiProperty(rows('value')) rows!: BreakdownRow[];
  @ApiProperty({ description: 'Values with any number at all, of which rows are a page.' }) rowCount!: number;
  @ApiProperty({ ...figures, description: 'Of everything in the range, whether or not it has a value of the dimension.' }) totals!: Figures;
  @ApiPropertyOptional({ ...row('value'), description: 'Of values beyond those that are kept apart.' }) other?: BreakdownRow;
  @ApiProperty({ type: MetaAnswer }) meta!: MetaAnswer;
}

class TopPagesAnswer extends SpanAnswer implements TopPages {
  @ApiProperty({ type: [String] }) metrics!: string[];
  @ApiProperty(rows('value')) rows!: BreakdownRow[];
  @ApiPropertyOptional({ ...figures, description: 'Beyond the pages kept apart in crowded minutes.' }) other?: Figures;
}

class TodayAnswer {
  @ApiProperty(time) from!: string;
  @ApiProperty(figures) totals!: Figures;
}

export class RealtimeAnswer extends SpanAnswer implements Realtime {
  @ApiProperty() merchantId!: string;
  @ApiProperty({ enum: ['minute'] }) interval!: 'minute';
  @ApiProperty() timezone!: string;
  @ApiProperty({ type: [String] }) metrics!: string[];
  @ApiProperty({ description: 'Distinct visitors of the 30 minutes.' }) activeVisitors!: number;
  @ApiProperty() activeVisitorsLast5Minutes!: number;
  @ApiProperty({ ...rows('time', 'date-time'), description: 'One a minute, the current one last.' }) rows!: TimeseriesRow[];
  @ApiProperty(figures) totals!: Figures;
  @ApiProperty({ type: TopPagesAnswer }) topPages!: TopPagesAnswer;
  @ApiProperty({ type: TodayAnswer, description: "Since the merchant's midnight." }) today!: TodayAnswer;
  @ApiProperty({ type: MetaAnswer }) meta!: MetaAnswer;
}

class FunnelStepCountAnswer implements FunnelStepRow {
  @ApiProperty({ minimum: 1 }) step!: number;
  @ApiProperty() name!: string;
  @ApiProperty({ description: 'Distinct visitors who reached it.' }) visitors!: number;
  @ApiPropertyOptional({ description: 'Of open funnels: those of them who did not take the step.' }) skipped?: number;
  @ApiProperty({ description: "Of the first step's visitors." }) rate!: number;
  @ApiProperty({ description: 'Visitors lost from the step before.' }) dropOff!: number;
  @ApiProperty() dropOffRate!: number;
  @ApiProperty({ ...nullableNumber, description: 'Within 1 %.' }) medianSecondsFromPrevious!: number | null;
}

export class FunnelReportAnswer extends SpanAnswer implements FunnelReport {
  @ApiProperty() merchantId!: string;
  @ApiProperty() funnelId!: string;
  @ApiProperty() name!: string;
  @ApiProperty() timezone!: string;
  @ApiProperty({ type: [FunnelStepCountAnswer] }) steps!: FunnelStepCountAnswer[];
  @ApiProperty({ description: "Of the first step's visitors, the share that reached the last." }) conversionRate!: number;
  @ApiProperty({ type: MetaAnswer }) meta!: MetaAnswer;
}

class ReturnedAnswer {
  @ApiProperty() visitors!: number;
  @ApiProperty({ type: [Number], description: 'By period, from the first on.' }) returned!: number[];
  @ApiProperty({ type: [Number] }) rates!: number[];
}

class CohortAnswer extends ReturnedAnswer implements RetentionRow {
  @ApiProperty({ format: 'date', description: 'Its first day.' }) cohort!: string;
}

export class RetentionAnswer implements Retention {
  @ApiProperty() merchantId!: string;
  @ApiProperty({ enum: cohortIntervals.map(({ name }) => name) }) interval!: Retention['interval'];
  @ApiProperty() timezone!: string;
  @ApiProperty({ ...time, description: 'The start of the first cohort.' }) from!: string;
  @ApiProperty({ ...time, description: 'The end of the last one.' }) to!: string;
  @ApiProperty({ type: [CohortAnswer] }) rows!: CohortAnswer[];
  @ApiProperty({ type: ReturnedAnswer, description: 'All cohorts together.' }) totals!: ReturnedAnswer;
  @ApiProperty({ type: MetaAnswer }) meta!: MetaAnswer;
}
