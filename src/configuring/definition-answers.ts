import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Filter, Funnel, FunnelStep, Goal, Match } from '../domain/definitions';

class MatchAnswer implements Match {
  @ApiPropertyOptional() event?: string;
  @ApiPropertyOptional() page?: string;
  @ApiPropertyOptional() hostname?: string;
  @ApiPropertyOptional({ type: 'object', additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] } })
  properties?: Record<string, string | number | boolean>;
}

export class GoalAnswer extends MatchAnswer implements Goal {
  @ApiProperty() goalId!: string;
  @ApiProperty() name!: string;
}

export class GoalsAnswer {
  @ApiProperty({ type: [GoalAnswer] }) goals!: readonly GoalAnswer[];
}

class FunnelStepAnswer extends MatchAnswer implements FunnelStep {
  @ApiProperty() name!: string;
}

export class FunnelAnswer implements Funnel {
  @ApiProperty() funnelId!: string;
  @ApiProperty() name!: string;
  @ApiProperty({ type: [FunnelStepAnswer] }) steps!: readonly FunnelStepAnswer[];
  @ApiProperty() open!: boolean;
  @ApiProperty() windowSeconds!: number;
}

export class FunnelsAnswer {
  @ApiProperty({ type: [FunnelAnswer] }) funnels!: readonly FunnelAnswer[];
}

export class FilterAnswer implements Filter {
  @ApiProperty() filterId!: string;
  @ApiProperty() name!: string;
  @ApiProperty({ enum: ['hostname', 'page', 'userAgent', 'address'] }) field!: Filter['field'];
  @ApiProperty() pattern!: string;
}

export class FiltersAnswer {
  @ApiProperty({ type: [FilterAnswer] }) filters!: readonly FilterAnswer[];
}
