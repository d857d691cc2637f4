import { type MerchantCommand, type MerchantRefusal, merchant } from '../../src/domain/merchant';
import { type MerchantEvent, readMerchantEvent, UnreadableFact } from '../../src/domain/merchant-events';
import { merchantLimits } from '../../src/domain/merchant-settings';

const at = 1_700_000_000_000;
const later = at + 1;
const keyHash = 'a'.repeat(64);
const otherHash = 'b'.repeat(64);

const registered: MerchantEvent = {
  type: 'merchant-registered.v1',
  data: { merchantId: 'shop', name: 'Shop', timezone: 'UTC', currency: 'USD', at },
};
const source = (sourceId: string): MerchantEvent => ({
  type: 'source-added.v1',
  data: { sourceId, name: 'web', allowedOrigins: [], keyHash, at },
});
const changed = (name: string, allowedOrigins: string[]): MerchantEvent => ({
  type: 'source-changed.v1',
  data: { sourceId: 's', name, allowedOrigins, at: later },
});
const token = (tokenId: string): MerchantEvent => ({
  type: 'token-issued.v1',
  data: { tokenId, name: 'board', role: 'viewer', tokenHash: keyHash, at },
});
const deleted: MerchantEvent = { type: 'merchant-deleted.v1', data: { at } };

const given = (...events: MerchantEvent[]) => ({
  when: (command: MerchantCommand) => {
    const decision = merchant.decide(command, events.reduce(merchant.evolve, merchant.initial));
    return {
      then: (...expected: MerchantEvent[]) => expect(decision).toEqual({ ok: true, events: expected }),
      thenRefused: (refusal: MerchantRefusal) => expect(decision).toEqual({ ok: false, refusal }),
    };
  },
});

const register: MerchantCommand = { kind: 'register', merchantId: 'shop', name: 'Shop', timezone: 'UTC', currency: 'USD', now: at };
const addSource: MerchantCommand = { kind: 'add-source', sourceId: 's', name: 'web', allowedOrigins: [], keyHash, now: at };
const rotate: MerchantCommand = { kind: 'rotate-write-key', sourceId: 's', keyHash: otherHash, now: later };
const issue: MerchantCommand = { kind: 'issue-token', tokenId: 't', name: 'board', role: 'viewer', tokenHash: keyHash, now: at };

describe('A merchant', () => {
  it('is registered once', () => {
    given().when(register).then(registered);
    given(registered).when(register).thenRefused({ reason: 'merchant-exists' });
  });

  it('cannot be changed before it is registered', () => {
    for (const command of [{ kind: 'change', name: 'New', now: at }, addSource, rotate, issue, { kind: 'delete', now: at }] as const) {
      given().when(command).thenRefused({ reason: 'merchant-unknown' });
    }
  });

  it('records one fact for each setting that really changes', () => {
    given(registered)
      .when({ kind: 'change', name: 'New', timezone: 'Europe/Berlin', currency: 'EUR', now: later })
      .then(
        { type: 'merchant-renamed.v1', data: { name: 'New', at: later } },
        { type: 'timezone-changed.v1', data: { timezone: 'Europe/Berlin', at: later } },
        { type: 'currency-changed.v1', data: { currency: 'EUR', at: later } },
      );
    given(registered).when({ kind: 'change', name: 'Shop', timezone: 'UTC', currency: 'USD', now: later }).then();
  });

  it('knows a changed setting as the one to compare with', () => {
    given(registered, { type: 'timezone-changed.v1', data: { timezone: 'Europe/Berlin', at } })
      .when({ kind: 'change', timezone: 'UTC', now: later })
      .then({ type: 'timezone-changed.v1', data: { timezone: 'UTC', at: later } });
  });

  it('gets sources, whose keys are rotated until they are removed', () => {
    given(registered).when(addSource).then(source('s'));
    given(registered, source('s'))
      .when(rotate)
      .then({ type: 'write-key-rotated.v1', data: { sourceId: 's', keyHash: otherHash, at: later } });
    given(registered, source('s')).when({ kind: 'change-source', sourceId: 's', name: 'app', now: later }).then(changed('app', []));
    given(registered, source('s'))
      .when({ kind: 'remove-source', sourceId: 's', now: later })
      .then({ type: 'source-removed.v1', data: { sourceId: 's', at: later } });
    const removed: MerchantEvent = { type: 'source-removed.v1', data: { sourceId: 's', at } };
    given(registered, source('s'), removed).when(rotate).thenRefused({ reason: 'source-unknown', sourceId: 's' });
    given(registered).when({ kind: 'remove-source', sourceId: 's', now: at }).thenRefused({ reason: 'source-unknown', sourceId: 's' });
  });

  it('gets tokens, which are revoked once', () => {
    given(registered).when(issue).then(token('t'));
    given(registered, token('t'))
      .when({ kind: 'revoke-token', tokenId: 't', now: later })
      .then({ type: 'token-revoked.v1', data: { tokenId: 't', at: later } });
    given(registered, token('t'), { type: 'token-revoked.v1', data: { tokenId: 't', at } })
      .when({ kind: 'revoke-token', tokenId: 't', now: later })
      .thenRefused({ reason: 'token-unknown', tokenId: 't' });
  });

  it('changes of a source what is given, from what it was changed to last, and nothing where all stays', () => {
    const origins = ['https://shop.example', 'https://m.shop.example'];
    const change = (changes: { name?: string; allowedOrigins?: string[] }): MerchantCommand => ({
      ...{ kind: 'change-source', sourceId: 's', now: later },
      ...changes,
    });
    const known = given(registered, source('other'), source('s'));
    known.when(change({})).then();
    known.when(change({ name: 'web', allowedOrigins: [] })).then();
    known.when(change({ allowedOrigins: origins })).then(changed('web', origins));
    const narrowed = given(registered, source('other'), source('s'), changed('app', origins));
    narrowed.when(change({ name: 'app', allowedOrigins: origins })).then();
    narrowed.when(change({ name: 'web' })).then(changed('web', origins));
    narrowed.when(change({ allowedOrigins: origins.slice(1) })).then(changed('app', origins.slice(1)));
    narrowed.when(change({ allowedOrigins: [] })).then(changed('app', []));
    // Its name and origins are its own, and it is still there to be removed.
    narrowed.when({ ...change({ name: 'web' }), sourceId: 'other' } as MerchantCommand).then();
    narrowed
      .when({ kind: 'remove-source', sourceId: 's', now: later })
      .then({ type: 'source-removed.v1', data: { sourceId: 's', at: later } });
    given(registered)
      .when(change({ name: 'app' }))
      .thenRefused({ reason: 'source-unknown', sourceId: 's' });
    given(registered, source('s'), { type: 'source-removed.v1', data: { sourceId: 's', at } })
      .when(change({ name: 'app' }))
      .thenRefused({ reason: 'source-unknown', sourceId: 's' });
  });

  it('has a bounded number of sources and tokens, and room again after one is gone', () => {
    const { sourcesMax, tokensMax } = merchantLimits;
    const sources = Array.from({ length: sourcesMax }, (_, i) => source(`s${i}`));
    const tokens = Array.from({ length: tokensMax }, (_, i) => token(`t${i}`));
    given(registered, ...sources)
      .when(addSource)
      .thenRefused({ reason: 'too-many-sources', max: sourcesMax });
    given(registered, ...tokens)
      .when(issue)
      .thenRefused({ reason: 'too-many-tokens', max: tokensMax });
    given(registered, ...sources, { type: 'source-removed.v1', data: { sourceId: 's0', at } })
      .when(addSource)
      .then(source('s'));
  });

  it('stays deleted: its id is not given again, and deleting twice changes nothing', () => {
    given(registered).when({ kind: 'delete', now: at }).then(deleted);
    given(registered, deleted).when({ kind: 'delete', now: later }).then();
    for (const command of [register, addSource, issue, { kind: 'change', name: 'New', now: at }] as const) {
      given(registered, deleted).when(command).thenRefused({ reason: 'merchant-deleted' });
    }
  });
});

describe('A stored record of a merchant', () => {
  it('reads as the fact that was written', () => {
    for (const event of [registered, source('s'), changed('app', ['*']), token('t'), deleted]) {
      expect(readMerchantEvent(event.type, JSON.stringify(event.data))).toEqual(event);
    }
  });

  it.each([
    ['a name this version does not know', 'merchant-merged.v1', '{}'],
    ['a name every object has', 'constructor', '{}'],
    ['no JSON', 'merchant-deleted.v1', '{'],
    ['another shape', 'merchant-deleted.v1', '{"at":"yesterday"}'],
    ['a key instead of its hash', 'write-key-rotated.v1', '{"sourceId":"s","keyHash":"wk_secret","at":1}'],
  ])('is refused with %s', (_what, type, json) => {
    expect(() => readMerchantEvent(type, json)).toThrow(UnreadableFact);
  });
});
