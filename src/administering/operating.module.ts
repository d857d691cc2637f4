import { Module } from '@nestjs/common';
import { ProblemModule } from '../configuring/problem.module';
import { OperatingController } from './operating.controller';

/** Health and metrics, in every process; with it, every refusal over HTTP is problem+json. */
@Module({ imports: [ProblemModule], controllers: [OperatingController] })
export class OperatingModule {}
