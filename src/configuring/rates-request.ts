import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { plainToInstance, Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, ValidateNested } from 'class-validator';
import { merchantLimits } from '../domain/merchant-settings';
import type { Rate } from '../domain/rates';
import { IsCurrency, IsDay, IsPaidCurrency, IsRate, Optional } from './request-validation';

const { ratesMax } = merchantLimits;
const ratesMessage = { message: `rates must be a list of at most ${ratesMax} rates` };

class RateOfDay implements Rate {
  @ApiProperty({ description: "ISO 4217; another one than the merchant's.", example: 'EUR' })
  @IsPaidCurrency()
  currency!: string;

  @ApiProperty({ format: 'date', description: "The first day it is valid for, of the merchant's timezone.", example: '2026-01-01' })
  @IsDay()
  from!: string;

  @ApiProperty({ description: "Decimal text: units of the merchant's currency for one of that one.", example: '1.0832' })
  @IsRate()
  rate!: string;
}

function rateOf(value: unknown): unknown {
  // A list in a list would be validated as if its entries were rates: as a text it is none.
  if (Array.isArray(value)) return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? plainToInstance(RateOfDay, value) : value;
}

export class RatesRequest {
  @ApiPropertyOptional({ description: "What the rates are in units of: the merchant's currency.", example: 'USD' })
  @Optional()
  @IsCurrency()
  currency?: string;

  @ApiProperty({ type: [RateOfDay], maxItems: ratesMax, description: 'Each is valid until the next of its currency. None: no table.' })
  @Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? value.map(rateOf) : value))
  @IsArray(ratesMessage)
  @ArrayMaxSize(ratesMax, ratesMessage)
  @ValidateNested({ each: true, message: 'must be an object' })
  rates!: RateOfDay[];
}

export class RatesAnswer {
  @ApiProperty({
    description:
      "What the rates are in units of: the merchant's currency when they were given. Where that is another by now, they are not used.",
  })
  currency!: string;

  @ApiProperty({ type: [RateOfDay], description: 'By currency and day.' })
  rates!: readonly RateOfDay[];
}
