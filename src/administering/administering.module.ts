import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AuthenticationModule } from '../configuring/authentication.module';
import { DirectoryModule } from '../configuring/directory.module';
import { ProblemModule } from '../configuring/problem.module';
import { RebuildDiffs } from './diff';
import { EraseVisitorHandler } from './erasure';
import { LogController } from './log.controller';
import { ListPartitionsHandler } from './partitions';
import { ListProjectionsHandler } from './projections';
import { ProjectionsController } from './projections.controller';
import { FindRebuildHandler, ListRebuildsHandler, WishOnRebuildHandler } from './rebuilds';
import { ListRejectsHandler } from './rejects';
import { ReplayRejectsHandler } from './replay';
import { ResetProjectionHandler } from './reset';
import { VisitorsController } from './visitors.controller';

/** Resets and rebuilds of projections, the standing of partitions, what was refused, and the erasure of visitors. */
@Module({
  imports: [CqrsModule, ProblemModule, AuthenticationModule, DirectoryModule],
  controllers: [ProjectionsController, LogController, VisitorsController],
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
    EraseVisitorHandler,
  ],
})
export class AdministeringModule {}
