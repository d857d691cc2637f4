import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiDefaultResponse, ApiTags } from '@nestjs/swagger';
import { answerSource, ProblemAnswer, SourceAnswer, SourcesAnswer, WriteKeyAnswer } from './answers';
import { actorOf, type Caller, CurrentCaller, MerchantGuard } from './authentication';
import { findMerchant } from './merchants.controller';
import type { MerchantRecord } from '../stores/records';
import { problemOf } from './refusals';
import { requestPipe } from './request-validation';
import { AddSourceRequest, ChangeSourceRequest } from './requests';
import { AddSource, ChangeSource, RemoveSource, RotateWriteKey } from './sources';
import { WithoutQuery } from './without-query';

@ApiTags('configure')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('v1/merchants/:merchantId/sources')
@UseGuards(MerchantGuard, WithoutQuery)
@UsePipes(requestPipe)
export class SourcesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiCreatedResponse({ type: WriteKeyAnswer })
  async add(
    @Param('merchantId') merchantId: string,
    @Body() { name, allowedOrigins = [] }: AddSourceRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<WriteKeyAnswer> {
    const given = await this.commands.execute(new AddSource(merchantId, { name, allowedOrigins }, actorOf(caller)));
    if (!given.ok) throw problemOf(given.refusal, merchantId);
    return { sourceId: given.sourceId, writeKey: given.writeKey };
  }

  @Get()
  @ApiOkResponse({ type: SourcesAnswer })
  async list(@Param('merchantId') merchantId: string): Promise<SourcesAnswer> {
    const { sources } = await findMerchant(this.queries, merchantId);
    return { sources: sources.map(answerSource) };
  }

  @Get(':sourceId')
  @ApiOkResponse({ type: SourceAnswer })
  async find(@Param('merchantId') merchantId: string, @Param('sourceId') sourceId: string): Promise<SourceAnswer> {
    return find(await findMerchant(this.queries, merchantId), sourceId);
  }

  @Patch(':sourceId')
  @ApiOkResponse({ type: SourceAnswer, description: 'Its write key stays; other origins hold within seconds.' })
  async change(
    @Param('merchantId') merchantId: string,
    @Param('sourceId') sourceId: string,
    @Body() changes: ChangeSourceRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<SourceAnswer> {
    const done = await this.commands.execute(new ChangeSource(merchantId, sourceId, changes, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return find(done.merchant, sourceId);
  }

  @Delete(':sourceId')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Its write key stops working.' })
  async remove(
    @Param('merchantId') merchantId: string,
    @Param('sourceId') sourceId: string,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    const done = await this.commands.execute(new RemoveSource(merchantId, sourceId, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
  }

  @Post(':sourceId/rotate-key')
  @HttpCode(200)
  @ApiOkResponse({ type: WriteKeyAnswer, description: 'A new key; the old one stops working within seconds.' })
  async rotate(
    @Param('merchantId') merchantId: string,
    @Param('sourceId') sourceId: string,
    @CurrentCaller() caller: Caller,
  ): Promise<WriteKeyAnswer> {
    const given = await this.commands.execute(new RotateWriteKey(merchantId, sourceId, actorOf(caller)));
    if (!given.ok) throw problemOf(given.refusal, merchantId);
    return { sourceId: given.sourceId, writeKey: given.writeKey };
  }
}

/** @throws ProblemException 404 */
function find({ merchantId, sources }: MerchantRecord, sourceId: string): SourceAnswer {
  const found = sources.find((source) => source.sourceId === sourceId);
  if (found === undefined) throw problemOf({ reason: 'source-unknown', sourceId }, merchantId);
  return answerSource(found);
}
