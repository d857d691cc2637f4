import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { plainToInstance, Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { Filter } from '../domain/definitions';
import { idPattern, idRule, merchantLimits } from '../domain/merchant-settings';
import { IsEventName, IsName, IsPattern, IsPropertyConditions, Optional, Removable } from './request-validation';

const {
  nameLengthMax,
  patternLengthMax,
  funnelStepsMin: stepsMin,
  funnelStepsMax: stepsMax,
  funnelWindowSecondsMin: windowMin,
  funnelWindowSecondsMax: windowMax,
  funnelWindowSecondsDefault: windowDefault,
} = merchantLimits;
const nameRules = { minLength: 1, maxLength: nameLengthMax };
const idDocs = { pattern: idPattern.source, description: 'Generated when left out.' };
const idMessage = (field: string): { message: string } => ({ message: `${field} must be ${idRule}` });
const stepsMessage = { message: `steps must be a list of ${stepsMin} to ${stepsMax} steps` };
const stepMessage = { message: 'must be an object, or the name of an event' };
const windowMessage = { message: `windowSeconds must be a whole number of seconds from ${windowMin} to ${windowMax}` };
const openMessage = { message: 'open must be true or false' };
const filterFields = ['hostname', 'page', 'userAgent', 'address'] as const satisfies readonly Filter['field'][];
const fieldMessage = { message: `field must be one of ${filterFields.join(', ')}` };
const patternMessage = { message: `pattern must be a text of at most ${patternLengthMax} characters` };

const eventDocs = { description: 'Name of the event.', example: 'sign_up' };
const pageDocs = { description: 'Path of its url, without query and fragment; `*` for any text.', example: '/thanks/*' };
const hostnameDocs = { description: 'Host of its url; `*` for any text.', example: '*.shop.example' };
const propertiesDocs = {
  type: 'object' as const,
  description: 'Its properties, by name; compared as text.',
  example: { plan: 'pro' },
  additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
};

/** Which events are meant: all that is given must hold, and something must be given. */
class MatchRequest {
  @ApiPropertyOptional(eventDocs)
  @Optional()
  @IsEventName()
  event?: string;

  @ApiPropertyOptional(pageDocs)
  @Optional()
  @IsPattern('page')
  page?: string;

  @ApiPropertyOptional(hostnameDocs)
  @Optional()
  @IsPattern('hostname')
  hostname?: string;

  @ApiPropertyOptional(propertiesDocs)
  @Optional()
  @IsPropertyConditions()
  properties?: Record<string, string | number | boolean>;
}

export class AddGoalRequest extends MatchRequest {
  @ApiPropertyOptional(idDocs)
  @Optional()
  @IsString()
  @Matches(idPattern, idMessage('goalId'))
  goalId?: string;

  @ApiProperty({ ...nameRules, example: 'Signed up' })
  @IsName(nameLengthMax)
  name!: string;
}

/** Null takes a condition away. */
export class ChangeGoalRequest {
  @ApiPropertyOptional(nameRules)
  @Optional()
  @IsName(nameLengthMax)
  name?: string;

  @ApiPropertyOptional({ ...eventDocs, type: String, nullable: true })
  @Removable()
  @IsEventName()
  event?: string | null;

  @ApiPropertyOptional({ ...pageDocs, type: String, nullable: true })
  @Removable()
  @IsPattern('page')
  page?: string | null;

  @ApiPropertyOptional({ ...hostnameDocs, type: String, nullable: true })
  @Removable()
  @IsPattern('hostname')
  hostname?: string | null;

  @ApiPropertyOptional({ ...propertiesDocs, nullable: true })
  @Removable()
  @IsPropertyConditions()
  properties?: Record<string, string | number | boolean> | null;
}

export class FunnelStepRequest extends MatchRequest {
  @ApiPropertyOptional({ ...nameRules, description: 'What it asks for, when left out.' })
  @Optional()
  @IsName(nameLengthMax)
  name?: string;
}

const stepsDocs = {
  description: 'In the order they are taken. The name of an event stands for the step that asks for it.',
  minItems: stepsMin,
  maxItems: stepsMax,
  type: 'array' as const,
  items: { oneOf: [{ type: 'string' }, { $ref: '#/components/schemas/FunnelStepRequest' }] },
  example: ['view_item', 'add_to_cart', 'purchase'],
};
const windowDocs = { minimum: windowMin, maximum: windowMax, description: 'From the entering event to the last step.' };
const openDocs = { description: 'Open: a visitor may enter at any step.' };

const stepsOf = ({ value }: { value: unknown }): unknown => (Array.isArray(value) ? value.map(stepOf) : value);

function stepOf(step: unknown): unknown {
  if (typeof step === 'string') return plainToInstance(FunnelStepRequest, { event: step });
  // A list in a list would be validated as if its entries were steps: as a text it is none.
  if (Array.isArray(step)) return JSON.stringify(step);
  return typeof step === 'object' && step !== null ? plainToInstance(FunnelStepRequest, step) : step;
}

export class AddFunnelRequest {
  @ApiPropertyOptional(idDocs)
  @Optional()
  @IsString()
  @Matches(idPattern, idMessage('funnelId'))
  funnelId?: string;

  @ApiProperty({ ...nameRules, example: 'Buying' })
  @IsName(nameLengthMax)
  name!: string;

  @ApiProperty(stepsDocs)
  @Transform(stepsOf)
  @IsArray(stepsMessage)
  @ArrayMinSize(stepsMin, stepsMessage)
  @ArrayMaxSize(stepsMax, stepsMessage)
  @ValidateNested({ each: true, ...stepMessage })
  steps!: FunnelStepRequest[];

  @ApiPropertyOptional({ ...openDocs, default: false })
  @Optional()
  @IsBoolean(openMessage)
  open?: boolean;

  @ApiPropertyOptional({ ...windowDocs, default: windowDefault })
  @Optional()
  @IsInt(windowMessage)
  @Min(windowMin, windowMessage)
  @Max(windowMax, windowMessage)
  windowSeconds?: number;
}

export class ChangeFunnelRequest {
  @ApiPropertyOptional(nameRules)
  @Optional()
  @IsName(nameLengthMax)
  name?: string;

  @ApiPropertyOptional(stepsDocs)
  @Optional()
  @Transform(stepsOf)
  @IsArray(stepsMessage)
  @ArrayMinSize(stepsMin, stepsMessage)
  @ArrayMaxSize(stepsMax, stepsMessage)
  @ValidateNested({ each: true, ...stepMessage })
  steps?: FunnelStepRequest[];

  @ApiPropertyOptional(openDocs)
  @Optional()
  @IsBoolean(openMessage)
  open?: boolean;

  @ApiPropertyOptional(windowDocs)
  @Optional()
  @IsInt(windowMessage)
  @Min(windowMin, windowMessage)
  @Max(windowMax, windowMessage)
  windowSeconds?: number;
}

const fieldDocs = {
  enum: filterFields,
  description: 'What of an event is looked at. `address` acts from its definition on, the others on all of history.',
};
const patternDocs = {
  maxLength: patternLengthMax,
  description: 'What is excluded. `*` for any text; an address or a range such as 203.0.113.0/24 for `address`.',
  example: '*.staging.example',
};

export class AddFilterRequest {
  @ApiPropertyOptional(idDocs)
  @Optional()
  @IsString()
  @Matches(idPattern, idMessage('filterId'))
  filterId?: string;

  @ApiPropertyOptional({ ...nameRules, description: 'Its pattern, when left out.' })
  @Optional()
  @IsName(nameLengthMax)
  name?: string;

  @ApiProperty(fieldDocs)
  @IsIn(filterFields, fieldMessage)
  field!: Filter['field'];

  @ApiProperty(patternDocs)
  @IsString(patternMessage)
  @MaxLength(patternLengthMax, patternMessage)
  pattern!: string;
}

export class ChangeFilterRequest {
  @ApiPropertyOptional(nameRules)
  @Optional()
  @IsName(nameLengthMax)
  name?: string;

  @ApiPropertyOptional(fieldDocs)
  @Optional()
  @IsIn(filterFields, fieldMessage)
  field?: Filter['field'];

  @ApiPropertyOptional(patternDocs)
  @Optional()
  @IsString(patternMessage)
  @MaxLength(patternLengthMax, patternMessage)
  pattern?: string;
}
