import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { cohortIntervals } from '../../projections/retention/cohorts';
import { IsText, Optional } from '../configuring/request-validation';
import { botChoices, type BotChoice } from './reading';

/** Of reports that are kept by whole days. */
export class DayParameters {
  @ApiPropertyOptional({ description: 'A day. Default: 30 days before `to`', example: '2026-11-01' })
  @Optional()
  @IsText(0, 64)
  from?: string;

  @ApiPropertyOptional({ description: 'A day, which is included. Default: today', example: '2026-11-30' })
  @Optional()
  @IsText(0, 64)
  to?: string;

  @ApiPropertyOptional({ enum: botChoices, default: 'exclude', description: 'Whether what known bots caused is counted' })
  @Optional()
  @IsIn(botChoices)
  bots?: BotChoice;
}

const intervalNames = cohortIntervals.map(({ name }) => name);

export class RetentionParameters extends DayParameters {
  @ApiPropertyOptional({ enum: intervalNames, default: 'day', description: 'Length of a period. Weeks begin on Monday' })
  @Optional()
  @IsIn(intervalNames)
  interval?: 'day' | 'week' | 'month';

  @ApiPropertyOptional({
    description: "IANA name. Cohorts are kept by the merchant's days: any other is refused",
    example: 'Europe/Berlin',
  })
  @Optional()
  @IsText(0, 64)
  timezone?: string;
}
