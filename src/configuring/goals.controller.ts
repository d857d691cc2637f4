import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiDefaultResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Goal } from '../domain/definitions';
import type { MerchantRecord } from '../stores/records';
import { ProblemAnswer } from './answers';
import { actorOf, type Caller, CurrentCaller, DefinitionGuard } from './authentication';
import { GoalAnswer, GoalsAnswer } from './definition-answers';
import { AddGoalRequest, ChangeGoalRequest } from './definition-requests';
import { ChangeDefinitions } from './definitions';
import { findMerchant } from './merchants.controller';
import { problemOf } from './refusals';
import { requestPipe } from './request-validation';
import { newGoalId } from './secrets';

@ApiTags('configure')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('v1/merchants/:merchantId/goals')
@UseGuards(DefinitionGuard)
@UsePipes(requestPipe)
export class GoalsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiCreatedResponse({ type: GoalAnswer, description: 'It counts for all of history, once that is counted again.' })
  @ApiConflictResponse({ description: 'There is another one with this id, or there are as many as may be.' })
  async add(@Param('merchantId') merchantId: string, @Body() body: AddGoalRequest, @CurrentCaller() caller: Caller): Promise<GoalAnswer> {
    const goal: Goal = { ...body, goalId: body.goalId ?? newGoalId() };
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, { kind: 'add-goal', goal }, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return find(done.merchant, goal.goalId);
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
    const order = { kind: 'change-goal', goalId, changes } as const;
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, order, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return find(done.merchant, goalId);
  }

  @Delete(':goalId')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(@Param('merchantId') merchantId: string, @Param('goalId') goalId: string, @CurrentCaller() caller: Caller): Promise<void> {
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, { kind: 'remove-goal', goalId }, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
  }
}

/** @throws ProblemException 404 */
function find({ merchantId, goals = [] }: MerchantRecord, id: string): Goal {
  const found = goals.find(({ goalId }) => goalId === id);
  if (found === undefined) throw problemOf({ reason: 'definition-unknown', kind: 'goal', id }, merchantId);
  return found;
}
