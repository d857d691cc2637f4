import type { Api } from './api';
import { CommandFailed } from './command-failed';

/** What commands need of a merchant as `GET /v1/merchants/{m}` shows it. */
export interface Merchant {
  merchantId: string;
  name: string;
  timezone: string;
  currency: string;
  sources?: { sourceId: string; name: string; createdAt?: string | number }[];
}

export const merchantPath = (merchantId: string): string => `/v1/merchants/${encodeURIComponent(merchantId)}`;

export function findMerchant(api: Api, merchantId: string): Promise<Merchant | undefined> {
  return api.find<Merchant>(merchantPath(merchantId));
}

/** @throws CommandFailed when there is none and `create` is not asked for */
export async function merchantFor(api: Api, merchantId: string, create: { timezone: string } | undefined): Promise<Merchant> {
  const found = await findMerchant(api, merchantId);
  if (found !== undefined) return found;
  if (create === undefined) {
    throw new CommandFailed(`There is no merchant ${JSON.stringify(merchantId)}. Add --create to register it, or give another --merchant.`);
  }
  return api.post<Merchant>('/v1/merchants', { merchantId, name: merchantId, timezone: create.timezone });
}

/** A write key under this source name: a new source, or the old one with a new key. */
export async function writeKeyFor(api: Api, merchant: Merchant, sourceName: string): Promise<string> {
  const sources = `${merchantPath(merchant.merchantId)}/sources`;
  const known = merchant.sources?.find((source) => source.name === sourceName);
  const answer =
    known === undefined
      ? await api.post<{ writeKey: string }>(sources, { name: sourceName })
      : await api.post<{ writeKey: string }>(`${sources}/${encodeURIComponent(known.sourceId)}/rotate-key`);
  return answer.writeKey;
}
