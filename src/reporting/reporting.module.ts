import { Module, type OnModuleInit } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AuthenticationModule } from '../configuring/authentication.module';
import { ProblemModule } from '../configuring/problem.module';
import { DashboardModule } from '../dashboard/dashboard.module';
import { BreakdownHandler } from './breakdown/breakdown';
import { CLOCK } from './clock';
import { ReportDocuments } from './documents';
import { RsocketEndpoint } from '../rsocket/endpoint';
import { RsocketModule } from '../rsocket/rsocket.module';
import { FoldedDefinitions } from './folded-definitions';
import { FunnelHandler } from './funnels/funnels';
import { LiveNumbers } from './live/live-numbers';
import { LiveRoute } from './live/live-route';
import { Preparation } from './preparing';
import { RealtimeHandler } from './realtime/realtime';
import { ReportsController } from './reports.controller';
import { RetentionHandler } from './retention/retention';
import { Standings } from './standing';
import { TimeseriesHandler } from './timeseries/timeseries';

/** Answers from the read models; writes nothing. */
@Module({
  imports: [CqrsModule, AuthenticationModule, ProblemModule, DashboardModule, RsocketModule],
  controllers: [ReportsController],
  providers: [
    { provide: CLOCK, useValue: () => Date.now() },
    Standings,
    Preparation,
    ReportDocuments,
    FoldedDefinitions,
    TimeseriesHandler,
    BreakdownHandler,
    RealtimeHandler,
    RetentionHandler,
    FunnelHandler,
    LiveNumbers,
    LiveRoute,
  ],
})
export class ReportingModule implements OnModuleInit {
  constructor(
    private readonly endpoint: RsocketEndpoint,
    private readonly live: LiveRoute,
  ) {}

  onModuleInit(): void {
    this.endpoint.answer(this.live);
  }
}
