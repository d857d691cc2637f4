import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsISO8601, IsString, Matches, Max, Min } from 'class-validator';
import { IsCount, Optional } from '../configuring/request-validation';
import { idPattern, idRule } from '../domain/merchant-settings';
import type { RejectReason } from '../protocol/event';

/** Every reason, once: the object has a key for each member of the union, or it does not compile. */
const reasons = Object.keys({
  'not-an-object': 1,
  'unknown-field': 1,
  'missing-field': 1,
  'invalid-field': 1,
  'too-long': 1,
  'too-many': 1,
  'invalid-time': 1,
  'too-old': 1,
  'filtered-address': 1,
  'malformed-request': 1,
} satisfies Record<RejectReason, 1>) as RejectReason[];

const merchantIdMessage = { message: `merchantId must be ${idRule}` };
const timeMessage = (field: string): { message: string } => ({ message: `${field} must be a date (2026-01-31) or an ISO 8601 date-time` });
const reasonMessage = { message: `reason must be one of ${reasons.join(', ')}` };
const wholeNumber = (max: number): { message: string } => ({ message: `limit must be a whole number from 1 to ${max}` });

export class ResetRequest {
  @ApiPropertyOptional({ description: 'Counts only this merchant again.' })
  @Optional()
  @IsString()
  @Matches(idPattern, merchantIdMessage)
  merchantId?: string;

  @ApiPropertyOptional({
    description: "From this day on; of a date-time, from its day on. Days are the merchant's.",
    example: '2026-01-01',
  })
  @Optional()
  @IsISO8601({ strict: true }, timeMessage('from'))
  from?: string;

  @ApiPropertyOptional({
    description: 'Up to and with this day; of a date-time, up to and with the day it ends in.',
    example: '2026-01-31',
  })
  @Optional()
  @IsISO8601({ strict: true }, timeMessage('to'))
  to?: string;

  @ApiPropertyOptional({
    enum: ['automatic', 'manual'],
    default: 'automatic',
    description: 'Automatic: goes live once it has caught up. Manual: waits for promote.',
  })
  @Optional()
  @IsIn(['automatic', 'manual'], { message: 'promote must be automatic or manual' })
  promote?: 'automatic' | 'manual';
}

export class RejectsQuery {
  @ApiPropertyOptional()
  @Optional()
  @IsString()
  @Matches(idPattern, merchantIdMessage)
  merchantId?: string;

  @ApiPropertyOptional({ enum: reasons })
  @Optional()
  @IsIn(reasons, reasonMessage)
  reason?: RejectReason;

  @ApiPropertyOptional({ minimum: 1, maximum: 1_000, default: 100 })
  @Optional()
  @IsCount(1, 1_000)
  limit?: number;
}

export class ReplayRequest {
  @ApiPropertyOptional({ description: 'Only rejects of this merchant.' })
  @Optional()
  @IsString()
  @Matches(idPattern, merchantIdMessage)
  merchantId?: string;

  @ApiPropertyOptional({ enum: reasons, description: 'Only rejects with this reason.' })
  @Optional()
  @IsIn(reasons, reasonMessage)
  reason?: RejectReason;

  @ApiPropertyOptional({ minimum: 1, maximum: 100_000, default: 10_000, description: 'Stops after about this many events.' })
  @Optional()
  @IsInt(wholeNumber(100_000))
  @Min(1, wholeNumber(100_000))
  @Max(100_000, wholeNumber(100_000))
  limit?: number;
}
