import { ApiPropertyOptional, ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsString, Matches, Max, MaxLength, Min, MinLength } from 'class-validator';
import { Optional } from '../configuring/request-validation';
import { limitMax } from './breakdown/breakdown';
import { intervals, type Interval } from './calendar';
import { dimensionPattern, writtenDimensions } from './dimension';
import { metricNames } from './metric-list';
import { botChoices, type BotChoice } from './reading';

const textLengthMax = 2_048;

/** Query strings are text; what is not a whole number stays text and is refused by name. */
const toInteger = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;

export class RealtimeParameters {
  @ApiPropertyOptional({ description: `Comma-separated: ${metricNames.join(', ')}`, example: 'pageviews,visitors' })
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(textLengthMax)
  metrics?: string;

  @ApiPropertyOptional({ enum: botChoices, default: 'exclude', description: 'Whether what known bots caused is counted' })
  @Optional()
  @IsIn(botChoices)
  bots?: BotChoice;
}

class ReportParameters extends RealtimeParameters {
  @ApiPropertyOptional({
    description: 'A day of the timezone, or an ISO 8601 date-time. Default: 30 days before `to`',
    example: '2026-11-01',
  })
  @Optional()
  @IsString()
  @MaxLength(64)
  from?: string;

  @ApiPropertyOptional({
    description: 'A day, which is included, or an ISO 8601 date-time, which is not. Default: today',
    example: '2026-11-30',
  })
  @Optional()
  @IsString()
  @MaxLength(64)
  to?: string;

  @ApiPropertyOptional({ description: "IANA name. Default: the merchant's", example: 'Europe/Berlin' })
  @Optional()
  @IsString()
  @MaxLength(64)
  timezone?: string;

  @ApiPropertyOptional({ description: 'One condition, `dimension==value`', example: 'country==US' })
  @Optional()
  @IsString()
  @MaxLength(textLengthMax + 64)
  filter?: string;
}

export class TimeseriesParameters extends ReportParameters {
  @ApiPropertyOptional({ enum: intervals, description: 'Length of a row. Default: one that suits the range. Weeks begin on Monday' })
  @Optional()
  @IsIn(intervals)
  interval?: Interval;

  @ApiPropertyOptional({ enum: ['previous_period'], description: 'Adds the same numbers for the span of the same length before' })
  @Optional()
  @IsIn(['previous_period'])
  compare?: 'previous_period';
}

export class BreakdownParameters extends ReportParameters {
  @ApiProperty({ description: `One of ${writtenDimensions.join(', ')}`, example: 'channel' })
  @Matches(dimensionPattern, { message: `must be one of ${writtenDimensions.join(', ')}` })
  dimension!: string;

  @ApiPropertyOptional({
    description: 'A metric of the request or `value`, with `:asc` or `:desc`. Default: the first metric, descending',
    example: 'visitors:desc',
  })
  @Optional()
  @IsString()
  @MaxLength(128)
  orderBy?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: limitMax, default: 100 })
  @Optional()
  @Transform(toInteger)
  @IsInt()
  @Min(1)
  @Max(limitMax)
  limit?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, default: 0 })
  @Optional()
  @Transform(toInteger)
  @IsInt()
  @Min(0)
  @Max(999_999_999)
  offset?: number;
}
