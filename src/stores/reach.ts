import type { ReadStore } from './read-store';
import { type MerchantRecord, recordKinds } from './records';

/** Over how many partitions, from its home on, a merchant's events lie or are about to. */
export async function reachOf(records: Pick<ReadStore['records'], 'get'>, merchantId: string): Promise<number> {
  return (await records.get<MerchantRecord>(recordKinds.merchants, merchantId))?.value.reach ?? 1;
}
