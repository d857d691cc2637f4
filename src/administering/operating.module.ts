import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { ProblemModule } from '../configuring/problem.module';
import { OperatingController } from './operating.controller';
import { timeRequests } from './request-timing';

/** Health and metrics, in every process; with it, every refusal over HTTP is problem+json. */
@Module({ imports: [ProblemModule], controllers: [OperatingController] })
export class OperatingModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(timeRequests).forRoutes('{*path}');
  }
}
