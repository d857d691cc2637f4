import { Body, Controller, Delete, Get, HttpCode, Param, Post, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiDefaultResponse, ApiTags } from '@nestjs/swagger';
import { answerTokens, TokenGivenAnswer, TokensAnswer, ProblemAnswer } from './answers';
import { actorOf, type Caller, CurrentCaller, MerchantGuard } from './authentication';
import { findMerchant } from './merchants.controller';
import { problemOf } from './refusals';
import { requestPipe } from './request-validation';
import { IssueTokenRequest } from './requests';
import { IssueToken, RevokeToken } from './tokens';
import { WithoutQuery } from './without-query';

@ApiTags('configure')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('v1/merchants/:merchantId/tokens')
@UseGuards(MerchantGuard, WithoutQuery)
@UsePipes(requestPipe)
export class TokensController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiCreatedResponse({ type: TokenGivenAnswer })
  async issue(
    @Param('merchantId') merchantId: string,
    @Body() { name, role }: IssueTokenRequest,
    @CurrentCaller() caller: Caller,
  ): Promise<TokenGivenAnswer> {
    const given = await this.commands.execute(new IssueToken(merchantId, { name, role }, actorOf(caller)));
    if (!given.ok) throw problemOf(given.refusal, merchantId);
    return { tokenId: given.tokenId, token: given.token };
  }

  @Get()
  @ApiOkResponse({ type: TokensAnswer })
  async list(@Param('merchantId') merchantId: string): Promise<TokensAnswer> {
    return answerTokens(await findMerchant(this.queries, merchantId));
  }

  @Delete(':tokenId')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'The token stops working.' })
  async revoke(@Param('merchantId') merchantId: string, @Param('tokenId') tokenId: string, @CurrentCaller() caller: Caller): Promise<void> {
    const done = await this.commands.execute(new RevokeToken(merchantId, tokenId, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
  }
}
