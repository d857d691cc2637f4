import { AdministeringModule } from '../../src/administering/administering.module';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { pseudonymSecretOf, type SecretRecord } from '../../src/stores/pseudonym-secrets';
import { recordKinds } from '../../src/stores/records';
import { run, type Running } from './running';

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule, AdministeringModule]);
  for (const merchantId of ['shop', 'other']) await running.send('post', '/v1/merchants', { merchantId, name: merchantId }).expect(201);
});
afterEach(() => running.close());

const stored = async (merchantId: string): Promise<SecretRecord | undefined> =>
  (await running.store.records.get<SecretRecord>(recordKinds.secrets, merchantId))?.value;

describe('The secret a merchant’s visitors are pseudonymised under', () => {
  it('is made with the merchant, 256 bits, and its own', async () => {
    const secrets = [await stored('shop'), await stored('other')].map((record) => (record as { secret: string }).secret);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(new Set(secrets).size).toBe(2);
    expect(await pseudonymSecretOf(running.store.records, 'shop')).toBe(secrets[0]);
  });

  it('is made once where a merchant has none yet, whoever asks first', async () => {
    await running.store.records.delete(recordKinds.secrets, 'shop');
    const asked = await Promise.all(Array.from({ length: 10 }, () => pseudonymSecretOf(running.store.records, 'shop')));
    expect(new Set(asked).size).toBe(1);
  });

  it('is destroyed with the merchant, and nobody makes another', async () => {
    const secret = await pseudonymSecretOf(running.store.records, 'shop');
    await running.send('delete', '/v1/merchants/shop').expect(204);
    expect(await stored('shop')).toEqual({ destroyedAt: expect.any(Number) as number });
    expect(await pseudonymSecretOf(running.store.records, 'shop', secret)).toBeUndefined();
  });

  it('is in no answer and not in the log', async () => {
    const secrets = await Promise.all(['shop', 'other'].map((merchantId) => pseudonymSecretOf(running.store.records, merchantId)));
    const { paths } = (await running.send('get', '/openapi.json').expect(200)).body as { paths: Record<string, object> };
    const routes = Object.entries(paths)
      .filter(([path, methods]) => 'get' in methods && !path.endsWith('/live'))
      .map(([path]) => path.replace('{merchantId}', 'shop').replace(/\{\w+\}/g, 'traffic'));
    expect(routes.length).toBeGreaterThan(10);
    const answers = await Promise.all(routes.map(async (route) => (await running.send('get', route)).text));
    const changed = await running.send('patch', '/v1/merchants/shop', { name: 'Shop' }).expect(200);
    const source = await running.send('post', '/v1/merchants/shop/sources', { name: 'web' }).expect(201);
    const said = [...answers, changed.text, source.text].join('\n');
    const records: string[] = [];
    for await (const record of running.log.read('merchant-shop')) records.push(Buffer.from(record.data).toString());
    expect(records).toHaveLength(3);
    for (const secret of secrets) {
      expect(said).not.toContain(secret);
      expect(records.join('\n')).not.toContain(secret);
    }
  });
});
