import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { merchantLimits } from '../../src/domain/merchant-settings';
import { recordKinds, settingsIdPrefix, type SettingsRecord } from '../../src/stores/records';
import { run, type Running } from './running';

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule]);
  await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop' }).expect(201);
});
afterEach(() => running.close());

const at = (path: string): string => `/v1/merchants/shop/${path}`;
const post = (path: string, body: object) => running.send('post', at(path), body);
const settings = async (): Promise<SettingsRecord[]> =>
  (await running.store.records.list<SettingsRecord>(recordKinds.settings, settingsIdPrefix('shop'))).map(({ value }) => value);

describe('Goals', () => {
  const signUp = { goalId: 'signup', name: 'Signed up', event: 'sign_up' };

  it('are created, found, listed, changed and removed', async () => {
    expect((await post('goals', signUp).expect(201)).body).toEqual(signUp);
    const { body: thanks } = await post('goals', { name: 'Thanks', page: '/thanks/*', hostname: 'Shop.Example', properties: { plan: 2 } });
    expect(thanks).toEqual({
      goalId: expect.stringMatching(/^g_[A-Za-z0-9_-]{12}$/),
      name: 'Thanks',
      page: '/thanks/*',
      hostname: 'shop.example',
      properties: { plan: 2 },
    });
    expect((await running.send('get', at('goals')).expect(200)).body).toEqual({ goals: [signUp, thanks] });
    expect((await running.send('get', at('goals/signup')).expect(200)).body).toEqual(signUp);

    const { body: changed } = await running.send('patch', at('goals/signup'), { event: null, page: '/welcome' }).expect(200);
    expect(changed).toEqual({ goalId: 'signup', name: 'Signed up', page: '/welcome' });
    expect((await running.send('get', at('goals/signup')).expect(200)).body).toEqual(changed);

    const removed = await running.send('delete', at('goals/signup')).expect(204);
    expect(removed.text).toBe('');
    for (const method of ['get', 'patch', 'delete'] as const) {
      const { body } = await running.send(method, at('goals/signup'), method === 'patch' ? { name: 'x' } : undefined).expect(404);
      expect(body).toMatchObject({ type: 'urn:recount:problem:goal-unknown', detail: 'The merchant "shop" has no goal "signup"' });
    }
    expect((await running.send('get', at('goals')).expect(200)).body).toEqual({ goals: [thanks] });
  });

  it('sent again are there once; another one under the same id is refused', async () => {
    await post('goals', signUp).expect(201);
    expect((await post('goals', signUp).expect(201)).body).toEqual(signUp);
    expect((await settings()).length).toBe(2);
    const { body } = await post('goals', { ...signUp, event: 'login' }).expect(409);
    expect(body.type).toBe('urn:recount:problem:goal-exists');
    expect((await running.send('get', at('goals')).expect(200)).body).toEqual({ goals: [signUp] });
  });

  it.each([
    ['nothing to match', { name: 'All' }, 'body', 'must have at least one of event, page, hostname and properties'],
    ['no name', { event: 'sign_up' }, 'name', 'must be a text of 1 to 200 characters that is not blank; it is missing'],
    ['an id of other characters', { ...signUp, goalId: 'a|b' }, 'goalId', 'must be 1 to 64 letters, digits, "_" or "-", not "a|b"'],
    ['a long event name', { name: 'x', event: 'e'.repeat(65) }, 'event', /^must be the name of an event, 1 to 64 characters, not "e+"$/],
    [
      'a page with a query',
      { name: 'x', page: '/thanks?order=1' },
      'page',
      /^must be a path .* without "\?" and "#".*, not "\/thanks\?order=1"$/,
    ],
    ['a page that is a url', { name: 'x', page: 'https://shop.example/' }, 'page', /beginning with "\/" or "\*"/],
    [
      'a hostname with a port',
      { name: 'x', hostname: 'shop.example:80' },
      'hostname',
      /^must be a hostname .* without scheme, port and path/,
    ],
    ['null for a condition', { name: 'x', event: null }, 'event', /, not null$/],
    ['a list of properties', { name: 'x', properties: ['plan'] }, 'properties', /^must be an object of 1 to 10 properties by name/],
    ['no properties', { name: 'x', properties: {} }, 'properties', /^must be an object of 1 to 10 properties by name/],
    [
      'a property of null',
      { name: 'x', properties: { plan: null } },
      'properties',
      /each a text, a number or a boolean, not \{"plan":null\}$/,
    ],
    ['too many properties', { name: 'x', properties: numbered(11) }, 'properties', /^must be an object of 1 to 10/],
    ['an unknown field', { ...signUp, url: '/' }, 'url', /^is not known here; allowed are .*goalId/],
  ])('are refused with %s, naming the field and what is allowed', async (_what, body, field, detail) => {
    const answer = await post('goals', body).expect(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ type: 'urn:recount:problem:invalid-request', instance: at('goals') });
    expect(answer.body.errors).toEqual([{ field, detail: typeof detail === 'string' ? detail : expect.stringMatching(detail) }]);
  });

  it('cannot lose their last condition, nor their id', async () => {
    await post('goals', signUp).expect(201);
    const { body } = await running.send('patch', at('goals/signup'), { event: null }).expect(400);
    expect(body.errors).toEqual([{ field: 'body', detail: 'must have at least one of event, page, hostname and properties' }]);
    await running.send('patch', at('goals/signup'), { goalId: 'other' }).expect(400);
    await running.send('patch', at('goals/signup'), { name: null }).expect(400);
    expect((await running.send('get', at('goals/signup')).expect(200)).body).toEqual(signUp);
  });

  it('are bounded in number, which the refusal says', async () => {
    for (let i = 0; i < merchantLimits.goalsMax; i++) await post('goals', { ...signUp, goalId: `g${i}` }).expect(201);
    const { body } = await post('goals', signUp).expect(409);
    expect(body).toMatchObject({ type: 'urn:recount:problem:too-many-goals', detail: 'A merchant may have 100 goals; remove one first' });
    await running.send('delete', at('goals/g7')).expect(204);
    await post('goals', signUp).expect(201);
  });
});

describe('Funnels', () => {
  const buying = {
    funnelId: 'buying',
    name: 'Buying',
    steps: [{ name: 'Cart', event: 'add_to_cart' }, 'begin_checkout', { page: '/thanks' }, { properties: { paid: true } }],
  };
  const stored = {
    funnelId: 'buying',
    name: 'Buying',
    steps: [
      { name: 'Cart', event: 'add_to_cart' },
      { name: 'begin_checkout', event: 'begin_checkout' },
      { name: '/thanks', page: '/thanks' },
      { name: 'Step 4', properties: { paid: true } },
    ],
    open: false,
    windowSeconds: 604_800,
  };

  it('are created with steps of several spellings, found, listed, changed and removed', async () => {
    expect((await post('funnels', buying).expect(201)).body).toEqual(stored);
    expect((await running.send('get', at('funnels')).expect(200)).body).toEqual({ funnels: [stored] });
    const { body } = await running.send('patch', at('funnels/buying'), { steps: ['view_item', 'purchase'], windowSeconds: 60 }).expect(200);
    const steps = ['view_item', 'purchase'].map((event) => ({ name: event, event }));
    expect(body).toEqual({ ...stored, steps, windowSeconds: 60 });
    expect((await running.send('patch', at('funnels/buying'), { open: true }).expect(200)).body).toEqual({ ...body, open: true });
    await running.send('delete', at('funnels/buying')).expect(204);
    expect((await running.send('get', at('funnels')).expect(200)).body).toEqual({ funnels: [] });
    const gone = await running.send('delete', at('funnels/buying')).expect(404);
    expect(gone.body.type).toBe('urn:recount:problem:funnel-unknown');
    const { body: another } = await post('funnels', { name: 'X', steps: ['a', 'b'] }).expect(201);
    expect(another.funnelId).toMatch(/^fu_/);
  });

  const of = (fields: object) => ({ ...buying, ...fields });
  it.each([
    ['one step', of({ steps: ['purchase'] }), 'steps', 'must be a list of 2 to 10 steps, not [{"event":"purchase"}]'],
    ['eleven steps', of({ steps: Array(11).fill('a') }), 'steps', /^must be a list of 2 to 10 steps/],
    ['no steps', of({ steps: undefined }), 'steps', 'must be a list of 2 to 10 steps; it is missing'],
    ['a text for steps', of({ steps: 'purchase' }), 'steps', 'must be a list of 2 to 10 steps, not "purchase"'],
    ['a number for a step', of({ steps: ['a', 7] }), 'steps.1', 'must be an object, or the name of an event, not 7'],
    ['null for a step', of({ steps: [null, 'a'] }), 'steps.0', 'must be an object, or the name of an event, not null'],
    ['a list for a step', of({ steps: [['a'], 'a'] }), 'steps.0', 'must be an object, or the name of an event, not "[\\"a\\"]"'],
    ['an empty step', of({ steps: ['a', {}] }), 'steps.1', 'must have at least one of event, page, hostname and properties'],
    [
      'a step of an unknown field',
      of({ steps: ['a', { goal: 'x' }] }),
      'steps.1.goal',
      /^is not known here; allowed are name, event, page, hostname, properties$/,
    ],
    ['a step of a wrong page', of({ steps: [{ page: 'x' }, 'b'] }), 'steps.0.page', /^must be a path/],
    ['a step without text', of({ steps: ['', 'b'] }), 'steps.0.event', /^must be the name of an event/],
    ['a short window', of({ windowSeconds: 59 }), 'windowSeconds', 'must be a whole number of seconds from 60 to 7776000, not 59'],
    ['a long window', of({ windowSeconds: 7_776_001 }), 'windowSeconds', /^must be a whole number of seconds/],
    ['half a window', of({ windowSeconds: 60.5 }), 'windowSeconds', /^must be a whole number of seconds/],
    ['open as a text', of({ open: 'yes' }), 'open', 'must be true or false, not "yes"'],
  ])('are refused with %s, naming the field and what is allowed', async (_what, body, field, detail) => {
    const answer = await post('funnels', body).expect(400);
    expect(answer.body.errors).toEqual([{ field, detail: typeof detail === 'string' ? detail : expect.stringMatching(detail) }]);
  });
});

describe('Filters', () => {
  it('are created, found, listed, changed and removed', async () => {
    const { body: office } = await post('filters', {
      filterId: 'office',
      name: 'Office',
      field: 'address',
      pattern: '203.0.113.0/24',
    }).expect(201);
    expect(office).toEqual({ filterId: 'office', name: 'Office', field: 'address', pattern: '203.0.113.0/24' });
    const { body: staging } = await post('filters', { field: 'hostname', pattern: '*.Staging.Example' }).expect(201);
    expect(staging).toEqual({
      filterId: expect.stringMatching(/^fi_/),
      name: '*.Staging.Example',
      field: 'hostname',
      pattern: '*.staging.example',
    });
    expect((await running.send('get', at('filters')).expect(200)).body).toEqual({ filters: [office, staging] });
    const { body } = await running.send('patch', at('filters/office'), { pattern: '2001:db8::/32' }).expect(200);
    expect(body).toEqual({ ...office, pattern: '2001:db8::/32' });
    await running.send('delete', at('filters/office')).expect(204);
    await running.send('delete', at('filters/office')).expect(404);
    expect((await running.send('get', at('filters')).expect(200)).body).toEqual({ filters: [staging] });
  });

  it.each([
    ['an unknown field', { field: 'country', pattern: 'DE' }, 'field', 'must be one of hostname, page, userAgent, address, not "country"'],
    ['no pattern', { field: 'page' }, 'pattern', 'must be a text of at most 500 characters; it is missing'],
    [
      'no range of addresses',
      { field: 'address', pattern: '10.0.0.0/33' },
      'pattern',
      'must be an IPv4 or IPv6 address, or a range of them such as 203.0.113.0/24 or 2001:db8::/32, not "10.0.0.0/33"',
    ],
    ['a page that could never match', { field: 'page', pattern: '/a?b' }, 'pattern', /^must be a path/],
  ])('are refused with %s, naming the field and what is allowed', async (_what, body, field, detail) => {
    const answer = await post('filters', body).expect(400);
    expect(answer.body.errors).toEqual([{ field, detail: typeof detail === 'string' ? detail : expect.stringMatching(detail) }]);
  });

  it('cannot come to look at a field their pattern is not for', async () => {
    await post('filters', { filterId: 'f', field: 'userAgent', pattern: 'Monitor/*' }).expect(201);
    const { body } = await running.send('patch', at('filters/f'), { field: 'address' }).expect(400);
    expect(body.errors).toEqual([{ field: 'pattern', detail: expect.stringMatching(/^must be an IPv4 or IPv6 address/) }]);
  });
});

describe('Sessions', () => {
  it('end at midnight for a merchant who says so', async () => {
    expect((await running.send('get', '/v1/merchants/shop').expect(200)).body.sessionsEndAtMidnight).toBe(false);
    const { body } = await running.send('patch', '/v1/merchants/shop', { sessionsEndAtMidnight: true }).expect(200);
    expect(body.sessionsEndAtMidnight).toBe(true);
    expect((await running.send('get', '/v1/merchants/shop').expect(200)).body).toEqual(body);
    expect((await settings()).map(({ definitions }) => definitions.sessionsEndAtMidnight)).toEqual([false, true]);
    const refused = await running.send('patch', '/v1/merchants/shop', { sessionsEndAtMidnight: 'yes' }).expect(400);
    expect(refused.body.errors).toEqual([{ field: 'sessionsEndAtMidnight', detail: 'must be true or false, not "yes"' }]);
  });
});

describe('What a merchant defines', () => {
  it('is stored one revision a change, for generations to choose from', async () => {
    await post('goals', { goalId: 'g', name: 'G', event: 'a' }).expect(201);
    await running.send('patch', '/v1/merchants/shop', { name: 'Renamed' }).expect(200);
    await running.send('patch', at('goals/g'), { event: 'b' }).expect(200);
    await running.send('delete', at('goals/g')).expect(204);
    expect((await settings()).map(({ definitions }) => definitions.goals.map(({ event }) => event))).toEqual([[], ['a'], ['b'], []]);
  });

  it.each(['goals', 'funnels', 'filters'])(
    'is configured by the admin and the merchant’s owners alone, and seen by all who read its reports: %s',
    async (path) => {
      const body = { name: 'N', event: 'e', steps: ['a', 'b'], field: 'page', pattern: '/x' };
      const wanted = { goals: ['name', 'event'], funnels: ['name', 'steps'], filters: ['field', 'pattern'] }[path]!;
      const definition = Object.fromEntries(Object.entries(body).filter(([field]) => wanted.includes(field)));
      const token = async (role: string): Promise<string> =>
        (await running.send('post', at('tokens'), { name: 'x', role }).expect(201)).body.token;
      const [owner, viewer] = [await token('owner'), await token('viewer')];
      await running.send('post', '/v1/merchants', { merchantId: 'other', name: 'Other' }).expect(201);
      const { body: made } = await running.send('post', at(path), definition, owner).expect(201);
      const one = at(`${path}/${made[`${path.slice(0, -1)}Id`] as string}`);
      for (const given of [owner, viewer])
        expect((await running.send('get', at(path), undefined, given).expect(200)).body).toEqual({ [path]: [made] });
      for (const [given, status] of [
        [viewer, 403],
        [null, 401],
      ] as const) {
        await running.send('post', at(path), definition, given).expect(status);
        await running.send('patch', one, { name: 'Other' }, given).expect(status);
        await running.send('delete', one, undefined, given).expect(status);
      }
      await running.send('get', at(path), undefined, null).expect(401);
      const { body: source } = await running.send('post', at('sources'), { name: 'web' }).expect(201);
      await running.send('get', at(path), undefined, source.writeKey as string).expect(403);
      await running.send('get', `/v1/merchants/other/${path}`, undefined, viewer).expect(403);
      await running.send('post', `/v1/merchants/other/${path}`, definition, owner).expect(403);
      await running.send('post', `/v1/merchants/nobody/${path}`, definition).expect(404);
    },
  );

  it('is described in the document at /openapi.json, with every route', async () => {
    const { body } = await running.send('get', '/openapi.json', undefined, null).expect(200);
    for (const [plural, id, schema] of [
      ['goals', 'goalId', 'Goal'],
      ['funnels', 'funnelId', 'Funnel'],
      ['filters', 'filterId', 'Filter'],
    ] as const) {
      expect(Object.keys(body.paths[`/v1/merchants/{merchantId}/${plural}`]).sort()).toEqual(['get', 'post']);
      const methods = Object.keys(body.paths[`/v1/merchants/{merchantId}/${plural}/{${id}}`]).sort();
      // GET of one funnel is its report.
      expect(methods).toEqual(plural === 'funnels' ? ['delete', 'patch'] : ['delete', 'get', 'patch']);
      expect(body.components.schemas[`Add${schema}Request`].properties).toHaveProperty(id);
      expect(body.components.schemas[`${schema}Answer`].required).toContain(id);
    }
    expect(body.components.schemas.AddFunnelRequest.properties.steps.items.oneOf).toEqual([
      { type: 'string' },
      { $ref: '#/components/schemas/FunnelStepRequest' },
    ]);
    expect(body.components.schemas.FunnelStepRequest.properties).toHaveProperty('hostname');
  });
});

function numbered(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, i]));
}
