import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { run, type Running } from './running';

let running: Running;
beforeAll(async () => {
  running = await run([ConfiguringModule]);
  await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop' }).expect(201);
});
afterAll(() => running.close());

interface Described {
  paths: Record<string, Partial<Record<Method, { parameters?: { in: string }[] }>>>;
}
const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
type Method = (typeof methods)[number];

/** Those under /v1 that are described without a parameter of a query. */
async function routesWithoutQuery(): Promise<{ method: Method; path: string }[]> {
  const { body } = await running.send('get', '/openapi.json').expect(200);
  return Object.entries((body as Described).paths)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, described]) =>
      methods
        .filter((method) => described[method]?.parameters?.every((parameter) => parameter.in !== 'query'))
        .map((method) => ({ method, path: path.replace('{merchantId}', 'shop').replaceAll(/\{\w+\}/g, 'x') })),
    );
}

describe('Configuring', () => {
  it('refuses a query wherever there is none, and names what is in it', async () => {
    const routes = await routesWithoutQuery();
    const lists = ['goals', 'funnels', 'filters', 'rates', 'sources', 'tokens'].map((list) => `/v1/merchants/shop/${list}`);
    expect(routes).toEqual(expect.arrayContaining(['/v1/merchants/shop', ...lists].map((path) => ({ method: 'get', path }))));
    for (const { method, path } of routes) {
      const { body, type: mediaType } = await running.send(method, `${path}?limit=5&name=x`);
      const detail = 'is not known here; the query of this route takes no parameters';
      expect({ method, mediaType, ...body }).toEqual({
        method,
        mediaType: 'application/problem+json',
        ...{ type: 'urn:recount:problem:invalid-request', title: 'Invalid request', status: 400, instance: path },
        detail: `limit: ${detail}; name: ${detail}`,
        errors: ['limit', 'name'].map((field) => ({ field, detail })),
      });
      // Who asks is looked at first.
      await running.send(method, `${path}?limit=5`, undefined, null).expect(401);
    }
    // Nothing was done on the way.
    await running.send('get', '/v1/merchants/shop').expect(200);
  });

  it('goes on taking the query of a page of merchants, and names what there may be', async () => {
    await running.send('get', '/v1/merchants?limit=5').expect(200);
    const { body } = await running.send('get', '/v1/merchants?limits=5').expect(400);
    expect(body.errors).toEqual([{ field: 'limits', detail: 'is not known here; allowed are limit, after' }]);
  });
});
