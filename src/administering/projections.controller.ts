import { Body, Controller, Get, HttpCode, Param, Post, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiDefaultResponse,
  ApiTags,
} from '@nestjs/swagger';
import { ProblemAnswer } from '../configuring/answers';
import { AdminGuard } from '../configuring/authentication';
import { problem, type ProblemException, shown } from '../configuring/problem';
import { requestPipe } from '../configuring/request-validation';
import { WithoutQuery } from '../configuring/without-query';
import { unreachable } from '../domain/unreachable';
import { answerRebuild, ProjectionsAnswer, RebuildAnswer, RebuildsAnswer, ResetAnswer, WishAnswer } from './answers';
import { ListProjections } from './projections';
import { FindRebuild, ListRebuilds, type Wish, WishOnRebuild } from './rebuilds';
import { ResetRequest } from './requests';
import { type ResetOutcome, ResetProjection } from './reset';

@ApiTags('administer')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@Controller('admin')
@UseGuards(AdminGuard, WithoutQuery)
@UsePipes(requestPipe)
export class ProjectionsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('projections')
  @ApiOkResponse({ type: ProjectionsAnswer })
  async list(): Promise<ProjectionsAnswer> {
    return { projections: await this.queries.execute(new ListProjections()) };
  }

  @Post('projections/:name/reset')
  @HttpCode(202)
  @ApiBody({ type: ResetRequest, required: false })
  @ApiAcceptedResponse({ type: ResetAnswer })
  @ApiNotFoundResponse({ description: 'No such projection; says which there are.' })
  @ApiConflictResponse({
    description: 'A rebuild of it runs already, or waits for a decision; says which. One that was rolled back gives way.',
  })
  async reset(@Param('name') name: string, @Body() request: ResetRequest): Promise<ResetAnswer> {
    mustBeARange(request);
    const outcome = await this.commands.execute(new ResetProjection(name, request));
    if (!outcome.ok) throw problemOf(outcome, name, request);
    return { rebuildId: outcome.rebuildId };
  }

  @Get('rebuilds')
  @ApiOkResponse({ type: RebuildsAnswer })
  async rebuilds(): Promise<RebuildsAnswer> {
    return { rebuilds: (await this.queries.execute(new ListRebuilds())).map(answerRebuild) };
  }

  @Get('rebuilds/:rebuildId')
  @ApiOkResponse({ type: RebuildAnswer })
  async rebuild(@Param('rebuildId') rebuildId: string): Promise<RebuildAnswer> {
    const found = await this.queries.execute(new FindRebuild(rebuildId));
    if (found === undefined) throw rebuildUnknown(rebuildId);
    return answerRebuild(found);
  }

  @Post('rebuilds/:rebuildId/promote')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: WishAnswer })
  @ApiConflictResponse({ description: 'Not possible as it stands; says why.' })
  promote(@Param('rebuildId') rebuildId: string): Promise<WishAnswer> {
    return this.wish(rebuildId, 'promote');
  }

  @Post('rebuilds/:rebuildId/cancel')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: WishAnswer })
  @ApiConflictResponse({ description: 'Not possible as it stands; says why.' })
  cancel(@Param('rebuildId') rebuildId: string): Promise<WishAnswer> {
    return this.wish(rebuildId, 'cancel');
  }

  @Post('rebuilds/:rebuildId/rollback')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: WishAnswer, description: 'What served before serves again.' })
  @ApiConflictResponse({ description: 'Not possible as it stands; says why.' })
  rollback(@Param('rebuildId') rebuildId: string): Promise<WishAnswer> {
    return this.wish(rebuildId, 'rollback');
  }

  private async wish(rebuildId: string, wish: Wish): Promise<WishAnswer> {
    const outcome = await this.commands.execute(new WishOnRebuild(rebuildId, wish));
    if (outcome.ok) return { rebuildId, state: outcome.rebuild.state, wish };
    if (outcome.reason === 'rebuild-unknown') throw rebuildUnknown(rebuildId);
    throw problem(409, `${rebuildId} cannot be ${done[wish]}: ${outcome.detail}`, 'not-possible');
  }
}

const done: Record<Wish, string> = { promote: 'promoted', cancel: 'cancelled', rollback: 'rolled back' };

const rebuildUnknown = (rebuildId: string): ProblemException =>
  problem(404, `There is no rebuild ${shown(rebuildId)}; GET /admin/rebuilds lists them`, 'rebuild-unknown');

/** A date counts to its end, so the same date twice is one day. */
function mustBeARange({ from, to }: ResetRequest): void {
  for (const [field, text] of Object.entries({ from, to })) {
    if (text === undefined || !Number.isNaN(Date.parse(text))) continue;
    const detail = `must be a date (2026-01-31) or a date-time, not ${shown(text)}`;
    throw problem(400, `${field}: ${detail}`, 'invalid-request', [{ field, detail }]);
  }
  if (from === undefined || to === undefined) return;
  const end = Date.parse(to) + (to.includes('T') ? 0 : 86_400_000);
  if (Date.parse(from) >= end) {
    const detail = `must be after from (${from}), not ${to}`;
    throw problem(400, `to: ${detail}`, 'invalid-request', [{ field: 'to', detail }]);
  }
}

function whatRuns(
  { rebuildId, state, promote, wish }: Extract<ResetOutcome, { reason: 'rebuild-running' }>['rebuild'],
  name: string,
): string {
  if (wish === 'promote') return `${rebuildId} of ${shown(name)} is being promoted; ask again once it serves`;
  if (state === 'caught-up' && promote === 'manual')
    return `${rebuildId} has counted ${shown(name)} again and waits for a decision; promote it, or cancel it first`;
  return `${rebuildId} rebuilds ${shown(name)} already; wait for it, or cancel it first`;
}

function problemOf(outcome: Extract<ResetOutcome, { ok: false }>, name: string, request: ResetRequest): ProblemException {
  switch (outcome.reason) {
    case 'projection-unknown':
      return problem(404, `There is no projection ${shown(name)}; there are ${outcome.known.join(', ')}`, outcome.reason);
    case 'projection-retired':
      return problem(409, `The code of this version counts no ${shown(name)} any more, so it cannot be rebuilt`, outcome.reason);
    case 'merchant-unknown': {
      const detail = `there is no merchant ${shown(request.merchantId)}`;
      return problem(400, `merchantId: ${detail}`, outcome.reason, [{ field: 'merchantId', detail }]);
    }
    case 'rebuild-running':
      return problem(409, whatRuns(outcome.rebuild, name), outcome.reason);
    case 'nothing-counted':
      return problem(
        409,
        'No worker has begun to count yet, so there is nothing to count again; is a process with the role projecting running?',
        outcome.reason,
      );
    case 'contended':
      return problem(409, 'Others reset projections at the same moment, several times; nothing was begun, try again', outcome.reason);
    default:
      return unreachable(outcome);
  }
}
