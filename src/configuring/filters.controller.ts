import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiNoContentResponse, ApiOkResponse } from '@nestjs/swagger';
import type { Filter } from '../domain/definitions';
import type { MerchantRecord } from '../stores/records';
import { type Caller, CurrentCaller } from './authentication';
import { FilterAnswer, FiltersAnswer } from './definition-answers';
import { AddFilterRequest, ChangeFilterRequest } from './definition-requests';
import { ApiAdded, DefinitionOrders, DefinitionRoutes, known } from './definition-routes';
import { findMerchant } from './merchants.controller';
import { newFilterId } from './secrets';

@DefinitionRoutes()
@Controller('v1/merchants/:merchantId/filters')
export class FiltersController {
  constructor(
    private readonly orders: DefinitionOrders,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiAdded(FilterAnswer)
  async add(
    @Param('merchantId') merchantId: string,
    @Body() body: AddFilterRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<FilterAnswer> {
    const { filterId = newFilterId(), name = body.pattern, field, pattern } = body;
    const filter: Filter = { filterId, name, field, pattern };
    return find(await this.orders.carryOut(merchantId, { kind: 'add-filter', filter }, caller), filter.filterId);
  }

  @Get()
  @ApiOkResponse({ type: FiltersAnswer })
  async list(@Param('merchantId') merchantId: string): Promise<FiltersAnswer> {
    const { filters = [] } = await findMerchant(this.queries, merchantId);
    return { filters };
  }

  @Get(':filterId')
  @ApiOkResponse({ type: FilterAnswer })
  async find(@Param('merchantId') merchantId: string, @Param('filterId') filterId: string): Promise<FilterAnswer> {
    return find(await findMerchant(this.queries, merchantId), filterId);
  }

  @Patch(':filterId')
  @ApiOkResponse({ type: FilterAnswer })
  async change(
    @Param('merchantId') merchantId: string,
    @Param('filterId') filterId: string,
    @Body() changes: ChangeFilterRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<FilterAnswer> {
    return find(await this.orders.carryOut(merchantId, { kind: 'change-filter', filterId, changes }, caller), filterId);
  }

  @Delete(':filterId')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(
    @Param('merchantId') merchantId: string,
    @Param('filterId') filterId: string,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    await this.orders.carryOut(merchantId, { kind: 'remove-filter', filterId }, caller);
  }
}

const find = ({ merchantId, filters }: MerchantRecord, id: string): Filter =>
  known(
    filters?.find(({ filterId }) => filterId === id),
    'filter',
    id,
    merchantId,
  );
