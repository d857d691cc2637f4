import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { CurrentCaller, ReportGuard, type Caller } from '../../src/configuring/authentication';
import { AuthenticationModule } from '../../src/configuring/authentication.module';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { run, type Running } from './running';

@Controller('v1/merchants/:merchantId/report')
@UseGuards(ReportGuard)
class ReportController {
  @Get()
  read(@CurrentCaller() caller: Caller): Caller {
    return caller;
  }
}
@Module({ imports: [AuthenticationModule], controllers: [ReportController] })
class ReportModule {}

let running: Running;
const tokens = { viewer: '', owner: '', neighbour: '', writeKey: '' };

beforeAll(async () => {
  running = await run([ConfiguringModule, ReportModule]);
  for (const merchantId of ['shop', 'other']) await running.send('post', '/v1/merchants', { merchantId, name: merchantId }).expect(201);
  const issue = async (merchantId: string, role: string): Promise<string> =>
    (await running.send('post', `/v1/merchants/${merchantId}/tokens`, { name: role, role }).expect(201)).body.token;
  tokens.viewer = await issue('shop', 'viewer');
  tokens.owner = await issue('shop', 'owner');
  tokens.neighbour = await issue('other', 'owner');
  tokens.writeKey = (await running.send('post', '/v1/merchants/shop/sources', { name: 'web' }).expect(201)).body.writeKey;
});
afterAll(() => running.close());

const get = (path: string, token?: string | null) => running.send('get', path, undefined, token);
const report = '/v1/merchants/shop/report';
const merchant = '/v1/merchants/shop';

describe('Reading reports', () => {
  it('is open to the admin and to every read token of the merchant', async () => {
    expect((await get(report).expect(200)).body).toEqual({ kind: 'admin' });
    expect((await get(report, tokens.viewer).expect(200)).body).toMatchObject({ kind: 'reader', merchantId: 'shop', role: 'viewer' });
    expect((await get(report, tokens.owner).expect(200)).body).toMatchObject({ kind: 'reader', merchantId: 'shop', role: 'owner' });
  });

  it("is closed to another merchant's token and to a write key", async () => {
    expect((await get(report, tokens.neighbour).expect(403)).body.detail).toBe('This token belongs to another merchant');
    expect((await get(report, tokens.writeKey).expect(403)).body.detail).toContain('write key');
  });

  it('tells only the admin which merchants exist', async () => {
    const unknown = await get('/v1/merchants/nobody/report').expect(404);
    expect(unknown.body).toMatchObject({ type: 'urn:recount:problem:merchant-unknown', detail: 'There is no merchant "nobody"' });
    await get('/v1/merchants/nobody/report', tokens.viewer).expect(403);
    await get('/v1/merchants/a%7Cb/report').expect(404);
    await get('/v1/merchants/a%7Cb/report', tokens.viewer).expect(403);
  });
});

describe('Configuring a merchant', () => {
  it('is open to the admin and to an owner, and closed to everyone else', async () => {
    await get(merchant).expect(200);
    await get(merchant, tokens.owner).expect(200);
    expect((await get(merchant, tokens.viewer).expect(403)).body.detail).toContain('owner');
    await get(merchant, tokens.neighbour).expect(403);
    await get(merchant, tokens.writeKey).expect(403);
  });

  it('leaves merchants as a whole to the admin', async () => {
    await get('/v1/merchants', tokens.owner).expect(403);
    await running.send('post', '/v1/merchants', { name: 'Mine' }, tokens.owner).expect(403);
    await running.send('post', '/v1/merchants', { name: 'Mine' }, null).expect(401);
  });

  it('does not say what is wrong with a body before it knows who asks', async () => {
    const { body } = await running.send('post', '/v1/merchants', { plan: 'gold' }, 'rt_wrong').expect(401);
    expect(body.errors).toBeUndefined();
  });
});

describe('A request without a valid token', () => {
  it.each([
    ['none', null],
    ['an unknown token', 'rt_unknown'],
    ['the admin token with something added', 'admin-token-of-the-test2'],
    ['the beginning of the admin token', 'admin-token-of-the-tes'],
    ['a very long token', 'x'.repeat(5_000)],
  ])('is refused: %s', async (_what, token) => {
    const answer = await get(merchant, token).expect(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ status: 401, title: 'Unauthorized', instance: merchant });
  });

  it.each(['Basic YTpi', 'Bearer', 'Bearer ', 'Bearer a b', 'admin-token-of-the-test'])('is refused: Authorization: %s', (header) =>
    running.send('get', merchant, undefined, null).set('authorization', header).expect(401),
  );

  it('takes the scheme in any case', () =>
    running.send('get', merchant, undefined, null).set('authorization', 'bearer admin-token-of-the-test').expect(200));
});

describe('Answers', () => {
  it('never repeat the query, which may carry a key', async () => {
    const { body } = await get(`${merchant}?writeKey=wk_secret`, null).expect(401);
    expect(JSON.stringify(body)).not.toContain('wk_secret');
  });

  it('are problems for paths nobody serves as well', async () => {
    const answer = await get('/v1/nowhere?x=1').expect(404);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ type: 'about:blank', title: 'Not Found', status: 404, instance: '/v1/nowhere' });
  });

  it('say nothing about the inside when something breaks', async () => {
    const list = jest.spyOn(running.store.records, 'list').mockRejectedValueOnce(new Error('secret detail'));
    const { body } = await get('/v1/merchants').expect(500);
    expect(JSON.stringify(body)).not.toContain('secret detail');
    list.mockRestore();
  });
});

describe('The documentation', () => {
  it('describes the routes and their bodies', async () => {
    const { body } = await get('/openapi.json', null).expect(200);
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining(['/v1/merchants', '/v1/merchants/{merchantId}/sources/{sourceId}/rotate-key', '/health/ready', '/metrics']),
    );
    expect(body.components.schemas.RegisterMerchantRequest.required).toEqual(['name']);
    expect(body.paths['/v1/collect'].post.requestBody.required).toBe(true);
    await get('/docs', null).expect(200);
  });
});
