import { Controller, Get, Param, Query, Req, Res, UseGuards } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiDefaultResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { ProblemAnswer } from '../configuring/answers';
import { ReportGuard } from '../configuring/authentication';
import { problem } from '../configuring/problem';
import { requestPipe } from '../configuring/request-validation';
import { ApiEvents, ApiTable, BreakdownAnswer, FunnelReportAnswer, RealtimeAnswer, RetentionAnswer, TimeseriesAnswer } from './answers';
import { AskedTogether } from './asked-together';
import { answered, send } from './answering';
import { BreakdownQuery, type Breakdown } from './breakdown/breakdown';
import { DayParameters, RetentionParameters } from './day-parameters';
import { FunnelQuery, funnelTable, type FunnelReport } from './funnels/funnels';
import { EventStream } from './live/event-stream';
import { LiveNumbers } from './live/live-numbers';
import { BreakdownParameters, RealtimeParameters, TimeseriesParameters } from './parameters';
import { RealtimeQuery, type Realtime } from './realtime/realtime';
import type { Unanswered } from './refusal';
import { RetentionQuery, retentionTable, type Retention } from './retention/retention';
import { TimeseriesQuery, type Timeseries } from './timeseries/timeseries';

@ApiTags('reports')
@ApiBearerAuth()
@ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' })
@UseGuards(ReportGuard)
@Controller('v1/merchants/:merchantId')
export class ReportsController {
  private readonly together = new AskedTogether();

  constructor(
    private readonly queries: QueryBus,
    private readonly liveNumbers: LiveNumbers,
  ) {}

  @Get('timeseries')
  @ApiTable(TimeseriesAnswer)
  @ApiOperation({ summary: 'Numbers over time, a row an interval, empty ones included' })
  async timeseries(
    @Param('merchantId') merchantId: string,
    @Query(requestPipe) parameters: TimeseriesParameters,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const answer = answered(
      await this.together.ask(`timeseries ${merchantId} ${JSON.stringify(parameters)}`, () =>
        this.queries.execute<TimeseriesQuery, Timeseries | Unanswered>(new TimeseriesQuery(merchantId, parameters)),
      ),
    );
    send(request, response, answer, {
      key: 'time',
      metrics: answer.metrics,
      rows: answer.rows,
      fileName: `${merchantId}-${answer.interval}`,
    });
  }

  @Get('breakdown')
  @ApiTable(BreakdownAnswer)
  @ApiOperation({ summary: 'Numbers by the values of a dimension, the largest first' })
  async breakdown(
    @Param('merchantId') merchantId: string,
    @Query(requestPipe) parameters: BreakdownParameters,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const answer = answered(
      await this.together.ask(`breakdown ${merchantId} ${JSON.stringify(parameters)}`, () =>
        this.queries.execute<BreakdownQuery, Breakdown | Unanswered>(new BreakdownQuery(merchantId, parameters)),
      ),
    );
    const rows = answer.other === undefined ? answer.rows : [...answer.rows, answer.other];
    send(request, response, answer, { key: 'value', metrics: answer.metrics, rows, fileName: `${merchantId}-${answer.dimension}` });
  }

  @Get('retention')
  @ApiTable(RetentionAnswer)
  @ApiOperation({
    summary: 'Cohorts of visitors by the day, week or month of their first visit, and how many return in each period after it',
  })
  async retention(
    @Param('merchantId') merchantId: string,
    @Query(requestPipe) parameters: RetentionParameters,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const answer = answered(await this.queries.execute<RetentionQuery, Retention | Unanswered>(new RetentionQuery(merchantId, parameters)));
    send(request, response, answer, retentionTable(answer));
  }

  @Get('funnels/:funnelId')
  @ApiTable(FunnelReportAnswer)
  @ApiOperation({ summary: 'How many visitors reach each step of a funnel, how many are lost on the way, and how long they take' })
  async funnel(
    @Param('merchantId') merchantId: string,
    @Param('funnelId') funnelId: string,
    @Query(requestPipe) parameters: DayParameters,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const answer = answered(
      await this.queries.execute<FunnelQuery, FunnelReport | Unanswered>(new FunnelQuery(merchantId, funnelId, parameters)),
    );
    send(request, response, answer, funnelTable(answer));
  }

  @Get('realtime')
  @ApiTable(RealtimeAnswer)
  @ApiOperation({ summary: 'The last 30 minutes by minute, who is active, the pages most viewed in them, and today so far' })
  async realtime(
    @Param('merchantId') merchantId: string,
    @Query(requestPipe) parameters: RealtimeParameters,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const answer = answered(await this.queries.execute<RealtimeQuery, Realtime | Unanswered>(new RealtimeQuery(merchantId, parameters)));
    send(request, response, answer, { key: 'time', metrics: answer.metrics, rows: answer.rows, fileName: `${merchantId}-realtime` });
  }

  @Get('live')
  @ApiEvents(RealtimeAnswer)
  @ApiOperation({ summary: 'The realtime answer as server-sent events: at once, then whenever a number changes, at most one a second' })
  async live(
    @Param('merchantId') merchantId: string,
    @Query(requestPipe) parameters: RealtimeParameters,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const place = this.liveNumbers.reserve(merchantId);
    if (place === undefined) throw problem(503, 'As many are listening as this process serves: try again later', 'too-many-listeners');
    response.on('close', () => place.leave());
    const first = answered(await this.liveNumbers.first(merchantId, parameters));
    if (response.destroyed) return;
    const stream = new EventStream(response);
    // Whoever asks for the headers alone waits for their end, and with it whatever is asked next on the same connection.
    if (request.method === 'HEAD') return stream.end();
    stream.frame(JSON.stringify(first));
    place.listen(parameters, first, {
      frame: (json) => stream.frame(json),
      end: (reason) => (reason === undefined ? stream.end() : stream.fail(reason.detail)),
    });
  }
}
