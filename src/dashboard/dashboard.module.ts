import { Module } from '@nestjs/common';
import { DashboardController } from './dashboard.controller';

/** Served wherever reports are. */
@Module({ controllers: [DashboardController] })
export class DashboardModule {}
