import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

const Text = Type.String();
/** Epoch ms, by the clock of the process that decided. */
const At = Type.Integer({ minimum: 0 });
const Role = Type.Union([Type.Literal('viewer'), Type.Literal('owner')]);
/** sha256, hex. The secrets themselves are stored nowhere. */
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** The facts of a merchant by the name they are stored under. A stored shape never changes: another one gets another name. */
const facts = {
  'merchant-registered.v1': Type.Object({ merchantId: Text, name: Text, timezone: Text, currency: Text, at: At }),
  'merchant-renamed.v1': Type.Object({ name: Text, at: At }),
  'timezone-changed.v1': Type.Object({ timezone: Text, at: At }),
  'currency-changed.v1': Type.Object({ currency: Text, at: At }),
  'source-added.v1': Type.Object({ sourceId: Text, name: Text, allowedOrigins: Type.Array(Text), keyHash: Hash, at: At }),
  'write-key-rotated.v1': Type.Object({ sourceId: Text, keyHash: Hash, at: At }),
  'source-removed.v1': Type.Object({ sourceId: Text, at: At }),
  'token-issued.v1': Type.Object({ tokenId: Text, name: Text, role: Role, tokenHash: Hash, at: At }),
  'token-revoked.v1': Type.Object({ tokenId: Text, at: At }),
  'merchant-deleted.v1': Type.Object({ at: At }),
} as const;

type Facts = typeof facts;
type MerchantEventType = keyof Facts;
type Fact<T extends MerchantEventType> = { readonly type: T; readonly data: Static<Facts[T]> };

type MerchantRegistered = Fact<'merchant-registered.v1'>;
type MerchantRenamed = Fact<'merchant-renamed.v1'>;
type TimezoneChanged = Fact<'timezone-changed.v1'>;
type CurrencyChanged = Fact<'currency-changed.v1'>;
type SourceAdded = Fact<'source-added.v1'>;
type WriteKeyRotated = Fact<'write-key-rotated.v1'>;
type SourceRemoved = Fact<'source-removed.v1'>;
type TokenIssued = Fact<'token-issued.v1'>;
type TokenRevoked = Fact<'token-revoked.v1'>;
type MerchantDeleted = Fact<'merchant-deleted.v1'>;

export type MerchantEvent =
  | MerchantRegistered
  | MerchantRenamed
  | TimezoneChanged
  | CurrencyChanged
  | SourceAdded
  | WriteKeyRotated
  | SourceRemoved
  | TokenIssued
  | TokenRevoked
  | MerchantDeleted;

export type MerchantRole = Static<typeof Role>;

/**
 * A stored record as the fact it is.
 * @throws UnreadableFact for a name or a shape this version does not know: deciding without knowing a fact would be guessing
 */
export function readMerchantEvent(type: string, json: string): MerchantEvent {
  if (!Object.hasOwn(facts, type)) throw new UnreadableFact(`${type} is no merchant event this version knows`);
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch (error) {
    throw new UnreadableFact(`${type} is not JSON: ${(error as Error).message}`);
  }
  if (!Value.Check(facts[type as MerchantEventType], data)) throw new UnreadableFact(`${type} does not have the shape of its name`);
  return { type, data } as MerchantEvent;
}

export class UnreadableFact extends Error {
  override readonly name = 'UnreadableFact';
}
