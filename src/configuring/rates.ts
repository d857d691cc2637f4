import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler, type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Rate, RateTable } from '../domain/rates';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { type RatesRecord, recordKinds } from '../stores/records';
import { type Actor, type CarriedOut, MerchantLog } from './merchant-log';

/** Puts a list of rates in place of those there are. */
export class SetRates extends Command<CarriedOut> {
  constructor(
    readonly merchantId: string,
    readonly rates: readonly Rate[],
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(SetRates)
class SetRatesHandler implements ICommandHandler<SetRates> {
  constructor(private readonly log: MerchantLog) {}

  execute({ merchantId, rates, by }: SetRates): Promise<CarriedOut> {
    return this.log.carryOut(merchantId, { kind: 'set-rates', rates, now: Date.now() }, by);
  }
}

/** Undefined where the merchant never gave any. */
export class FindRates extends Query<RateTable | undefined> {
  constructor(readonly merchantId: string) {
    super();
  }
}

@QueryHandler(FindRates)
class FindRatesHandler implements IQueryHandler<FindRates> {
  constructor(@Inject(READ_STORE) private readonly store: ReadStore) {}

  async execute({ merchantId }: FindRates): Promise<RateTable | undefined> {
    return (await this.store.records.get<RatesRecord>(recordKinds.rates, merchantId))?.value;
  }
}

export const rateHandlers = [SetRatesHandler, FindRatesHandler];
