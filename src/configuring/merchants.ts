import { Command, CommandHandler, type ICommandHandler, type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { MerchantRecord } from '../stores/records';
import { DirectoryRecords } from './directory-records';
import { type Actor, type CarriedOut, MerchantLog } from './merchant-log';
import { PseudonymSecrets } from './pseudonym-secrets';

export interface MerchantSettings {
  name: string;
  timezone: string;
  currency: string;
  /** Over how many partitions. */
  spread?: number;
}

export class RegisterMerchant extends Command<CarriedOut> {
  constructor(
    readonly merchantId: string,
    readonly settings: MerchantSettings,
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(RegisterMerchant)
class RegisterMerchantHandler implements ICommandHandler<RegisterMerchant> {
  constructor(
    private readonly log: MerchantLog,
    private readonly secrets: PseudonymSecrets,
  ) {}

  async execute({ merchantId, settings, by }: RegisterMerchant): Promise<CarriedOut> {
    const done = await this.log.carryOut(merchantId, { kind: 'register', merchantId, ...settings, now: Date.now() }, by);
    if (done.ok) await this.secrets.make(merchantId);
    return done;
  }
}

export class ChangeMerchant extends Command<CarriedOut> {
  constructor(
    readonly merchantId: string,
    readonly settings: Partial<MerchantSettings> & { sessionsEndAtMidnight?: boolean },
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(ChangeMerchant)
class ChangeMerchantHandler implements ICommandHandler<ChangeMerchant> {
  constructor(private readonly log: MerchantLog) {}

  execute({ merchantId, settings, by }: ChangeMerchant): Promise<CarriedOut> {
    return this.log.carryOut(merchantId, { kind: 'change', ...settings, now: Date.now() }, by);
  }
}

/**
 * Closes a merchant: every key and token stops working, the id stays taken. Its events stay in the log, but nobody can find out any
 * more which visitors they are about.
 */
export class DeleteMerchant extends Command<CarriedOut> {
  constructor(
    readonly merchantId: string,
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(DeleteMerchant)
class DeleteMerchantHandler implements ICommandHandler<DeleteMerchant> {
  constructor(
    private readonly log: MerchantLog,
    private readonly secrets: PseudonymSecrets,
  ) {}

  async execute({ merchantId, by }: DeleteMerchant): Promise<CarriedOut> {
    const done = await this.log.carryOut(merchantId, { kind: 'delete', now: Date.now() }, by);
    if (done.ok) await this.secrets.destroy(merchantId);
    return done;
  }
}

export class FindMerchant extends Query<MerchantRecord | undefined> {
  constructor(readonly merchantId: string) {
    super();
  }
}

@QueryHandler(FindMerchant)
class FindMerchantHandler implements IQueryHandler<FindMerchant> {
  constructor(private readonly directory: DirectoryRecords) {}

  execute({ merchantId }: FindMerchant): Promise<MerchantRecord | undefined> {
    return this.directory.merchant(merchantId);
  }
}

export interface MerchantPage {
  merchants: MerchantRecord[];
  /** What to ask the following page with; null on the last. */
  next: string | null;
}

export class ListMerchants extends Query<MerchantPage> {
  constructor(
    readonly after: string | undefined,
    readonly limit: number,
  ) {
    super();
  }
}

@QueryHandler(ListMerchants)
class ListMerchantsHandler implements IQueryHandler<ListMerchants> {
  constructor(private readonly directory: DirectoryRecords) {}

  execute({ after, limit }: ListMerchants): Promise<MerchantPage> {
    return this.directory.page(after, limit);
  }
}

export const merchantHandlers = [
  RegisterMerchantHandler,
  ChangeMerchantHandler,
  DeleteMerchantHandler,
  FindMerchantHandler,
  ListMerchantsHandler,
];
