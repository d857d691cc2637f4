import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AuthenticationModule } from '../configuring/authentication.module';
import { ProblemModule } from '../configuring/problem.module';
import { RebuildDiffs } from './diff';
import { LogController } from './log.controller';
import { ListPartitionsHandler } from './partitions';
import { ListProjectionsHandler } from './projections';
import { ProjectionsController } from './projections.controller';
import { FindRebuildHandler, ListRebuildsHandler, WishOnRebuildHandler } from './rebuilds';
import { ListRejectsHandler } from './rejects';
import { ReplayRejectsHandler } from './replay';
import { ResetProjectionHandler } from './reset';

/** Resets and rebuilds of projections, the standing of partitions, and what was refused. */
@Module({
  imports: [CqrsModule, ProblemModule, AuthenticationModule],
  controllers: [ProjectionsController, LogController],
  providers: [
    ListProjectionsHandler,
    ResetProjectionHandler,
    ListRebuildsHandler,
    FindRebuildHandler,
    WishOnRebuildHandler,
    RebuildDiffs,
    ListPartitionsHandler,
    ListRejectsHandler,
    ReplayRejectsHandler,
  ],
})
export class AdministeringModule {}
