import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiNoContentResponse, ApiOkResponse } from '@nestjs/swagger';
import type { Goal } from '../domain/definitions';
import type { MerchantRecord } from '../stores/records';
import { type Caller, CurrentCaller } from './authentication';
import { GoalAnswer, GoalsAnswer } from './definition-answers';
import { AddGoalRequest, ChangeGoalRequest } from './definition-requests';
import { ApiAdded, DefinitionOrders, DefinitionRoutes, known } from './definition-routes';
import { findMerchant } from './merchants.controller';
import { newGoalId } from './secrets';

@DefinitionRoutes()
@Controller('v1/merchants/:merchantId/goals')
export class GoalsController {
  constructor(
    private readonly orders: DefinitionOrders,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiAdded(GoalAnswer)
  async add(@Param('merchantId') merchantId: string, @Body() body: AddGoalRequest, @CurrentCaller() caller: Caller): Promise<GoalAnswer> {
    const goal: Goal = { ...body, goalId: body.goalId ?? newGoalId() };
    return find(await this.orders.carryOut(merchantId, { kind: 'add-goal', goal }, caller), goal.goalId);
  }

  @Get()
  @ApiOkResponse({ type: GoalsAnswer })
  async list(@Param('merchantId') merchantId: string): Promise<GoalsAnswer> {
    const { goals = [] } = await findMerchant(this.queries, merchantId);
    return { goals };
  }

  @Get(':goalId')
  @ApiOkResponse({ type: GoalAnswer })
  async find(@Param('merchantId') merchantId: string, @Param('goalId') goalId: string): Promise<GoalAnswer> {
    return find(await findMerchant(this.queries, merchantId), goalId);
  }

  @Patch(':goalId')
  @ApiOkResponse({ type: GoalAnswer })
  async change(
    @Param('merchantId') merchantId: string,
    @Param('goalId') goalId: string,
    @Body() changes: ChangeGoalRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<GoalAnswer> {
    return find(await this.orders.carryOut(merchantId, { kind: 'change-goal', goalId, changes }, caller), goalId);
  }

  @Delete(':goalId')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(@Param('merchantId') merchantId: string, @Param('goalId') goalId: string, @CurrentCaller() caller: Caller): Promise<void> {
    await this.orders.carryOut(merchantId, { kind: 'remove-goal', goalId }, caller);
  }
}

const find = ({ merchantId, goals }: MerchantRecord, id: string): Goal =>
  known(
    goals?.find(({ goalId }) => goalId === id),
    'goal',
    id,
    merchantId,
  );
