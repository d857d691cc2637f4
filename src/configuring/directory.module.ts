import { Module } from '@nestjs/common';
import { AuthenticationModule } from './authentication.module';
import { DirectorySubscription } from './directory-subscription';
import { MerchantLog } from './merchant-log';

/** Keeps the directory of merchants and keys true to the log. Any process may run it; one at a time does the work. */
@Module({
  imports: [AuthenticationModule],
  providers: [MerchantLog, DirectorySubscription],
  exports: [MerchantLog],
})
export class DirectoryModule {}
