import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiExtraModels, ApiNoContentResponse, ApiOkResponse } from '@nestjs/swagger';
import type { Funnel, FunnelStep } from '../domain/definitions';
import { merchantLimits } from '../domain/merchant-settings';
import type { MerchantRecord } from '../stores/records';
import { type Caller, CurrentCaller } from './authentication';
import { FunnelAnswer, FunnelsAnswer } from './definition-answers';
import { AddFunnelRequest, ChangeFunnelRequest, FunnelStepRequest } from './definition-requests';
import { ApiAdded, DefinitionOrders, DefinitionRoutes, known } from './definition-routes';
import { findMerchant } from './merchants.controller';
import { newFunnelId } from './secrets';

@DefinitionRoutes()
@ApiExtraModels(FunnelStepRequest)
@Controller('v1/merchants/:merchantId/funnels')
export class FunnelsController {
  constructor(
    private readonly orders: DefinitionOrders,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiAdded(FunnelAnswer)
  async add(
    @Param('merchantId') merchantId: string,
    @Body() body: AddFunnelRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<FunnelAnswer> {
    const { funnelId = newFunnelId(), name, steps, open = false, windowSeconds = merchantLimits.funnelWindowSecondsDefault } = body;
    const funnel: Funnel = { funnelId, name, steps: steps.map(named), open, windowSeconds };
    return find(await this.orders.carryOut(merchantId, { kind: 'add-funnel', funnel }, caller), funnel.funnelId);
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
    return find(await this.orders.carryOut(merchantId, { kind: 'change-funnel', funnelId, changes }, caller), funnelId);
  }

  @Delete(':funnelId')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(
    @Param('merchantId') merchantId: string,
    @Param('funnelId') funnelId: string,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    await this.orders.carryOut(merchantId, { kind: 'remove-funnel', funnelId }, caller);
  }
}

const find = ({ merchantId, funnels }: MerchantRecord, id: string): Funnel =>
  known(
    funnels?.find(({ funnelId }) => funnelId === id),
    'funnel',
    id,
    merchantId,
  );

/** A step without a name is called by what it asks for. */
const named = (step: FunnelStepRequest, place: number): FunnelStep => ({
  ...step,
  name: step.name ?? step.event ?? step.page ?? step.hostname ?? `Step ${place + 1}`,
});
