import fc from 'fast-check';
import { type Definitions, type Filter, type Funnel, type Goal, noDefinitions } from '../../src/domain/definitions';
import { type MerchantCommand, type MerchantRefusal, merchant } from '../../src/domain/merchant';
import { evolveDefinitions } from '../../src/domain/merchant-definitions';
import { isDefinitionEvent, type MerchantEvent, readMerchantEvent, UnreadableFact } from '../../src/domain/merchant-events';
import { merchantLimits } from '../../src/domain/merchant-settings';

const at = 1_700_000_000_000;
const now = at + 1;

const registered: MerchantEvent = {
  type: 'merchant-registered.v1',
  data: { merchantId: 'shop', name: 'Shop', timezone: 'UTC', currency: 'USD', at },
};
const deleted: MerchantEvent = { type: 'merchant-deleted.v1', data: { at } };
const signedUp: Goal = { goalId: 'signup', name: 'Signed up', event: 'sign_up' };
const goalAdded = (goal: Goal): MerchantEvent => ({ type: 'goal-added.v1', data: { goal, at } });
const buying: Funnel = {
  funnelId: 'buying',
  name: 'Buying',
  steps: [
    { name: 'cart', event: 'add_to_cart' },
    { name: 'thanks', page: '/thanks' },
  ],
  open: false,
  windowSeconds: 3_600,
};
const funnelAdded = (funnel: Funnel): MerchantEvent => ({ type: 'funnel-added.v1', data: { funnel, at } });
const office: Filter = { filterId: 'office', name: 'Office', field: 'address', pattern: '203.0.113.0/24' };
const filterAdded = (filter: Filter): MerchantEvent => ({ type: 'filter-added.v1', data: { filter, at } });
const erased = (visitor: string): MerchantEvent => ({ type: 'visitor-erased.v1', data: { visitor, at } });

const given = (...events: MerchantEvent[]) => ({
  when: (command: MerchantCommand) => {
    const decision = merchant.decide(command, [registered, ...events].reduce(merchant.evolve, merchant.initial));
    return {
      then: (...expected: MerchantEvent[]) => expect(decision).toEqual({ ok: true, events: expected }),
      thenRefused: (refusal: MerchantRefusal) => expect(decision).toEqual({ ok: false, refusal }),
    };
  },
});

const changeGoal = (changes: Extract<MerchantCommand, { kind: 'change-goal' }>['changes']): MerchantCommand => ({
  kind: 'change-goal',
  goalId: 'signup',
  changes,
  now,
});
const goalChanged = (goal: Goal): MerchantEvent => ({ type: 'goal-changed.v1', data: { goal, at: now } });

describe('A goal', () => {
  it('is added with its conditions in one spelling', () => {
    const sent: Goal = { properties: { plan: 'pro', age: 7 }, hostname: 'Shop.Example', page: '/thanks', goalId: 'g', name: 'Thanks' };
    const goal: Goal = { goalId: 'g', name: 'Thanks', page: '/thanks', hostname: 'shop.example', properties: { age: 7, plan: 'pro' } };
    given()
      .when({ kind: 'add-goal', goal: sent, now })
      .then({ type: 'goal-added.v1', data: { goal, at: now } });
  });

  it('added again as it is changes nothing; another one under its id is refused', () => {
    given(goalAdded(signedUp)).when({ kind: 'add-goal', goal: signedUp, now }).then();
    given(goalAdded(signedUp))
      .when({ kind: 'add-goal', goal: { ...signedUp, event: 'login' }, now })
      .thenRefused({ reason: 'definition-exists', kind: 'goal', id: 'signup' });
  });

  it('needs a condition', () => {
    given()
      .when({ kind: 'add-goal', goal: { goalId: 'g', name: 'All' }, now })
      .thenRefused({ reason: 'no-condition' });
    given()
      .when({ kind: 'add-goal', goal: { goalId: 'g', name: 'All', properties: {} }, now })
      .thenRefused({ reason: 'no-condition' });
    given(goalAdded(signedUp))
      .when(changeGoal({ event: null }))
      .thenRefused({ reason: 'no-condition' });
  });

  it('is changed in what is given, and loses what null is given for', () => {
    given(goalAdded(signedUp))
      .when(changeGoal({ name: 'Joined' }))
      .then(goalChanged({ ...signedUp, name: 'Joined' }));
    given(goalAdded(signedUp))
      .when(changeGoal({ event: null, page: '/welcome' }))
      .then(goalChanged({ goalId: 'signup', name: 'Signed up', page: '/welcome' }));
    given(goalAdded(signedUp)).when(changeGoal({})).then();
    given(goalAdded(signedUp))
      .when(changeGoal({ event: 'sign_up', page: null }))
      .then();
  });

  it('is compared with what it was changed to', () => {
    const changed: MerchantEvent = { type: 'goal-changed.v1', data: { goal: { ...signedUp, event: 'login' }, at } };
    given(goalAdded(signedUp), changed)
      .when(changeGoal({ event: 'login' }))
      .then();
    given(goalAdded(signedUp), changed)
      .when(changeGoal({ event: 'sign_up' }))
      .then(goalChanged(signedUp));
  });

  it('is removed once, and may come again', () => {
    const removed: MerchantEvent = { type: 'goal-removed.v1', data: { goalId: 'signup', at: now } };
    const unknown: MerchantRefusal = { reason: 'definition-unknown', kind: 'goal', id: 'signup' };
    given(goalAdded(signedUp)).when({ kind: 'remove-goal', goalId: 'signup', now }).then(removed);
    given(goalAdded(signedUp), removed).when({ kind: 'remove-goal', goalId: 'signup', now }).thenRefused(unknown);
    given(goalAdded(signedUp), removed)
      .when(changeGoal({ name: 'x' }))
      .thenRefused(unknown);
    given(goalAdded(signedUp), removed)
      .when({ kind: 'add-goal', goal: { ...signedUp, event: 'login' }, now })
      .then({ type: 'goal-added.v1', data: { goal: { ...signedUp, event: 'login' }, at: now } });
  });
});

describe('A funnel', () => {
  const change = (changes: Partial<Funnel>): MerchantCommand => ({ kind: 'change-funnel', funnelId: 'buying', changes, now });

  it('is added, changed in what is given, and removed', () => {
    given()
      .when({ kind: 'add-funnel', funnel: buying, now })
      .then({ type: 'funnel-added.v1', data: { funnel: buying, at: now } });
    given(funnelAdded(buying)).when({ kind: 'add-funnel', funnel: buying, now }).then();
    const steps = [
      { name: 'view', event: 'view_item' },
      { name: 'bought', event: 'purchase' },
    ];
    given(funnelAdded(buying))
      .when(change({ steps, open: true }))
      .then({ type: 'funnel-changed.v1', data: { funnel: { ...buying, steps, open: true }, at: now } });
    given(funnelAdded(buying))
      .when(change({ windowSeconds: 3_600, steps: buying.steps }))
      .then();
    given(funnelAdded(buying))
      .when({ kind: 'remove-funnel', funnelId: 'buying', now })
      .then({ type: 'funnel-removed.v1', data: { funnelId: 'buying', at: now } });
  });

  it('needs a condition in each step, and says which has none', () => {
    const steps = [{ name: 'cart', event: 'add_to_cart' }, { name: 'anything' }];
    given()
      .when({ kind: 'add-funnel', funnel: { ...buying, steps }, now })
      .thenRefused({ reason: 'no-condition', step: 1 });
    given(funnelAdded(buying)).when(change({ steps })).thenRefused({ reason: 'no-condition', step: 1 });
  });

  it('that is not there is neither changed nor removed', () => {
    const unknown: MerchantRefusal = { reason: 'definition-unknown', kind: 'funnel', id: 'buying' };
    given()
      .when(change({ open: true }))
      .thenRefused(unknown);
    given().when({ kind: 'remove-funnel', funnelId: 'buying', now }).thenRefused(unknown);
  });
});

describe('A filter', () => {
  const change = (changes: Partial<Filter>): MerchantCommand => ({ kind: 'change-filter', filterId: 'office', changes, now });

  it('is added, changed in what is given, and removed', () => {
    given()
      .when({ kind: 'add-filter', filter: office, now })
      .then({ type: 'filter-added.v1', data: { filter: office, at: now } });
    given(filterAdded(office))
      .when(change({ pattern: '2001:db8::/32' }))
      .then({ type: 'filter-changed.v1', data: { filter: { ...office, pattern: '2001:db8::/32' }, at: now } });
    given(filterAdded(office))
      .when(change({ field: 'address' }))
      .then();
    given(filterAdded(office))
      .when({ kind: 'remove-filter', filterId: 'office', now })
      .then({ type: 'filter-removed.v1', data: { filterId: 'office', at: now } });
  });

  it('has a pattern its field can have, also after a change of either', () => {
    const refused = (filter: Filter) => given().when({ kind: 'add-filter', filter, now }).thenRefused;
    for (const [field, pattern] of [
      ['address', '203.0.113.0/33'],
      ['address', 'office.example'],
      ['hostname', 'https://shop.example'],
      ['hostname', 'shop.example:8080'],
      ['page', 'thanks'],
      ['page', '/thanks?order=1'],
      ['userAgent', ' '],
      ['userAgent', 'x'.repeat(merchantLimits.patternLengthMax + 1)],
    ] as const) {
      refused({ ...office, field, pattern })({ reason: 'pattern-invalid', pattern, allowed: expect.any(String) as string });
    }
    given(filterAdded(office))
      .when(change({ field: 'page' }))
      .thenRefused({ reason: 'pattern-invalid', pattern: '203.0.113.0/24', allowed: expect.any(String) as string });
  });

  it.each([
    ['hostname', '*.Staging.example', '*.staging.example'],
    ['hostname', '[::1]', '[::1]'],
    ['page', '*/preview/*', '*/preview/*'],
    ['userAgent', 'Our Monitor/*', 'Our Monitor/*'],
  ] as const)('by %s may be %s', (field, pattern, kept) => {
    const filter: Filter = { ...office, field, pattern };
    given()
      .when({ kind: 'add-filter', filter, now })
      .then({ type: 'filter-added.v1', data: { filter: { ...filter, pattern: kept }, at: now } });
  });
});

describe('What a merchant defines', () => {
  it('is bounded in number, with room again after one is gone', () => {
    const { goalsMax, funnelsMax, filtersMax } = merchantLimits;
    const many = <T>(count: number, fact: (i: string) => T): T[] => Array.from({ length: count }, (_, i) => fact(`d${i}`));
    const goals = many(goalsMax, (goalId) => goalAdded({ ...signedUp, goalId }));
    const addGoal: MerchantCommand = { kind: 'add-goal', goal: signedUp, now };
    given(...goals)
      .when(addGoal)
      .thenRefused({ reason: 'too-many-definitions', kind: 'goal', max: goalsMax });
    given(...goals, { type: 'goal-removed.v1', data: { goalId: 'd0', at } })
      .when(addGoal)
      .then({ type: 'goal-added.v1', data: { goal: signedUp, at: now } });
    given(...many(funnelsMax, (funnelId) => funnelAdded({ ...buying, funnelId })))
      .when({ kind: 'add-funnel', funnel: buying, now })
      .thenRefused({ reason: 'too-many-definitions', kind: 'funnel', max: funnelsMax });
    given(...many(filtersMax, (filterId) => filterAdded({ ...office, filterId })))
      .when({ kind: 'add-filter', filter: office, now })
      .thenRefused({ reason: 'too-many-definitions', kind: 'filter', max: filtersMax });
  });

  it('cannot be changed before the merchant is there, nor after it is gone', () => {
    const commands: MerchantCommand[] = [
      { kind: 'add-goal', goal: signedUp, now },
      { kind: 'add-funnel', funnel: buying, now },
      { kind: 'add-filter', filter: office, now },
      { kind: 'erase-visitor', visitor: 'v', now },
    ];
    for (const command of commands) {
      expect(merchant.decide(command, merchant.initial)).toEqual({ ok: false, refusal: { reason: 'merchant-unknown' } });
      given(deleted).when(command).thenRefused({ reason: 'merchant-deleted' });
    }
  });

  it('includes whether sessions end at midnight, recorded when it really changes', () => {
    const switched: MerchantEvent = { type: 'sessions-end-changed.v1', data: { sessionsEndAtMidnight: true, at: now } };
    given().when({ kind: 'change', sessionsEndAtMidnight: true, now }).then(switched);
    given().when({ kind: 'change', sessionsEndAtMidnight: false, now }).then();
    given(switched).when({ kind: 'change', sessionsEndAtMidnight: true, now }).then();
    given(switched)
      .when({ kind: 'change', name: 'New', sessionsEndAtMidnight: false, now })
      .then(
        { type: 'merchant-renamed.v1', data: { name: 'New', at: now } },
        { type: 'sessions-end-changed.v1', data: { sessionsEndAtMidnight: false, at: now } },
      );
  });

  it('includes who was erased: once each, and not without bound', () => {
    given()
      .when({ kind: 'erase-visitor', visitor: 'v', now })
      .then({ type: 'visitor-erased.v1', data: { visitor: 'v', at: now } });
    given(erased('v')).when({ kind: 'erase-visitor', visitor: 'v', now }).then();
    const all: Definitions = {
      ...noDefinitions,
      erasedVisitors: Array.from({ length: merchantLimits.erasedVisitorsMax }, (_, i) => `v${i}`),
    };
    const active = merchant.evolve(merchant.initial, registered);
    const full = { ...active, definitions: all } as typeof active;
    expect(merchant.decide({ kind: 'erase-visitor', visitor: 'one more', now }, full)).toEqual({
      ok: false,
      refusal: { reason: 'too-many-erased-visitors', max: merchantLimits.erasedVisitorsMax },
    });
    expect(merchant.decide({ kind: 'erase-visitor', visitor: 'v7', now }, full)).toEqual({ ok: true, events: [] });
  });
});

describe('Orders given twice', () => {
  const ids = fc.constantFrom('1', '2', '3');
  const text = fc.constantFrom('a', 'b', 'c');
  const goal = fc.record(
    { goalId: ids, name: text, event: text, hostname: fc.constantFrom('x', 'X') },
    { requiredKeys: ['goalId', 'name'] },
  );
  const step = fc.record({ name: text, event: text });
  const funnel = fc.record({
    funnelId: ids,
    name: text,
    steps: fc.array(step, { minLength: 2, maxLength: 3 }),
    open: fc.boolean(),
    windowSeconds: fc.constantFrom(60, 120),
  });
  const filter = fc.record({
    filterId: ids,
    name: text,
    field: fc.constantFrom('hostname' as const, 'address' as const),
    pattern: fc.constantFrom('::1', 'SHOP.example', '10.0.0.0/8'),
  });
  const without = <T extends object>(shape: fc.Arbitrary<T>, id: keyof T): fc.Arbitrary<Partial<T>> =>
    shape.map((value) => Object.fromEntries(Object.entries(value).filter(([field]) => field !== id)) as Partial<T>);
  const order: fc.Arbitrary<MerchantCommand> = fc.oneof(
    goal.map((goal) => ({ kind: 'add-goal' as const, goal, now })),
    fc.tuple(ids, without(goal, 'goalId')).map(([goalId, changes]) => ({ kind: 'change-goal' as const, goalId, changes, now })),
    funnel.map((funnel) => ({ kind: 'add-funnel' as const, funnel, now })),
    fc.tuple(ids, without(funnel, 'funnelId')).map(([funnelId, changes]) => ({ kind: 'change-funnel' as const, funnelId, changes, now })),
    filter.map((filter) => ({ kind: 'add-filter' as const, filter, now })),
    fc.tuple(ids, without(filter, 'filterId')).map(([filterId, changes]) => ({ kind: 'change-filter' as const, filterId, changes, now })),
    fc.boolean().map((sessionsEndAtMidnight) => ({ kind: 'change' as const, sessionsEndAtMidnight, now })),
    text.map((visitor) => ({ kind: 'erase-visitor' as const, visitor, now })),
  );

  it('change nothing the second time, and what was decided is stored, read and folded as decided', () => {
    fc.assert(
      fc.property(fc.array(order, { maxLength: 30 }), (orders) => {
        let state = merchant.evolve(merchant.initial, registered);
        for (const command of orders) {
          const decision = merchant.decide(command, state);
          if (!decision.ok) continue;
          for (const event of decision.events) {
            const stored = readMerchantEvent(event.type, JSON.stringify(event.data));
            expect(stored).toEqual(event);
            state = merchant.evolve(state, stored);
          }
          expect(merchant.decide(command, state)).toEqual({ ok: true, events: [] });
        }
      }),
    );
  });
});

describe('A stored definition', () => {
  it.each([
    ['a filter of a field there is not', 'filter-added.v1', { filter: { ...office, field: 'country' }, at }],
    ['a goal without its name', 'goal-added.v1', { goal: { goalId: 'g', event: 'x' }, at }],
    ['a property of an object', 'goal-changed.v1', { goal: { ...signedUp, properties: { a: {} } }, at }],
  ])('is refused with %s', (_what, type, data) => {
    expect(() => readMerchantEvent(type, JSON.stringify(data))).toThrow(UnreadableFact);
  });

  it('is told from the facts that change nothing of how events count', () => {
    expect(isDefinitionEvent(registered)).toBe(false);
    const added = goalAdded(signedUp);
    expect(isDefinitionEvent(added) && evolveDefinitions(noDefinitions, added).goals).toEqual([signedUp]);
  });
});
