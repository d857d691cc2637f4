import { Controller, Delete, HttpCode, Param, UseGuards } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiAcceptedResponse, ApiBearerAuth, ApiDefaultResponse, ApiNotFoundResponse, ApiTags } from '@nestjs/swagger';
import { ProblemAnswer } from '../configuring/answers';
import { actorOf, AdminGuard, type Caller, CurrentCaller } from '../configuring/authentication';
import { problem } from '../configuring/problem';
import { problemOf } from '../configuring/refusals';
import { WithoutQuery } from '../configuring/without-query';
import { limits } from '../protocol/limits';
import { ErasureAnswer } from './answers';
import { EraseVisitor } from './erasure';

@ApiTags('administer')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('admin/merchants/:merchantId/visitors')
@UseGuards(AdminGuard, WithoutQuery)
export class VisitorsController {
  constructor(private readonly commands: CommandBus) {}

  /** The answer is the same whether the visitor was ever seen: nobody can tell from a pseudonym. */
  @Delete(':visitorId')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: ErasureAnswer, description: 'The merchant is being counted again without the visitor.' })
  @ApiNotFoundResponse({ description: 'No such merchant.' })
  async erase(
    @Param('merchantId') merchantId: string,
    @Param('visitorId') visitorId: string,
    @CurrentCaller() caller: Caller,
  ): Promise<ErasureAnswer> {
    if (visitorId.length > limits.idLengthMax) {
      const detail = `a visitorId has at most ${limits.idLengthMax} characters, this one has ${visitorId.length}`;
      throw problem(400, `visitorId: ${detail}`, 'invalid-request', [{ field: 'visitorId', detail }]);
    }
    const outcome = await this.commands.execute(new EraseVisitor(merchantId, visitorId, actorOf(caller)));
    if (!outcome.ok) throw problemOf(outcome.refusal, merchantId);
    return { merchantId, erased: true, settingsRevision: outcome.settingsRevision };
  }
}
