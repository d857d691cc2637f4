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
import type { Filter } from '../domain/definitions';
import type { MerchantRecord } from '../stores/records';
import { ProblemAnswer } from './answers';
import { actorOf, type Caller, CurrentCaller, DefinitionGuard } from './authentication';
import { FilterAnswer, FiltersAnswer } from './definition-answers';
import { AddFilterRequest, ChangeFilterRequest } from './definition-requests';
import { ChangeDefinitions } from './definitions';
import { findMerchant } from './merchants.controller';
import { problemOf } from './refusals';
import { requestPipe } from './request-validation';
import { newFilterId } from './secrets';

@ApiTags('configure')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('v1/merchants/:merchantId/filters')
@UseGuards(DefinitionGuard)
@UsePipes(requestPipe)
export class FiltersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiCreatedResponse({ type: FilterAnswer, description: 'It counts for all of history, once that is counted again.' })
  @ApiConflictResponse({ description: 'There is another one with this id, or there are as many as may be.' })
  async add(
    @Param('merchantId') merchantId: string,
    @Body() body: AddFilterRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<FilterAnswer> {
    const { filterId = newFilterId(), name = body.pattern, field, pattern } = body;
    const filter: Filter = { filterId, name, field, pattern };
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, { kind: 'add-filter', filter }, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return find(done.merchant, filter.filterId);
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
    const order = { kind: 'change-filter', filterId, changes } as const;
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, order, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return find(done.merchant, filterId);
  }

  @Delete(':filterId')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(
    @Param('merchantId') merchantId: string,
    @Param('filterId') filterId: string,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, { kind: 'remove-filter', filterId }, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
  }
}

/** @throws ProblemException 404 */
function find({ merchantId, filters = [] }: MerchantRecord, id: string): Filter {
  const found = filters.find(({ filterId }) => filterId === id);
  if (found === undefined) throw problemOf({ reason: 'definition-unknown', kind: 'filter', id }, merchantId);
  return found;
}
