import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

const Text = Type.String();
/** Epoch ms, by the clock of the process that decided. */
const At = Type.Integer({ minimum: 0 });
const Role = Type.Union([Type.Literal('viewer'), Type.Literal('owner')]);
/** sha256, hex. The secrets themselves are stored nowhere. */
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });

const match = {
  event: Type.Optional(Text),
  page: Type.Optional(Text),
  hostname: Type.Optional(Text),
  properties: Type.Optional(Type.Record(Text, Type.Union([Text, Type.Number(), Type.Boolean()]))),
};
const Goal = Type.Object({ goalId: Text, name: Text, ...match });
const Step = Type.Object({ name: Text, ...match });
const Funnel = Type.Object({
  funnelId: Text,
  name: Text,
  steps: Type.Unsafe<readonly Static<typeof Step>[]>(Type.Array(Step)),
  open: Type.Boolean(),
  windowSeconds: Type.Integer({ minimum: 1 }),
});
const Rate = Type.Object({ currency: Text, from: Text, rate: Text });
const FilterField = Type.Union([Type.Literal('hostname'), Type.Literal('page'), Type.Literal('userAgent'), Type.Literal('address')]);
const Filter = Type.Object({ filterId: Text, name: Text, field: FilterField, pattern: Text });

/** The facts of a merchant by the name they are stored under. A stored shape never changes: another one gets another name. */
const ownFacts = {
  'merchant-registered.v1': Type.Object({ merchantId: Text, name: Text, timezone: Text, currency: Text, at: At }),
  'merchant-renamed.v1': Type.Object({ name: Text, at: At }),
  'timezone-changed.v1': Type.Object({ timezone: Text, at: At }),
  'currency-changed.v1': Type.Object({ currency: Text, at: At }),
  /** Over how many partitions its events are spread that happen from `since` on, epoch ms. */
  'spread-changed.v1': Type.Object({ spread: Type.Integer({ minimum: 1 }), since: At, at: At }),
  'source-added.v1': Type.Object({ sourceId: Text, name: Text, allowedOrigins: Type.Array(Text), keyHash: Hash, at: At }),
  /** Stored whole, as a changed goal, funnel or filter is. */
  'source-changed.v1': Type.Object({ sourceId: Text, name: Text, allowedOrigins: Type.Array(Text), at: At }),
  'write-key-rotated.v1': Type.Object({ sourceId: Text, keyHash: Hash, at: At }),
  'source-removed.v1': Type.Object({ sourceId: Text, at: At }),
  'token-issued.v1': Type.Object({ tokenId: Text, name: Text, role: Role, tokenHash: Hash, at: At }),
  'token-revoked.v1': Type.Object({ tokenId: Text, at: At }),
  /** `removed` goes before `set`; all rates in units of another currency than `into` are gone. */
  'rates-changed.v1': Type.Object({
    into: Text,
    set: Type.Unsafe<readonly Static<typeof Rate>[]>(Type.Array(Rate)),
    removed: Type.Unsafe<readonly Pick<Static<typeof Rate>, 'currency' | 'from'>[]>(
      Type.Array(Type.Object({ currency: Text, from: Text })),
    ),
    at: At,
  }),
  'merchant-deleted.v1': Type.Object({ at: At }),
} as const;

/** Those of its facts that change what its events are counted by: its Definitions. A changed goal, funnel or filter is stored whole. */
const definitionFacts = {
  'sessions-end-changed.v1': Type.Object({ sessionsEndAtMidnight: Type.Boolean(), at: At }),
  'goal-added.v1': Type.Object({ goal: Goal, at: At }),
  'goal-changed.v1': Type.Object({ goal: Goal, at: At }),
  'goal-removed.v1': Type.Object({ goalId: Text, at: At }),
  'funnel-added.v1': Type.Object({ funnel: Funnel, at: At }),
  'funnel-changed.v1': Type.Object({ funnel: Funnel, at: At }),
  'funnel-removed.v1': Type.Object({ funnelId: Text, at: At }),
  'filter-added.v1': Type.Object({ filter: Filter, at: At }),
  'filter-changed.v1': Type.Object({ filter: Filter, at: At }),
  'filter-removed.v1': Type.Object({ filterId: Text, at: At }),
  /** `visitor` as it is stored with events, never as it was sent. */
  'visitor-erased.v1': Type.Object({ visitor: Text, at: At }),
} as const;

const facts = { ...ownFacts, ...definitionFacts };

type FactsOf<Shapes extends { readonly [type: string]: TSchema }> = {
  [T in keyof Shapes]: { readonly type: T; readonly data: Static<Shapes[T]> };
}[keyof Shapes];

export type DefinitionEvent = FactsOf<typeof definitionFacts>;
export type MerchantEvent = FactsOf<typeof ownFacts> | DefinitionEvent;
type MerchantEventType = MerchantEvent['type'];

export const isDefinitionEvent = (event: MerchantEvent): event is DefinitionEvent => Object.hasOwn(definitionFacts, event.type);

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
