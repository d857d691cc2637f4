import request from 'supertest';
import type { EventStore } from '../../src/stores/event-store';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { hashSecret } from '../../src/configuring/secrets';
import { type KeyRecord, type MerchantRecord, recordKinds } from '../../src/stores/records';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { run, type Running } from './running';

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule]);
});
afterEach(() => running.close());

const register = (body: object = {}) => running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop', ...body }).expect(201);
const keyOf = async (secret: string): Promise<KeyRecord | undefined> =>
  (await running.store.records.get<KeyRecord>(recordKinds.keys, hashSecret(secret)))?.value;
const merchantOf = async (id: string): Promise<MerchantRecord | undefined> =>
  (await running.store.records.get<MerchantRecord>(recordKinds.merchants, id))?.value;
const token = async (role: string, merchantId = 'shop'): Promise<{ tokenId: string; token: string }> =>
  (await running.send('post', `/v1/merchants/${merchantId}/tokens`, { name: 'board', role }).expect(201)).body;

describe('Registering a merchant', () => {
  it('answers with the merchant, where it is, and what was left out', async () => {
    const { body, headers } = await register();
    expect(body).toMatchObject({ merchantId: 'shop', name: 'Shop', timezone: 'UTC', currency: 'USD' });
    expect(new Date(body.createdAt).toISOString()).toBe(body.createdAt);
    expect(headers.location).toBe('/v1/merchants/shop');
    const found = await running.send('get', '/v1/merchants/shop').expect(200);
    expect(found.body).toEqual(body);
  });

  it('makes up an id where none is given', async () => {
    const { body } = await running.send('post', '/v1/merchants', { name: 'Shop' }).expect(201);
    expect(body.merchantId).toMatch(/^m_[A-Za-z0-9_-]{12}$/);
    await running.send('get', `/v1/merchants/${body.merchantId}`).expect(200);
  });

  it('brings settings into their usual spelling', async () => {
    const { body } = await register({ timezone: 'europe/berlin', currency: 'eur' });
    expect(body).toMatchObject({ timezone: 'Europe/Berlin', currency: 'EUR' });
  });

  it('is refused a second time, also after the merchant was deleted', async () => {
    await register();
    const again = await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Other' }).expect(409);
    expect(again.headers['content-type']).toContain('application/problem+json');
    expect(again.body).toEqual({
      type: 'urn:recount:problem:merchant-exists',
      title: 'Merchant exists',
      status: 409,
      detail: 'A merchant "shop" exists already; choose another merchantId',
      instance: '/v1/merchants',
    });
    await running.send('delete', '/v1/merchants/shop').expect(204);
    await running.send('get', '/v1/merchants/shop').expect(404);
    await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Heir' }).expect(409);
  });

  it.each([
    [
      'an unknown field',
      { name: 'Shop', plan: 'gold' },
      'plan',
      'is not known here; allowed are merchantId, name, timezone, currency, spread',
    ],
    ['no name', {}, 'name', 'must be a text of 1 to 200 characters that is not blank; it is missing'],
    ['a blank name', { name: '  ' }, 'name', 'must be a text of 1 to 200 characters that is not blank, not "  "'],
    ['null for a name', { name: null }, 'name', 'must be a text of 1 to 200 characters that is not blank, not null'],
    ['a wrong timezone', { name: 'S', timezone: 'Mars' }, 'timezone', 'must be an IANA timezone such as Europe/Berlin or UTC, not "Mars"'],
    ['null for a timezone', { name: 'S', timezone: null }, 'timezone', 'must be an IANA timezone such as Europe/Berlin or UTC, not null'],
    ['a wrong currency', { name: 'S', currency: 'XX' }, 'currency', 'must be an ISO 4217 currency such as USD or EUR, not "XX"'],
    ['a wrong id', { name: 'S', merchantId: 'a|b' }, 'merchantId', 'must be 1 to 64 letters, digits, "_" or "-", not "a|b"'],
  ])('is refused with %s, naming the field and what is allowed', async (_what, body, field, detail) => {
    const answer = await running.send('post', '/v1/merchants', body).expect(400);
    expect(answer.body).toMatchObject({ status: 400, instance: '/v1/merchants', errors: [{ field, detail }] });
    expect(answer.body.detail).toContain(`${field}: ${detail}`);
  });

  it.each([
    ['broken JSON', '{"name":', 'application/json', 400, /^The body is not JSON: /],
    ['a list', '[{"name":"Shop"}]', 'application/json', 400, /^body: must be a JSON object, not \[/],
    ['a bare text', '"Shop"', 'application/json', 400, /^body: must be a JSON object, not "Shop"/],
    ['null', 'null', 'application/json', 400, /^body: must be a JSON object, not null/],
    [
      'a form',
      'name=Shop',
      'application/x-www-form-urlencoded',
      415,
      /^Content-Type must be application\/json, not application\/x-www-form/,
    ],
    ['JSON that says it is text', '{"name":"Shop"}', 'text/plain', 415, /^Content-Type must be application\/json, not text\/plain/],
    ['too much', JSON.stringify({ name: 'x'.repeat(300_000) }), 'application/json', 413, /^The body may have 262144 bytes/],
    ['deep prototypes', '{"__proto__":{"name":"Shop"}}', 'application/json', 400, /^name: .* it is missing$/],
  ])('is refused with %s as a problem', async (_what, body, type, status, detail) => {
    const answer = await running.send('post', '/v1/merchants').set('content-type', type).send(body).expect(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ status, instance: '/v1/merchants', detail: expect.stringMatching(detail) });
  });

  it('asks who it is before it looks at a body', async () => {
    await running.send('post', '/v1/merchants', undefined, null).set('content-type', 'text/plain').send('{}').expect(401);
    await running.send('post', '/v1/nowhere').set('content-type', 'text/plain').send('{}').expect(404);
  });

  it.each([
    ['put', '/v1/merchants', 'GET, HEAD, POST'],
    ['post', '/v1/merchants/shop/', 'DELETE, GET, HEAD, PATCH'],
    ['get', '/v1/merchants/shop/sources/s/rotate-key', 'POST'],
  ] as const)('has no %s on %s, and says what there is', async (method, path, allowed) => {
    const { body } = await running.send(method, path, {}).expect(405).expect('Allow', allowed);
    expect(body).toMatchObject({ type: 'about:blank', title: 'Method Not Allowed', status: 405, instance: path });
    expect(body.detail).toContain(allowed);
  });

  it('tells a browser or a person who asks with OPTIONS what a path is for', async () => {
    await request(running.app.getHttpServer()).options('/v1/merchants/shop').expect(204).expect('Allow', 'DELETE, GET, HEAD, PATCH');
  });

  it.each([
    ['?limit=0', 'limit: must be a whole number from 1 to 1000, not 0'],
    ['?limit=some', 'limit: must be a whole number from 1 to 1000, not "some"'],
    ['?limit=1&limit=2', 'limit: is given 2 times, not once'],
  ])('lists none with %s', async (query, detail) => {
    expect((await running.send('get', `/v1/merchants${query}`).expect(400)).body.detail).toBe(detail);
  });

  it('has a list of origins for a source, or none', async () => {
    await register();
    const { body } = await running.send('post', '/v1/merchants/shop/sources', { name: 'web', allowedOrigins: '*' }).expect(400);
    expect(body.detail).toBe('allowedOrigins: must be a list of at most 50 origins, not "*"');
  });
});

describe('Changing a merchant', () => {
  it('changes what is given and keeps the history of timezones', async () => {
    await register();
    const { body } = await running.send('patch', '/v1/merchants/shop', { timezone: 'Asia/Tokyo' }).expect(200);
    expect(body).toMatchObject({ name: 'Shop', timezone: 'Asia/Tokyo', currency: 'USD' });
    const stored = await merchantOf('shop');
    expect(stored?.timezones.map(({ timezone }) => timezone)).toEqual(['UTC', 'Asia/Tokyo']);
    expect(stored!.timezones[0]!.since).toBeLessThanOrEqual(stored!.timezones[1]!.since);
  });

  it('records nothing when nothing changes', async () => {
    await register();
    const before = await running.log.last('merchant-shop');
    await running.send('patch', '/v1/merchants/shop', { name: 'Shop' }).expect(200);
    await running.send('patch', '/v1/merchants/shop', {}).expect(200);
    expect(await running.log.last('merchant-shop')).toEqual(before);
  });

  it('loses no change when many are made at once', async () => {
    await register();
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, i) => running.send('post', '/v1/merchants/shop/sources', { name: `source ${i}` })),
    );
    const done = answers.filter(({ status }) => status === 201).length;
    for (const { status } of answers) expect([201, 409]).toContain(status);
    const { body } = await running.send('get', '/v1/merchants/shop/sources').expect(200);
    expect(body.sources).toHaveLength(done);
    expect((await merchantOf('shop'))?.sources).toHaveLength(done);
    expect(done).toBeGreaterThanOrEqual(1);
  });

  it('gives up after a bounded number of lost races, and says so', async () => {
    await register();
    const append = jest.spyOn(running.log as EventStore, 'append');
    append.mockResolvedValue({ ok: false, reason: 'wrong-expected-revision', actual: 7n });
    const { body } = await running.send('patch', '/v1/merchants/shop', { name: 'New' }).expect(409);
    expect(body.type).toBe('urn:recount:problem:contended');
    expect(append).toHaveBeenCalledTimes(5);
  });

  it('notes who did it in the log', async () => {
    await register();
    const owner = await token('owner');
    await running.send('patch', '/v1/merchants/shop', { name: 'Ours' }, owner.token).expect(200);
    const newest = await running.log.last('merchant-shop');
    expect(newest?.type).toBe('merchant-renamed.v1');
    expect(JSON.parse(Buffer.from(newest!.metadata!).toString())).toEqual({ by: `token:${owner.tokenId}` });
  });
});

describe('The list of merchants', () => {
  it('comes in pages, without the deleted ones', async () => {
    for (const merchantId of ['a', 'b', 'c', 'd', 'e']) await register({ merchantId });
    await running.send('delete', '/v1/merchants/b').expect(204);
    const first = (await running.send('get', '/v1/merchants?limit=2').expect(200)).body;
    expect(first.merchants.map((m: { merchantId: string }) => m.merchantId)).toEqual(['a', 'c']);
    const second = (await running.send('get', `/v1/merchants?limit=2&after=${first.next}`).expect(200)).body;
    expect(second.merchants.map((m: { merchantId: string }) => m.merchantId)).toEqual(['d', 'e']);
    expect(second.next).toBeNull();
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'page=2'])('refuses %s', (query) =>
    running.send('get', `/v1/merchants?${query}`).expect(400),
  );
});

describe('A source', () => {
  it('shows its write key once, and stores only its hash', async () => {
    await register();
    const { body } = await running.send('post', '/v1/merchants/shop/sources', { name: 'web', allowedOrigins: ['https://shop.example'] });
    expect(body).toEqual({ sourceId: expect.stringMatching(/^s_/), writeKey: expect.stringMatching(/^wk_[A-Za-z0-9_-]{43}$/) });
    expect(await keyOf(body.writeKey)).toEqual({
      kind: 'write',
      merchantId: 'shop',
      sourceId: body.sourceId,
      allowedOrigins: ['https://shop.example'],
    });
    const list = await running.send('get', '/v1/merchants/shop/sources').expect(200);
    expect(list.body.sources).toMatchObject([{ sourceId: body.sourceId, name: 'web', allowedOrigins: ['https://shop.example'] }]);
    expect(list.text).not.toContain(hashSecret(body.writeKey));
    const stored = await everythingIn(running);
    expect(stored).toContain(hashSecret(body.writeKey));
    expect(stored).not.toContain(body.writeKey);
  });

  it('gets another key, with which the old one stops working', async () => {
    await register();
    const { body: old } = await running.send('post', '/v1/merchants/shop/sources', { name: 'web' }).expect(201);
    const { body: rotated } = await running.send('post', `/v1/merchants/shop/sources/${old.sourceId}/rotate-key`).expect(200);
    expect(rotated.sourceId).toBe(old.sourceId);
    expect(rotated.writeKey).not.toBe(old.writeKey);
    expect(await keyOf(old.writeKey)).toEqual({ kind: 'revoked', merchantId: 'shop' });
    expect(await keyOf(rotated.writeKey)).toMatchObject({ kind: 'write', sourceId: old.sourceId });
  });

  it('is changed with its key going on, whoever of the merchant configures it', async () => {
    await register();
    const sources = '/v1/merchants/shop/sources';
    const { body: added } = await running.send('post', sources, { name: 'web', allowedOrigins: ['https://shop.example'] }).expect(201);
    const route = `${sources}/${added.sourceId}`;
    const owner = await token('owner');
    const shown = { sourceId: added.sourceId, name: 'web', allowedOrigins: ['https://shop.example'], createdAt: expect.any(String) };
    expect((await running.send('get', route).expect(200)).body).toEqual(shown);

    const origins = ['https://shop.example', 'https://m.shop.example'];
    const changed = await running.send('patch', route, { allowedOrigins: origins }, owner.token).expect(200);
    expect(changed.body).toEqual({ ...shown, allowedOrigins: origins });
    expect(await keyOf(added.writeKey)).toEqual({
      kind: 'write',
      merchantId: 'shop',
      sourceId: added.sourceId,
      allowedOrigins: origins,
    });
    const renamed = await running.send('patch', route, { name: 'shop and app' }).expect(200);
    expect(renamed.body).toEqual({ ...shown, name: 'shop and app', allowedOrigins: origins });
    expect((await running.send('patch', route, {}).expect(200)).body).toEqual(renamed.body);
    expect((await running.send('get', sources)).body).toEqual({ sources: [renamed.body] });
    // Another key gets what the source was changed to.
    const { body: rotated } = await running.send('post', `${route}/rotate-key`).expect(200);
    expect(await keyOf(rotated.writeKey)).toMatchObject({ kind: 'write', allowedOrigins: origins });

    const viewer = await token('viewer');
    await running.send('patch', route, { name: 'x' }, viewer.token).expect(403);
    await running.send('patch', `${sources}/s_nowhere`, { name: 'x' }).expect(404);
    await running.send('get', `${sources}/s_nowhere`).expect(404);
    for (const wrong of [{ allowedOrigins: 'https://shop.example' }, { allowedOrigins: null }, { name: ' ' }, { writeKey: 'wk_mine' }]) {
      await running.send('patch', route, wrong).expect(400);
    }
    await running.send('delete', route, undefined, owner.token).expect(204);
    await running.send('patch', route, { name: 'x' }).expect(404);
    expect(await keyOf(rotated.writeKey)).toEqual({ kind: 'revoked', merchantId: 'shop' });
  });

  it('takes its key along when it is removed', async () => {
    await register();
    const { body } = await running.send('post', '/v1/merchants/shop/sources', { name: 'web' }).expect(201);
    await running.send('delete', `/v1/merchants/shop/sources/${body.sourceId}`).expect(204);
    expect(await keyOf(body.writeKey)).toEqual({ kind: 'revoked', merchantId: 'shop' });
    expect((await running.send('get', '/v1/merchants/shop/sources')).body).toEqual({ sources: [] });
    await running.send('delete', `/v1/merchants/shop/sources/${body.sourceId}`).expect(404);
    await running.send('post', `/v1/merchants/shop/sources/${body.sourceId}/rotate-key`).expect(404);
  });

  it.each(['shop.example', 'https://shop.example/', 'https://shop.example/path', 'ftp://shop.example', 'null', 7])(
    'is refused with %j for an origin',
    async (origin) => {
      await register();
      const { body } = await running.send('post', '/v1/merchants/shop/sources', { name: 'web', allowedOrigins: [origin] }).expect(400);
      expect(body.errors[0]).toMatchObject({ field: 'allowedOrigins', detail: expect.stringContaining('https://shop.example') });
    },
  );
});

describe('A token', () => {
  it('is shown once and stops working when it is revoked', async () => {
    await register();
    const issued = await token('owner');
    expect(issued.token).toMatch(/^rt_[A-Za-z0-9_-]{43}$/);
    await running.send('get', '/v1/merchants/shop', undefined, issued.token).expect(200);
    const { body } = await running.send('get', '/v1/merchants/shop/tokens').expect(200);
    expect(body.tokens).toEqual([{ tokenId: issued.tokenId, name: 'board', role: 'owner', createdAt: expect.any(String) }]);
    await running.send('delete', `/v1/merchants/shop/tokens/${issued.tokenId}`).expect(204);
    await running.send('get', '/v1/merchants/shop', undefined, issued.token).expect(401);
    expect(await everythingIn(running)).not.toContain(issued.token);
  });

  it('is a viewer or an owner and nothing else', async () => {
    await register();
    const { body } = await running.send('post', '/v1/merchants/shop/tokens', { name: 'x', role: 'admin' }).expect(400);
    expect(body.errors).toEqual([{ field: 'role', detail: 'must be viewer or owner, not "admin"' }]);
  });
});

describe('Deleting a merchant', () => {
  it('closes every key and token', async () => {
    await register();
    const { body: source } = await running.send('post', '/v1/merchants/shop/sources', { name: 'web' }).expect(201);
    const owner = await token('owner');
    await running.send('delete', '/v1/merchants/shop', undefined, owner.token).expect(204);
    expect(await keyOf(source.writeKey)).toEqual({ kind: 'revoked', merchantId: 'shop' });
    await running.send('get', '/v1/merchants/shop', undefined, owner.token).expect(401);
    await running.send('post', '/v1/merchants/shop/sources', { name: 'web' }).expect(404);
  });
});

describe('While a store is away', () => {
  it('a change that cannot be recorded is refused as unavailable', async () => {
    await register();
    running.log.setUnavailable(true);
    const answer = await running.send('patch', '/v1/merchants/shop', { name: 'New' }).expect(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.body).toMatchObject({ status: 503, instance: '/v1/merchants/shop' });
  });

  it('a recorded change succeeds and shows once the read store is back', async () => {
    const store = new InMemoryReadStore();
    const log = new InMemoryEventStore();
    await running.close();
    running = await run([ConfiguringModule], { store, log });
    store.setUnavailable(true);
    await register();
    store.setUnavailable(false);
    await running.close();
    running = await run([ConfiguringModule], { store, log });
    await eventually(() => running.send('get', '/v1/merchants/shop').expect(200));
  });
});

async function everythingIn({ log, store }: Running): Promise<string> {
  const parts: string[] = [];
  for await (const record of log.read('merchant-shop')) parts.push(Buffer.from(record.data).toString());
  for (const kind of Object.values(recordKinds)) parts.push(JSON.stringify(await store.records.list(kind)));
  return parts.join('\n');
}

async function eventually(check: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await check();
      return;
    } catch (error) {
      if (attempt >= 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('Spreading a merchant', () => {
  it('is the admin’s to set, at registration or later, and shows', async () => {
    const { body } = await register();
    expect(body.spread).toBe(1);
    await running.send('patch', '/v1/merchants/shop', { spread: 4 }).expect(200);
    expect((await running.send('get', '/v1/merchants/shop').expect(200)).body.spread).toBe(4);
    const { token: owner } = await token('owner');
    const { body: refused } = await running.send('patch', '/v1/merchants/shop', { spread: 2 }, owner).expect(403);
    expect(refused.detail).toBe('Changing the spread of a merchant needs the admin token');
    await running.send('patch', '/v1/merchants/shop', { name: 'Renamed' }, owner).expect(200);
    expect((await running.send('get', '/v1/merchants/shop', undefined, owner).expect(200)).body).toMatchObject({
      name: 'Renamed',
      spread: 4,
    });
    const { body: large } = await running.send('post', '/v1/merchants', { merchantId: 'large', name: 'Large', spread: 3 }).expect(201);
    expect(large.spread).toBe(3);
  });

  it.each([0, 5, 1.5, '2', null, [2]])('over %j partitions is refused, with what is allowed', async (spread) => {
    await register();
    const detail = `spread: must be a whole number from 1 to 4, the number of partitions, not ${JSON.stringify(spread)}`;
    for (const asked of [
      running.send('patch', '/v1/merchants/shop', { spread }),
      running.send('post', '/v1/merchants', { name: 'Other', spread }),
    ]) {
      expect((await asked.expect(400)).body.detail).toBe(detail);
    }
  });

  it('reaches collectors with its keys: for what happens ten seconds from then, or always where it was registered so', async () => {
    const before = Date.now();
    await register();
    const sourceOf = async (merchantId: string): Promise<string> =>
      (await running.send('post', `/v1/merchants/${merchantId}/sources`, { name: 'web' }).expect(201)).body.writeKey;
    const writeKey = await sourceOf('shop');
    expect(await keyOf(writeKey)).not.toHaveProperty('spreads');
    await running.send('patch', '/v1/merchants/shop', { spread: 4 }).expect(200);
    const key = (await keyOf(writeKey)) as Extract<KeyRecord, { kind: 'write' }>;
    expect(key.spreads).toEqual([
      { spread: 1, since: 0 },
      { spread: 4, since: expect.any(Number) as number },
    ]);
    expect(key.spreads![1]!.since).toBeGreaterThanOrEqual(before + 10_000);
    expect(key.spreads![1]!.since).toBeLessThanOrEqual(Date.now() + 10_000);
    await running.send('patch', '/v1/merchants/shop', { spread: 4 }).expect(200);
    expect(await keyOf(writeKey)).toEqual(key);
    await running.send('patch', '/v1/merchants/shop', { spread: 2 }).expect(200);
    expect(await merchantOf('shop')).toMatchObject({ reach: 4, spreads: [...key.spreads!, { spread: 2 }] });
    // A source that comes later knows it too.
    expect(((await keyOf(await sourceOf('shop'))) as typeof key).spreads).toHaveLength(3);

    await running.send('post', '/v1/merchants', { merchantId: 'large', name: 'Large', spread: 3 }).expect(201);
    expect(((await keyOf(await sourceOf('large'))) as typeof key).spreads).toEqual([{ spread: 3, since: 0 }]);
  });
});
