import fc from 'fast-check';
import { hashSecret } from '../../src/configuring/secrets';
import type { MerchantCommand } from '../../src/domain/merchant';

export const merchantIds = ['a', 'b', 'c'];
const ids = fc.constantFrom('1', '2', '3');
const now = fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 });
const hash = fc.uuid().map(hashSecret);
const order: fc.Arbitrary<MerchantCommand> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(...merchantIds).chain((merchantId) =>
      fc.record({
        kind: fc.constant('register' as const),
        merchantId: fc.constant(merchantId),
        name: fc.string(),
        timezone: fc.constant('UTC'),
        currency: fc.constant('USD'),
        now,
      }),
    ),
  },
  fc.record({
    kind: fc.constant('change' as const),
    name: fc.string(),
    timezone: fc.constantFrom('UTC', 'Asia/Tokyo', 'Europe/Berlin'),
    now,
  }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('add-source' as const),
      sourceId: ids,
      name: fc.string(),
      allowedOrigins: fc.constantFrom([], ['*']),
      keyHash: hash,
      now,
    }),
  },
  fc.record(
    { kind: fc.constant('change-source' as const), sourceId: ids, name: fc.string(), allowedOrigins: fc.constantFrom([], ['*']), now },
    { requiredKeys: ['kind', 'sourceId', 'now'] },
  ),
  fc.record({ kind: fc.constant('rotate-write-key' as const), sourceId: ids, keyHash: hash, now }),
  fc.record({ kind: fc.constant('remove-source' as const), sourceId: ids, now }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('issue-token' as const),
      tokenId: ids,
      name: fc.string(),
      role: fc.constantFrom('viewer' as const, 'owner' as const),
      tokenHash: hash,
      now,
    }),
  },
  fc.record({ kind: fc.constant('revoke-token' as const), tokenId: ids, now }),
  fc.record({ kind: fc.constant('change' as const), sessionsEndAtMidnight: fc.boolean(), now }),
  fc
    .tuple(ids, fc.constantFrom('sign_up', 'login'), now)
    .map(([goalId, event, now]): MerchantCommand => ({ kind: 'add-goal', goal: { goalId, name: 'Goal', event }, now })),
  fc.record({ kind: fc.constant('remove-goal' as const), goalId: ids, now }),
  {
    weight: 2,
    arbitrary: fc.tuple(ids, fc.constantFrom('10.0.0.0/8', '::1'), now).map(([filterId, pattern, now]): MerchantCommand => ({
      kind: 'add-filter',
      filter: { filterId, name: pattern, field: 'address', pattern },
      now,
    })),
  },
  fc.record({ kind: fc.constant('remove-filter' as const), filterId: ids, now }),
  fc.record({ kind: fc.constant('erase-visitor' as const), visitor: ids, now }),
  fc.record({ kind: fc.constant('change' as const), currency: fc.constantFrom('USD', 'CHF'), now }),
  fc
    .tuple(fc.uniqueArray(fc.constantFrom('EUR', 'GBP', 'JPY')), fc.constantFrom('1', '1.5'), now)
    .map(([currencies, rate, now]): MerchantCommand => ({
      kind: 'set-rates',
      rates: currencies.map((currency) => ({ currency, from: '2026-01-01', rate })),
      now,
    })),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), now }) },
);
/** Each to one of these merchants, who may not exist, or not any more. */
export const orders = fc.array(fc.tuple(fc.constantFrom(...merchantIds), order), { minLength: 1, maxLength: 40 });
