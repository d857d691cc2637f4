import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AuthenticationModule } from './authentication.module';
import { DefinitionOrders } from './definition-routes';
import { definitionHandlers } from './definitions';
import { DirectoryModule } from './directory.module';
import { FiltersController } from './filters.controller';
import { FunnelsController } from './funnels.controller';
import { GoalsController } from './goals.controller';
import { merchantHandlers } from './merchants';
import { MerchantsController } from './merchants.controller';
import { ProblemModule } from './problem.module';
import { PseudonymSecrets } from './pseudonym-secrets';
import { rateHandlers } from './rates';
import { RatesController } from './rates.controller';
import { sourceHandlers } from './sources';
import { SourcesController } from './sources.controller';
import { tokenHandlers } from './tokens';
import { TokensController } from './tokens.controller';

/** Commands and queries on merchants, their sources, their tokens and what they define. */
@Module({
  imports: [CqrsModule, ProblemModule, AuthenticationModule, DirectoryModule],
  controllers: [
    MerchantsController,
    SourcesController,
    TokensController,
    GoalsController,
    FunnelsController,
    FiltersController,
    RatesController,
  ],
  providers: [
    PseudonymSecrets,
    DefinitionOrders,
    ...merchantHandlers,
    ...sourceHandlers,
    ...tokenHandlers,
    ...definitionHandlers,
    ...rateHandlers,
  ],
})
export class ConfiguringModule {}
