import { ApiPropertyOptional, ApiProperty } from '@nestjs/swagger';
import { IsIn, Matches } from 'class-validator';
import { IsCount, IsText, Optional } from '../configuring/request-validation';
import { limitMax } from './breakdown/breakdown';
import { intervals, type Interval } from './calendar';
import { dimensionPattern, writtenDimensions } from './dimension';
import { metricNames } from './metric-list';
import { botChoices, type BotChoice } from './reading';

const textLengthMax = 2_048;
const offsetMax = 999_999_999;

export class RealtimeParameters {
  @ApiPropertyOptional({ description: `Comma-separated: ${metricNames.join(', ')}`, example: 'pageviews,visitors' })
  @Optional()
  @IsText(1, textLengthMax)
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
  @IsText(0, 64)
  from?: string;

  @ApiPropertyOptional({
    description: 'A day, which is included, or an ISO 8601 date-time, which is not. Default: today',
    example: '2026-11-30',
  })
  @Optional()
  @IsText(0, 64)
  to?: string;

  @ApiPropertyOptional({ description: "IANA name. Default: the merchant's", example: 'Europe/Berlin' })
  @Optional()
  @IsText(0, 64)
  timezone?: string;

  @ApiPropertyOptional({ description: 'One condition, `dimension==value`', example: 'country==US' })
  @Optional()
  @IsText(0, textLengthMax + 64)
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
  @IsText(0, 128)
  orderBy?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: limitMax, default: 100 })
  @Optional()
  @IsCount(1, limitMax)
  limit?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, default: 0 })
  @Optional()
  @IsCount(0, offsetMax)
  offset?: number;
}
