import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiDefaultResponse,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Funnel, FunnelStep } from '../domain/definitions';
import { merchantLimits } from '../domain/merchant-settings';
import type { MerchantRecord } from '../stores/records';
import { ProblemAnswer } from './answers';
import { actorOf, type Caller, CurrentCaller, DefinitionGuard } from './authentication';
import { FunnelAnswer, FunnelsAnswer } from './definition-answers';
import { AddFunnelRequest, ChangeFunnelRequest, FunnelStepRequest } from './definition-requests';
import { ChangeDefinitions } from './definitions';
import { findMerchant } from './merchants.controller';
import { problemOf } from './refusals';
import { requestPipe } from './request-validation';
import { newFunnelId } from './secrets';

@ApiTags('configure')
@ApiBearerAuth()
@ApiExtraModels(FunnelStepRequest)
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('v1/merchants/:merchantId/funnels')
@UseGuards(DefinitionGuard)
@UsePipes(requestPipe)
export class FunnelsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiCreatedResponse({ type: FunnelAnswer, description: 'It counts for all of history, once that is counted again.' })
  @ApiConflictResponse({ description: 'There is another one with this id, or there are as many as may be.' })
  async add(
    @Param('merchantId') merchantId: string,
    @Body() body: AddFunnelRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<FunnelAnswer> {
    const { funnelId = newFunnelId(), name, steps, open = false, windowSeconds = merchantLimits.funnelWindowSecondsDefault } = body;
    const funnel: Funnel = { funnelId, name, steps: steps.map(named), open, windowSeconds };
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, { kind: 'add-funnel', funnel }, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return find(done.merchant, funnel.funnelId);
  }

  /** One funnel's own address is that of its report. */
  @Get()
  @ApiOkResponse({ type: FunnelsAnswer })
  async list(@Param('merchantId') merchantId: string): Promise<FunnelsAnswer> {
    const { funnels = [] } = await findMerchant(this.queries, merchantId);
    return { funnels };
  }

  @Patch(':funnelId')
  @ApiOkResponse({ type: FunnelAnswer })
  async change(
    @Param('merchantId') merchantId: string,
    @Param('funnelId') funnelId: string,
    @Body() body: ChangeFunnelRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<FunnelAnswer> {
    const { steps, ...others } = body;
    const changes = steps === undefined ? others : { ...others, steps: steps.map(named) };
    const order = { kind: 'change-funnel', funnelId, changes } as const;
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, order, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return find(done.merchant, funnelId);
  }

  @Delete(':funnelId')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(
    @Param('merchantId') merchantId: string,
    @Param('funnelId') funnelId: string,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, { kind: 'remove-funnel', funnelId }, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
  }
}

/** @throws ProblemException 404 */
function find({ merchantId, funnels = [] }: MerchantRecord, id: string): Funnel {
  const found = funnels.find(({ funnelId }) => funnelId === id);
  if (found === undefined) throw problemOf({ reason: 'definition-unknown', kind: 'funnel', id }, merchantId);
  return found;
}

/** A step without a name is called by what it asks for. */
const named = (step: FunnelStepRequest, place: number): FunnelStep => ({
  ...step,
  name: step.name ?? step.event ?? step.page ?? step.hostname ?? `Step ${place + 1}`,
});
