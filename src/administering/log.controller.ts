import { Body, Controller, Get, HttpCode, Post, Query, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiConflictResponse, ApiOkResponse, ApiDefaultResponse, ApiTags } from '@nestjs/swagger';
import { ProblemAnswer } from '../configuring/answers';
import { AdminGuard } from '../configuring/authentication';
import { problem } from '../configuring/problem';
import { requestPipe } from '../configuring/request-validation';
import { WithoutQuery } from '../configuring/without-query';
import { answerReject, PartitionsAnswer, RejectsAnswer, ReplayAnswer } from './answers';
import { ListPartitions } from './partitions';
import { ListRejects } from './rejects';
import { ReplayRejects } from './replay';
import { RejectsQuery, ReplayRequest } from './requests';

const rejectsDefault = 100;
const replayDefault = 10_000;

@ApiTags('administer')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('admin')
@UseGuards(AdminGuard)
@UsePipes(requestPipe)
export class LogController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('partitions')
  @UseGuards(WithoutQuery)
  @ApiOkResponse({ type: PartitionsAnswer })
  async partitions(): Promise<PartitionsAnswer> {
    return { partitions: await this.queries.execute(new ListPartitions()) };
  }

  @Get('rejects')
  @ApiOkResponse({ type: RejectsAnswer })
  async rejects(@Query() { merchantId, reason, limit = rejectsDefault }: RejectsQuery): Promise<RejectsAnswer> {
    const { rejects, complete } = await this.queries.execute(new ListRejects({ merchantId, reason }, limit));
    return { rejects: rejects.map(answerReject), complete };
  }

  @Post('rejects/replay')
  @UseGuards(WithoutQuery)
  @HttpCode(200)
  @ApiOkResponse({ type: ReplayAnswer, description: 'Refused events judged again by the rules of today; those that pass are counted.' })
  @ApiBody({ type: ReplayRequest, required: false })
  @ApiConflictResponse({ description: 'A replay runs already.' })
  async replay(@Body() { merchantId, reason, limit = replayDefault }: ReplayRequest): Promise<ReplayAnswer> {
    const outcome = await this.commands.execute(new ReplayRejects({ merchantId, reason }, limit));
    if (!outcome.ok) throw problem(409, 'A replay of rejects runs already; wait for its answer', outcome.reason);
    const { replayed, stillRefused, complete } = outcome;
    return { replayed, stillRefused, complete };
  }
}
