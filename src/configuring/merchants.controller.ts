import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Res, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiDefaultResponse,
  ApiTags,
} from '@nestjs/swagger';
import { ApiCreatedResponse } from '@nestjs/swagger';
import type { Response } from 'express';
import { parseCurrency } from '../domain/currencies';
import { parseTimezone } from '../domain/merchant-settings';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import type { MerchantRecord } from '../stores/records';
import { answerMerchant, MerchantAnswer, MerchantsAnswer, ProblemAnswer } from './answers';
import { actorOf, AdminGuard, type Caller, CurrentCaller, MerchantGuard } from './authentication';
import { ChangeMerchant, DeleteMerchant, FindMerchant, ListMerchants, RegisterMerchant } from './merchants';
import { invalidRequest, problem, shown } from './problem';
import { problemOf } from './refusals';
import { requestPipe } from './request-validation';
import { ChangeMerchantRequest, PageQuery, RegisterMerchantRequest } from './requests';
import { newMerchantId } from './secrets';
import { WithoutQuery } from './without-query';

const pageDefault = 100;

@ApiTags('configure')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('v1/merchants')
@UsePipes(requestPipe)
export class MerchantsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    @Inject(CONFIGURATION) private readonly configuration: Pick<ResolvedConfiguration, 'partitions'>,
  ) {}

  @Post()
  @UseGuards(AdminGuard, WithoutQuery)
  @ApiCreatedResponse({ type: MerchantAnswer })
  @ApiConflictResponse({ description: 'The merchant exists, or existed.' })
  async register(
    @Body() body: RegisterMerchantRequest,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MerchantAnswer> {
    const merchantId = body.merchantId ?? newMerchantId();
    const settings = {
      name: body.name,
      timezone: parsed(parseTimezone, body.timezone ?? 'UTC'),
      currency: parsed(parseCurrency, body.currency ?? 'USD'),
      ...this.spreadIn(body, caller),
    };
    const done = await this.commands.execute(new RegisterMerchant(merchantId, settings, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    response.location(`/v1/merchants/${merchantId}`);
    return answerMerchant(done.merchant);
  }

  @Get()
  @UseGuards(AdminGuard)
  @ApiOkResponse({ type: MerchantsAnswer })
  async list(@Query() query: PageQuery): Promise<MerchantsAnswer> {
    const { merchants, next } = await this.queries.execute(new ListMerchants(query.after, query.limit ?? pageDefault));
    return { merchants: merchants.map(answerMerchant), next };
  }

  @Get(':merchantId')
  @UseGuards(MerchantGuard, WithoutQuery)
  @ApiOkResponse({ type: MerchantAnswer })
  @ApiNotFoundResponse({ description: 'Only the admin learns that a merchant does not exist.' })
  async find(@Param('merchantId') merchantId: string): Promise<MerchantAnswer> {
    return answerMerchant(await findMerchant(this.queries, merchantId));
  }

  @Patch(':merchantId')
  @UseGuards(MerchantGuard, WithoutQuery)
  @ApiOkResponse({ type: MerchantAnswer })
  async change(
    @Param('merchantId') merchantId: string,
    @Body() body: ChangeMerchantRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<MerchantAnswer> {
    const { name, timezone, currency, sessionsEndAtMidnight } = body;
    const settings = {
      ...(name === undefined ? {} : { name }),
      ...(timezone === undefined ? {} : { timezone: parsed(parseTimezone, timezone) }),
      ...(currency === undefined ? {} : { currency: parsed(parseCurrency, currency) }),
      ...(sessionsEndAtMidnight === undefined ? {} : { sessionsEndAtMidnight }),
      ...this.spreadIn(body, caller),
    };
    const done = await this.commands.execute(new ChangeMerchant(merchantId, settings, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return answerMerchant(done.merchant);
  }

  @Delete(':merchantId')
  @UseGuards(MerchantGuard, WithoutQuery)
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Keys and tokens stop working; the id stays taken; the log keeps its events.' })
  async delete(@Param('merchantId') merchantId: string, @CurrentCaller() caller: Caller): Promise<void> {
    const done = await this.commands.execute(new DeleteMerchant(merchantId, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
  }

  /** @throws ProblemException 403 for anyone but the admin: partitions are the installation's; 400 for more than there are */
  private spreadIn({ spread }: Pick<ChangeMerchantRequest, 'spread'>, caller: Caller): { spread?: number } {
    if (spread === undefined) return {};
    if (caller.kind !== 'admin') throw problem(403, 'Changing the spread of a merchant needs the admin token');
    const { partitions } = this.configuration;
    if (Number.isInteger(spread) && spread >= 1 && spread <= partitions) return { spread };
    const allowed = `must be a whole number from 1 to ${partitions}, the number of partitions`;
    throw invalidRequest([{ field: 'spread', detail: `${allowed}, not ${shown(spread)}` }]);
  }
}

/** @throws ProblemException 404 */
export async function findMerchant(queries: QueryBus, merchantId: string): Promise<MerchantRecord> {
  const found = await queries.execute(new FindMerchant(merchantId));
  if (found === undefined) throw problemOf({ reason: 'merchant-unknown' }, merchantId);
  return found;
}

/** The usual spelling of a value the request rules have let through. */
function parsed(parse: (text: string) => string | undefined, text: string): string {
  const value = parse(text);
  if (value === undefined) throw new Error(`${text} passed validation and does not parse`);
  return value;
}
