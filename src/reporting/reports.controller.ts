import { Controller, Get, Param, Query, Req, Res, UseGuards } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { ReportGuard } from '../configuring/authentication';
import { requestPipe } from '../configuring/request-validation';
import { answered, send } from './answering';
import { BreakdownQuery, type Breakdown } from './breakdown/breakdown';
import { BreakdownParameters, TimeseriesParameters } from './parameters';
import type { Unanswered } from './refusal';
import { TimeseriesQuery, type Timeseries } from './timeseries/timeseries';

@ApiTags('reports')
@ApiBearerAuth()
@ApiProduces('application/json', 'text/csv')
@UseGuards(ReportGuard)
@Controller('v1/merchants/:merchantId')
export class ReportsController {
  constructor(private readonly queries: QueryBus) {}

  @Get('timeseries')
  @ApiOperation({ summary: 'Numbers over time, a row an interval, empty ones included' })
  async timeseries(
    @Param('merchantId') merchantId: string,
    @Query(requestPipe) parameters: TimeseriesParameters,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const answer = answered(
      await this.queries.execute<TimeseriesQuery, Timeseries | Unanswered>(new TimeseriesQuery(merchantId, parameters)),
    );
    send(request, response, answer, {
      key: 'time',
      metrics: answer.metrics,
      rows: answer.rows,
      fileName: `${merchantId}-${answer.interval}`,
    });
  }

  @Get('breakdown')
  @ApiOperation({ summary: 'Numbers by the values of a dimension, the largest first' })
  async breakdown(
    @Param('merchantId') merchantId: string,
    @Query(requestPipe) parameters: BreakdownParameters,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const answer = answered(await this.queries.execute<BreakdownQuery, Breakdown | Unanswered>(new BreakdownQuery(merchantId, parameters)));
    const rows = answer.other === undefined ? answer.rows : [...answer.rows, answer.other];
    send(request, response, answer, { key: 'value', metrics: answer.metrics, rows, fileName: `${merchantId}-${answer.dimension}` });
  }
}
