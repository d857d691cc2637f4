import { randomBytes } from 'node:crypto';
import type { RecordStore } from './read-store';
import { recordKinds } from './records';

/** The one thing in the read store that cannot be counted again (docs/decisions/008-pseudonyms.md). Times are epoch ms. */
export type SecretRecord =
  /** 256 random bits, base64url. */
  | { secret: string; madeAt: number }
  /** With its merchant. It stays as a tombstone, so that no process that still knows the secret puts it back. */
  | { destroyedAt: number };

/**
 * The secret a merchant's visitors are pseudonymised under: the stored one, whoever wrote it first; made here where there is none.
 * Undefined when it was destroyed.
 * @param known the secret this process worked with until now: should the store have lost it, it is put back rather than replaced
 * @throws StoreUnavailable
 */
export async function pseudonymSecretOf(
  records: Pick<RecordStore, 'get' | 'putIf'>,
  merchantId: string,
  known?: string,
): Promise<string | undefined> {
  for (;;) {
    const found = (await records.get<SecretRecord>(recordKinds.secrets, merchantId))?.value;
    if (found !== undefined) return 'secret' in found ? found.secret : undefined;
    const made: SecretRecord = { secret: known ?? randomBytes(32).toString('base64url'), madeAt: Date.now() };
    if (await records.putIf(recordKinds.secrets, merchantId, made, 0)) return made.secret;
  }
}

/** Nobody can find out any more whose the merchant's events are. Idempotent. */
export async function destroyPseudonymSecret(records: Pick<RecordStore, 'put'>, merchantId: string): Promise<void> {
  const destroyed: SecretRecord = { destroyedAt: Date.now() };
  await records.put(recordKinds.secrets, merchantId, destroyed);
}
