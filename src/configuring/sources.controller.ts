import { Body, Controller, Delete, Get, HttpCode, Param, Post, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiDefaultResponse, ApiTags } from '@nestjs/swagger';
import { answerSources, SourcesAnswer, WriteKeyAnswer, ProblemAnswer } from './answers';
import { actorOf, type Caller, CurrentCaller, MerchantGuard } from './authentication';
import { findMerchant } from './merchants.controller';
import { problemOf } from './refusals';
import { requestPipe } from './request-validation';
import { AddSourceRequest } from './requests';
import { AddSource, RemoveSource, RotateWriteKey } from './sources';

@ApiTags('configure')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('v1/merchants/:merchantId/sources')
@UseGuards(MerchantGuard)
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
    return answerSources(await findMerchant(this.queries, merchantId));
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
