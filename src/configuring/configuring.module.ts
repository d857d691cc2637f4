import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AuthenticationModule } from './authentication.module';
import { DirectoryModule } from './directory.module';
import { merchantHandlers } from './merchants';
import { MerchantsController } from './merchants.controller';
import { ProblemModule } from './problem.module';
import { sourceHandlers } from './sources';
import { SourcesController } from './sources.controller';
import { tokenHandlers } from './tokens';
import { TokensController } from './tokens.controller';

/** Commands and queries on merchants, their sources and their tokens. */
@Module({
  imports: [CqrsModule, ProblemModule, AuthenticationModule, DirectoryModule],
  controllers: [MerchantsController, SourcesController, TokensController],
  providers: [...merchantHandlers, ...sourceHandlers, ...tokenHandlers],
})
export class ConfiguringModule {}
