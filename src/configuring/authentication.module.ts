import { Module } from '@nestjs/common';
import { AdminGuard, Authenticator, DefinitionGuard, MerchantGuard, ReportGuard } from './authentication';
import { DirectoryRecords } from './directory-records';

/** For every module with routes that need a token. */
@Module({
  providers: [DirectoryRecords, Authenticator, AdminGuard, MerchantGuard, DefinitionGuard, ReportGuard],
  exports: [DirectoryRecords, Authenticator, AdminGuard, MerchantGuard, DefinitionGuard, ReportGuard],
})
export class AuthenticationModule {}
