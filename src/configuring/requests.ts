import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, ArrayMaxSize, IsArray, IsBoolean, IsIn, IsString, Matches, MaxLength } from 'class-validator';
import { idPattern, idRule, merchantLimits } from '../domain/merchant-settings';
import { IsCount, IsCurrency, IsName, IsOrigin, IsTimezone, Optional } from './request-validation';

const { nameLengthMax, allowedOriginsMax, merchantIdLengthMax } = merchantLimits;
const originsMessage = { message: `allowedOrigins must be a list of at most ${allowedOriginsMax} origins` };
const nameRules = { minLength: 1, maxLength: nameLengthMax };

export class RegisterMerchantRequest {
  @ApiPropertyOptional({ pattern: idPattern.source, description: 'Generated when left out.', example: 'shop-1' })
  @Optional()
  @IsString()
  @Matches(idPattern, { message: `merchantId must be ${idRule}` })
  merchantId?: string;

  @ApiProperty({ ...nameRules, example: 'The Example Shop' })
  @IsName(nameLengthMax)
  name!: string;

  @ApiPropertyOptional({ default: 'UTC', description: 'IANA name; what a day is in reports.', example: 'Europe/Berlin' })
  @Optional()
  @IsTimezone()
  timezone?: string;

  @ApiPropertyOptional({ default: 'USD', description: 'ISO 4217.', example: 'EUR' })
  @Optional()
  @IsCurrency()
  currency?: string;

  @ApiPropertyOptional({ minimum: 1, default: 1, description: 'Over how many partitions its events are spread, at most PARTITIONS.' })
  @Allow()
  spread?: number;
}

export class ChangeMerchantRequest {
  @ApiPropertyOptional({ ...nameRules })
  @Optional()
  @IsName(nameLengthMax)
  name?: string;

  @ApiPropertyOptional({ description: 'IANA name. Days counted before keep the timezone they were counted in until a reset.' })
  @Optional()
  @IsTimezone()
  timezone?: string;

  @ApiPropertyOptional({ description: 'ISO 4217.' })
  @Optional()
  @IsCurrency()
  currency?: string;

  @ApiPropertyOptional({
    description: "Whether sessions end at midnight, the merchant's. Counts for all of history, once it is counted again.",
  })
  @Optional()
  @IsBoolean({ message: 'sessionsEndAtMidnight must be true or false' })
  sessionsEndAtMidnight?: boolean;

  @ApiPropertyOptional({
    minimum: 1,
    description: 'Over how many partitions its events are spread, at most PARTITIONS. The admin alone changes it; it holds seconds later.',
  })
  @Allow()
  spread?: number;
}

/** May be left out. @param docs what else is to be said of it in the API reference */
const AllowedOrigins = (docs: { default?: string[] } = {}): PropertyDecorator =>
  applyDecorators(
    // As decorators above a property take effect, from below: of several rules that are broken the first is told.
    IsOrigin({ each: true }),
    ArrayMaxSize(allowedOriginsMax, originsMessage),
    IsArray(originsMessage),
    Optional(),
    ApiPropertyOptional({
      type: [String],
      maxItems: allowedOriginsMax,
      description:
        'Origins whose pages may send events with this key; empty or `*`: all. A server sends no Origin and is not asked for one.',
      example: ['https://shop.example'],
      ...docs,
    }),
  );

export class AddSourceRequest {
  @ApiProperty({ ...nameRules, example: 'web shop' })
  @IsName(nameLengthMax)
  name!: string;

  @AllowedOrigins({ default: [] })
  allowedOrigins?: string[];
}

export class ChangeSourceRequest {
  @ApiPropertyOptional({ ...nameRules })
  @Optional()
  @IsName(nameLengthMax)
  name?: string;

  @AllowedOrigins()
  allowedOrigins?: string[];
}

export class IssueTokenRequest {
  @ApiProperty({ ...nameRules, example: 'dashboard' })
  @IsName(nameLengthMax)
  name!: string;

  @ApiProperty({
    enum: ['viewer', 'owner'],
    description: 'A viewer reads reports, and what they are made of; an owner configures the merchant as well.',
  })
  @IsIn(['viewer', 'owner'], { message: 'role must be viewer or owner' })
  role!: 'viewer' | 'owner';
}

export class PageQuery {
  @ApiPropertyOptional({ minimum: 1, maximum: 1_000, default: 100 })
  @Optional()
  @IsCount(1, 1_000)
  limit?: number;

  @ApiPropertyOptional({ description: '`next` of the page before.' })
  @Optional()
  @IsString()
  @MaxLength(merchantIdLengthMax)
  after?: string;
}
