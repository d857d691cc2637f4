import { traffic } from '../../projections/traffic/traffic';
import { eventually } from '../running/recount';
import { ben, kolkata, newYork, type Table } from './contract-shop';
import { type Described, undescribed } from './described';
import { type Answer, Stack } from './stack';

const merchant = '/v1/merchants/{merchantId}';
/** What this version answers of the public contract. */
const built = [
  'POST /v1/collect',
  'GET /v1/merchants',
  'POST /v1/merchants',
  ...['GET', 'PATCH', 'DELETE'].map((method) => `${method} ${merchant}`),
  ...['GET', 'POST'].map((method) => `${method} ${merchant}/sources`),
  ...['GET', 'PATCH', 'DELETE'].map((method) => `${method} ${merchant}/sources/{sourceId}`),
  `POST ${merchant}/sources/{sourceId}/rotate-key`,
  ...['GET', 'POST'].map((method) => `${method} ${merchant}/tokens`),
  `DELETE ${merchant}/tokens/{tokenId}`,
  ...['goals', 'funnels', 'filters'].flatMap((what) => [`GET ${merchant}/${what}`, `POST ${merchant}/${what}`]),
  ...['goals/{goalId}', 'filters/{filterId}', 'funnels/{funnelId}'].flatMap((one) =>
    ['GET', 'PATCH', 'DELETE'].map((method) => `${method} ${merchant}/${one}`),
  ),
  ...['GET', 'PUT'].map((method) => `${method} ${merchant}/rates`),
  ...['timeseries', 'breakdown', 'retention', 'realtime', 'live'].map((table) => `GET ${merchant}/${table}`),
  'GET /admin/projections',
  'POST /admin/projections/{name}/reset',
  'GET /admin/rebuilds',
  'GET /admin/rebuilds/{rebuildId}',
  ...['promote', 'cancel', 'rollback'].map((wish) => `POST /admin/rebuilds/{rebuildId}/${wish}`),
  'GET /admin/partitions',
  'GET /admin/rejects',
  'POST /admin/rejects/replay',
  'DELETE /admin/merchants/{merchantId}/visitors/{visitorId}',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
];
const eventFields =
  'id name time visitorId userId sessionId url title referrer userAgent ip language screen value currency items transactionId coupon tax shipping properties'.split(
    ' ',
  );

interface OpenApi {
  openapi: string;
  paths: {
    [path: string]: {
      [method: string]: {
        requestBody: { content: { 'application/json': { schema: { oneOf: [object, { items: { properties: object } }] } } } };
      };
    };
  };
}

describe('the public contract of configuring, administering and operating, from outside', () => {
  let stack: Stack;
  const report = (merchant: string, table: string, query: Record<string, string>): Promise<Table> => stack.report(merchant, table, query);

  beforeAll(async () => {
    stack = await Stack.start();
    const key = await stack.merchant('kolkata', { timezone: 'Asia/Kolkata', currency: 'INR' });
    await stack.merchant('new-york', { timezone: 'America/New_York' });
    const { nextDay, visit, ...others } = kolkata;
    const strange = { ...visit, id: 'strange', colour: 'red' };
    for (const events of [
      [...Object.values(others), visit],
      [visit, nextDay, strange, nextDay, 7],
    ]) {
      expect((await stack.ask('POST', '/v1/collect', { events }, key)).status).toBe(202);
    }
    await stack.counted('kolkata');
  });
  afterAll(() => stack.end());

  describe('configuring', () => {
    it('registers, shows, changes, lists and deletes merchants', async () => {
      const made = await stack.ask('POST', '/v1/merchants', { name: 'Corner shop' });
      expect(made).toEqual({
        status: 201,
        body: {
          merchantId: expect.any(String) as string,
          name: 'Corner shop',
          timezone: 'UTC',
          currency: 'USD',
          sessionsEndAtMidnight: false,
          spread: 1,
          createdAt: expect.stringMatching(/Z$/) as string,
        },
      });
      const { merchantId } = made.body as { merchantId: string };
      const route = `/v1/merchants/${merchantId}`;
      expect(await stack.ask('GET', route)).toEqual({ status: 200, body: made.body });
      const changed = { ...(made.body as object), name: 'Shop', timezone: 'Europe/Berlin', currency: 'EUR' };
      expect(await stack.ask('PATCH', route, { name: 'Shop', timezone: 'Europe/Berlin', currency: 'EUR' })).toEqual({
        status: 200,
        body: changed,
      });
      expect((await stack.ask<{ merchants: object[] }>('GET', '/v1/merchants')).body.merchants).toContainEqual(changed);
      const key = (await stack.ask<{ writeKey: string }>('POST', `${route}/sources`, { name: 'web' })).body.writeKey;
      const collect = async (): Promise<number> => (await stack.ask('POST', '/v1/collect', [newYork[0]], key)).status;
      await eventually(async () => (await collect()) === 202);
      expect((await stack.ask('DELETE', route)).status).toBe(204);
      for (const gone of [route, `${route}/sources`, `${route}/timeseries`, `${route}/live`])
        expect([gone, (await stack.ask('GET', gone)).status]).toEqual([gone, 404]);
      await eventually(async () => (await collect()) === 401);
      expect((await stack.ask('POST', '/v1/merchants', { merchantId: 'kolkata', name: 'again' })).status).toBe(409);
    });

    it('gives a source another key, and takes nothing with the old one or after its removal', async () => {
      const sources = '/v1/merchants/new-york/sources';
      const made = await stack.ask<{ sourceId: string; writeKey: string }>('POST', sources, { name: 'app' });
      expect(made).toEqual({ status: 201, body: { sourceId: expect.any(String) as string, writeKey: expect.any(String) as string } });
      const { sourceId, writeKey } = made.body;
      const list = (await stack.ask<{ sources: object[] }>('GET', sources)).body;
      const createdAt = expect.stringMatching(/Z$/) as string;
      expect(list.sources).toContainEqual({ sourceId, name: 'app', allowedOrigins: [], createdAt });
      expect(JSON.stringify(list)).not.toContain(writeKey);
      expect((await stack.ask('POST', `${sources}/nowhere/rotate-key`)).status).toBe(404);
      const rotated = await stack.ask<{ sourceId: string; writeKey: string }>('POST', `${sources}/${sourceId}/rotate-key`);
      expect(rotated.body).toEqual({ sourceId, writeKey: expect.any(String) as string });
      expect(rotated.body.writeKey).not.toBe(writeKey);
      const status = async (token: string): Promise<number> => (await stack.ask('POST', '/v1/collect', [newYork[0]], token)).status;
      // Collectors remember a key for five seconds.
      await eventually(async () => (await status(writeKey)) === 401);
      await eventually(async () => (await status(rotated.body.writeKey)) === 202);
      expect((await stack.ask('DELETE', `${sources}/${sourceId}`)).status).toBe(204);
      await eventually(async () => (await status(rotated.body.writeKey)) === 401);
    });

    it('lets in the pages a source is changed to name, and no longer those it named, with the key it has', async () => {
      const sources = '/v1/merchants/new-york/sources';
      const given = { name: 'web', allowedOrigins: ['https://shop.example'] };
      const { sourceId, writeKey } = (await stack.ask<{ sourceId: string; writeKey: string }>('POST', sources, given)).body;
      const from = async (origin: string): Promise<number> => {
        const headers = { authorization: `Bearer ${writeKey}`, 'content-type': 'application/json', origin };
        return (await fetch(`${stack.url}/v1/collect`, { method: 'POST', headers, body: JSON.stringify([newYork[0]]) })).status;
      };
      await eventually(async () => (await from('https://shop.example')) === 202);
      expect(await from('https://m.shop.example')).toBe(403);
      const changed = await stack.ask('PATCH', `${sources}/${sourceId}`, { allowedOrigins: ['https://m.shop.example'] });
      const createdAt = expect.stringMatching(/Z$/) as string;
      const source = { sourceId, name: 'web', allowedOrigins: ['https://m.shop.example'], createdAt };
      expect(changed).toEqual({ status: 200, body: source });
      expect((await stack.ask('GET', `${sources}/${sourceId}`)).body).toEqual(source);
      await eventually(async () => (await from('https://m.shop.example')) === 202);
      expect(await from('https://shop.example')).toBe(403);
    });

    it('gives tokens that open one merchant, as far as their role goes', async () => {
      const tokens = '/v1/merchants/kolkata/tokens';
      const issue = async (role: string): Promise<{ tokenId: string; token: string }> => {
        const made = await stack.ask<{ tokenId: string; token: string }>('POST', tokens, { name: role, role });
        expect(made).toEqual({ status: 201, body: { tokenId: expect.any(String) as string, token: expect.any(String) as string } });
        return made.body;
      };
      const viewer = await issue('viewer');
      const owner = await issue('owner');
      const { body } = await stack.ask<{ tokens: object[] }>('GET', tokens, undefined, owner.token);
      expect(body.tokens).toHaveLength(2);
      expect(JSON.stringify(body)).not.toContain(owner.token);
      const status = async (route: string, token: string): Promise<number> => (await stack.ask('GET', route, undefined, token)).status;
      expect(await status('/v1/merchants/kolkata/timeseries', viewer.token)).toBe(200);
      expect(await status('/v1/merchants/kolkata/sources', viewer.token)).toBe(403);
      expect(await status('/v1/merchants/kolkata/sources', owner.token)).toBe(200);
      expect(await status('/v1/merchants/new-york/timeseries', owner.token)).toBe(403);
      expect(await status('/admin/projections', owner.token)).toBe(403);
      expect((await stack.ask('DELETE', `${tokens}/${viewer.tokenId}`)).status).toBe(204);
      await eventually(async () => (await status('/v1/merchants/kolkata/timeseries', viewer.token)) === 401);
    });

    it('keeps out what comes from addresses a merchant filters, and takes it in once the filter is gone', async () => {
      const key = await stack.merchant('filtering');
      const filters = '/v1/merchants/filtering/filters';
      let ids = 0;
      const fromOffice = async (): Promise<{ accepted: number; rejected: { id: string; reason: string }[] }> => {
        const event = { id: `office-${ids++}`, name: 'page_view', visitorId: 'v', time: Date.now(), ip: '203.0.113.7' };
        const { status, body } = await stack.ask<Awaited<ReturnType<typeof fromOffice>>>('POST', '/v1/collect', [event], key);
        expect(status).toBe(202);
        return body;
      };
      const counted = async (): Promise<unknown> => (await stack.timeseries('filtering', { metrics: 'pageviews' })).totals.pageviews;
      expect(await fromOffice()).toEqual({ accepted: 1, rejected: [] });
      const office = { filterId: 'office', name: 'Office', field: 'address', pattern: '203.0.113.0/24' };
      expect(await stack.ask('POST', filters, office)).toEqual({ status: 201, body: office });
      // Collectors remember a key, and what its merchant filters, for five seconds.
      await eventually(async () => (await fromOffice()).rejected[0]?.reason === 'filtered-address');
      const taken = ids - 1;
      await eventually(async () => (await counted()) === taken);

      const replay = { merchantId: 'filtering', reason: 'filtered-address' };
      const replayed = async (): Promise<unknown> => (await stack.ask('POST', '/admin/rejects/replay', replay)).body;
      expect(await replayed()).toEqual({ replayed: 0, stillRefused: 1, complete: true });
      expect((await stack.ask('DELETE', `${filters}/office`)).status).toBe(204);
      expect(await replayed()).toEqual({ replayed: 1, stillRefused: 0, complete: true });
      await eventually(async () => (await counted()) === taken + 1);
    });

    it('converts what was paid in other currencies with the rates a merchant gives, at once and without counting again', async () => {
      const key = await stack.merchant('trading', { timezone: 'Europe/Berlin', currency: 'EUR' });
      const sold = (id: string, time: string, value: number, currency: string, ip: string): object => ({
        ...{ id, time, value, currency, ip },
        name: 'purchase',
        visitorId: 'v',
      });
      const events = [
        sold('a', '2026-03-01T12:00:00Z', 10, 'EUR', '2003:d3::1'),
        sold('b', '2026-03-01T13:00:00Z', 10, 'USD', '2601::1'),
        // In Berlin already the second of March.
        sold('c', '2026-03-01T23:30:00Z', 10, 'USD', '2601::2'),
        sold('d', '2026-03-02T12:00:00Z', 1_000, 'JPY', '2001:200::1'),
      ];
      expect((await stack.ask('POST', '/v1/collect', { events }, key)).status).toBe(202);
      const days = { metrics: 'revenue', from: '2026-03-01', to: '2026-03-02', interval: 'day' };
      const euro = (amount: string): object => ({ amount, currency: 'EUR' });
      const dollar = (amount: string): object => ({ amount, currency: 'USD' });
      const yen = { amount: '1000', currency: 'JPY' };
      await eventually(async () => Array.isArray((await stack.timeseries('trading', days)).totals.revenueByCurrency));
      const apart = { revenue: euro('10.00'), revenueByCurrency: [euro('10.00'), yen, dollar('20.00')] };
      expect(await stack.timeseries('trading', days)).toMatchObject({ totals: apart });

      const rates = [
        { currency: 'USD', from: '2026-01-01', rate: '0.91' },
        { currency: 'USD', from: '2026-03-02', rate: '0.925' },
      ];
      const given = await stack.ask('PUT', '/v1/merchants/trading/rates', { rates });
      expect(given).toEqual({ status: 200, body: { currency: 'EUR', rates } });
      await eventually(async () => 'conversion' in (await stack.timeseries('trading', days)).meta);
      const report = await stack.timeseries('trading', days);
      expect(report.rows).toEqual([
        { time: '2026-03-01T00:00:00+01:00', revenue: euro('19.10') },
        { time: '2026-03-02T00:00:00+01:00', revenue: euro('9.25'), revenueByCurrency: [euro('9.25'), yen] },
      ]);
      expect(report.totals).toEqual({ revenue: euro('28.35'), revenueByCurrency: [euro('28.35'), yen] });
      expect(report.meta).toMatchObject({ conversion: { into: 'EUR', converted: ['USD'], missing: [{ currency: 'JPY' }] } });
      const { metrics, from, to } = days;
      const byCountry = await stack.breakdown('trading', { metrics, from, to, dimension: 'country', orderBy: 'value' });
      expect(byCountry.rows).toEqual([
        { value: 'DE', revenue: euro('10.00') },
        { value: 'JP', revenue: euro('0.00'), revenueByCurrency: [euro('0.00'), yen] },
        { value: 'US', revenue: euro('18.35') },
      ]);
    });
  });

  describe('administering', () => {
    interface Rebuild {
      rebuildId: string;
      state: string;
    }
    const reset = async (request: object): Promise<string> => {
      const { status, body } = await stack.ask<Rebuild>('POST', '/admin/projections/traffic/reset', request);
      expect({ status, body }).toEqual({ status: 202, body: { rebuildId: expect.any(String) as string } });
      return body.rebuildId;
    };
    const becomes = (rebuildId: string, state: string): Promise<void> =>
      eventually(async () => (await stack.ask<Rebuild>('GET', `/admin/rebuilds/${rebuildId}`)).body.state === state);
    const wish = (rebuildId: string, what: string): Promise<Answer> => stack.ask('POST', `/admin/rebuilds/${rebuildId}/${what}`);

    it('lists the projections', async () => {
      const { body } = await stack.ask<{ projections: object[] }>('GET', '/admin/projections');
      expect(body.projections).toEqual(
        expect.arrayContaining(
          ['traffic', 'sessions', 'commerce'].map(
            (name) => expect.objectContaining({ name, version: expect.any(Number) as number, state: 'live' }) as object,
          ),
        ),
      );
    });

    it('rebuilds, promotes, rolls back and cancels, and every number stays', async () => {
      const range = { metrics: 'pageviews,visitors', interval: 'day', from: '2026-03-09', to: '2026-03-10' };
      const right = { pageviews: 5, visitors: 2 };
      const rebuildId = await reset({ promote: 'manual' });
      await becomes(rebuildId, 'caught-up');
      expect((await stack.ask('GET', `/admin/rebuilds/${rebuildId}`)).body).toMatchObject({
        rebuildId,
        projection: 'traffic',
        version: traffic.version,
        state: 'caught-up',
        eventsRead: expect.any(Number) as number,
        eventsTotal: expect.any(Number) as number,
        eventsPerSecond: expect.any(Number) as number,
        secondsRemaining: 0,
      });
      expect((await wish(rebuildId, 'promote')).status).toBe(202);
      await becomes(rebuildId, 'live');
      expect((await report('kolkata', 'timeseries', range)).totals).toEqual(right);
      expect((await wish(rebuildId, 'rollback')).status).toBe(202);
      await becomes(rebuildId, 'caught-up');
      expect((await report('kolkata', 'timeseries', range)).totals).toEqual(right);
      // The fix was wrong, and here is another.
      const again = await reset({ promote: 'manual' });
      await becomes(rebuildId, 'cancelled');
      expect((await wish(rebuildId, 'promote')).status).toBe(409);
      await becomes(again, 'caught-up');
      expect((await stack.ask('POST', '/admin/projections/traffic/reset', {})).status).toBe(409);
      expect((await wish(again, 'cancel')).status).toBe(202);
      await becomes(again, 'cancelled');

      const march = { merchantId: 'kolkata', from: '2026-03-01', to: '2026-03-31' };
      const automatic = await reset({ ...march, promote: 'automatic' });
      expect((await stack.ask('POST', '/admin/projections/traffic/reset', march)).status).toBe(409);
      await becomes(automatic, 'live');
      expect((await report('kolkata', 'timeseries', range)).totals).toEqual(right);
      const { body } = await stack.ask<{ rebuilds: Rebuild[] }>('GET', '/admin/rebuilds');
      expect(body.rebuilds.map((rebuild) => [rebuild.rebuildId, rebuild.state])).toEqual([
        [automatic, 'live'],
        [again, 'cancelled'],
        [rebuildId, 'cancelled'],
      ]);
    });

    it('says what there is when asked for what there is not', async () => {
      for (const [status, method, route, body] of [
        [404, 'POST', '/admin/projections/smiles/reset', {}],
        [400, 'POST', '/admin/projections/traffic/reset', { merchantId: 'nobody' }],
        [400, 'POST', '/admin/projections/traffic/reset', { from: '2026-03-02', to: '2026-03-01' }],
        [400, 'POST', '/admin/projections/traffic/reset', { promote: 'later' }],
        [400, 'POST', '/admin/projections/traffic/reset', { colour: 'red' }],
        [404, 'GET', '/admin/rebuilds/none', undefined],
        [404, 'POST', '/admin/rebuilds/none/promote', undefined],
        [400, 'GET', '/admin/rejects?reason=dislike', undefined],
        [400, 'GET', '/admin/rejects?limit=0', undefined],
        [400, 'GET', '/admin/rebuilds?state=live', undefined],
        [400, 'POST', '/v1/merchants', { name: 'Shop', timezone: 'Mars/Olympus' }],
        [400, 'POST', '/v1/merchants', { name: 'Shop', currency: 'XYZW' }],
        [400, 'POST', '/v1/merchants/kolkata/tokens', { name: 'a', role: 'king' }],
        [400, 'POST', '/v1/merchants/kolkata/sources', { name: 'a', allowedOrigins: ['shop'] }],
        [404, 'DELETE', '/v1/merchants/kolkata/tokens/none', undefined],
        [404, 'DELETE', '/admin/merchants/nobody/visitors/anna', undefined],
        [404, 'GET', '/v1/merchants/nobody/timeseries', undefined],
      ] as const) {
        const answer = await stack.ask<{ detail: string }>(method, route, body);
        expect({ route, status: answer.status, problem: answer.body }).toMatchObject({ route, status, problem: { status } });
        expect(answer.body.detail.length).toBeGreaterThan(10);
      }
    });

    it('lists the partitions', async () => {
      const { body } = await stack.ask<{ partitions: object[] }>('GET', '/admin/partitions');
      expect(body.partitions.length).toBeGreaterThanOrEqual(32);
      for (const partition of body.partitions)
        expect(partition).toMatchObject({
          owner: expect.any(String) as string,
          checkpoint: expect.any(Number) as number,
          head: expect.any(Number) as number,
          lag: expect.any(Number) as number,
        });
    });

    it('keeps what it rejected, and judges it again', async () => {
      const { body } = await stack.ask<{ rejects: { original: string }[] }>('GET', '/admin/rejects?merchantId=kolkata');
      expect(body).toMatchObject({
        complete: true,
        rejects: [
          { merchantId: 'kolkata', index: 4, id: null, reason: 'not-an-object', original: '7', replayed: false },
          { merchantId: 'kolkata', index: 2, id: 'strange', reason: 'unknown-field', replayed: false },
        ],
      });
      // Addresses are not kept, not even those of what was refused.
      expect(body.rejects[1]!.original).not.toContain(ben.ip);
      expect(await stack.ask('POST', '/admin/rejects/replay', { merchantId: 'kolkata' })).toEqual({
        status: 200,
        body: { replayed: 0, stillRefused: 2, complete: true },
      });
    });
  });

  describe('operating', () => {
    it('is alive, ready, measured and described', async () => {
      expect(await stack.ask('GET', '/health/live', undefined, '')).toEqual({ status: 200, body: { status: 'live' } });
      expect(await stack.ask('GET', '/health/ready', undefined, '')).toMatchObject({ status: 200, body: { status: 'ready' } });
      const metrics = await (await fetch(`${stack.url}/metrics`)).text();
      expect(metrics).toMatch(/^recount_\w+(\{.*\})? \d/m);
      const docs = await fetch(`${stack.url}/docs`);
      expect([docs.status, docs.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
      const { body } = await stack.ask<OpenApi>('GET', '/openapi.json', undefined, '');
      expect(body.openapi).toMatch(/^3\./);
      const served = Object.entries(body.paths).flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m.toUpperCase()} ${path}`));
      expect(served.filter((route) => /health|metrics|\/v1\/|\/admin\//.test(route)).sort()).toEqual(built.sort());
      const [, list] = body.paths['/v1/collect']!.post!.requestBody.content['application/json'].schema.oneOf;
      expect(Object.keys(list.items.properties).sort()).toEqual(eventFields.sort());
    });

    it('answers what it is described to answer, and refuses as it is described to refuse', async () => {
      const { body: document } = await stack.ask<Described>('GET', '/openapi.json', undefined, '');
      const shop = '/v1/merchants/described';
      const key = await stack.merchant('described');
      expect((await stack.ask('POST', '/v1/collect', [{ ...newYork[0]!, id: 'd' }, 7], key)).status).toBe(202);
      const funnel = { funnelId: 'f', name: 'F', steps: ['page_view', 'purchase'] };
      expect((await stack.ask('POST', `${shop}/funnels`, funnel)).status).toBe(201);
      expect((await stack.ask('POST', `${shop}/goals`, { goalId: 'g', name: 'G', event: 'page_view' })).status).toBe(201);
      expect((await stack.ask('POST', `${shop}/filters`, { filterId: 'x', field: 'page', pattern: '/x' })).status).toBe(201);
      const { body: begun } = await stack.ask<{ rebuildId: string }>('POST', '/admin/projections/content/reset', {
        ...{ merchantId: 'described', from: '2026-03-01', to: '2026-03-31', promote: 'manual' },
      });
      await eventually(async () => (await stack.ask('GET', `${shop}/funnels/f`)).status === 200);
      const { sources } = (await stack.ask<{ sources: [{ sourceId: string }] }>('GET', `${shop}/sources`)).body;
      const ids: Record<string, string> = {
        merchantId: 'described',
        sourceId: sources[0].sourceId,
        goalId: 'g',
        funnelId: 'f',
        filterId: 'x',
        rebuildId: begun.rebuildId,
      };
      const queries: Record<string, string> = {
        timeseries: '?metrics=pageviews,revenue,visitors&from=2026-03-01&to=2026-03-31&compare=previous_period',
        breakdown: '?dimension=page&metrics=pageviews,orders&from=2026-03-01&to=2026-03-31',
        rejects: '?merchantId=described',
      };
      for (const [path, { get }] of Object.entries(document.paths)) {
        if (get === undefined || path === '/metrics' || path.endsWith('/live')) continue;
        const route = path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name]!) + (queries[path.split('/').at(-1)!] ?? '');
        const { status, body } = await stack.ask('GET', route);
        expect({ route, status, undescribed: undescribed(document, get, status, body) }).toEqual({ route, status: 200, undescribed: [] });
      }
      for (const [path, methods] of Object.entries(document.paths)) {
        if (!/^\/(v1|admin)\//.test(path)) continue;
        for (const [method, { responses }] of Object.entries(methods)) {
          const refusals = Object.entries(responses).filter(([status]) => status === 'default' || Number(status) >= 400);
          expect({ method, path, refusals: refusals.length > 0 }).toEqual({ method, path, refusals: true });
          for (const [, { content }] of refusals) expect(Object.keys(content!)).toEqual(['application/problem+json']);
        }
      }
      const refused = await stack.ask('GET', `${shop}/timeseries?metrics=smiles`);
      expect(undescribed(document, document.paths[`${merchant}/timeseries`]!.get!, 400, refused.body)).toEqual([]);
    });

    it('refuses as problem+json', async () => {
      const response = await fetch(`${stack.url}/v1/merchants/kolkata/timeseries?metrics=smiles`, {
        headers: { authorization: `Bearer ${stack.adminToken}` },
      });
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await response.json()).toMatchObject({
        type: expect.any(String) as string,
        title: expect.any(String) as string,
        status: 400,
        detail: expect.stringContaining("'smiles' is unknown") as string,
        instance: '/v1/merchants/kolkata/timeseries',
        errors: [{ field: 'metrics' }],
      });
    });
  });
});
