import { AdministeringModule } from '../../src/administering/administering.module';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { pseudonymsUnder } from '../../src/domain/pseudonyms';
import { pseudonymSecretOf } from '../../src/stores/pseudonym-secrets';
import { overlayId } from '../../src/stores/overlays';
import {
  type GenerationRecord,
  type LivePointer,
  type Overlay,
  recordKinds,
  settingsId,
  type SettingsRecord,
} from '../../src/stores/records';
import { run, type Running } from '../configuring/running';
import { rebuildRecord } from '../stores/rebuild-record';

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule, AdministeringModule]);
  await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop' }).expect(201);
});
afterEach(() => running.close());

const erase = (visitorId: string, merchantId = 'shop', token?: string) =>
  running.send('delete', `/admin/merchants/${merchantId}/visitors/${encodeURIComponent(visitorId)}`, undefined, token);

async function facts(): Promise<string[]> {
  const facts: string[] = [];
  for await (const { type, data } of running.log.read('merchant-shop')) facts.push(`${type} ${Buffer.from(data).toString()}`);
  return facts;
}

describe('Erasing a visitor', () => {
  it('says with which settings the merchant is counted without them', async () => {
    const { body } = await erase('anna/ü@example.com').expect(202);
    expect(body).toEqual({ merchantId: 'shop', erased: true, settingsRevision: 1 });
    const secret = await pseudonymSecretOf(running.store.records, 'shop');
    const settings = await running.store.records.get<SettingsRecord>(recordKinds.settings, settingsId('shop', body.settingsRevision));
    expect(settings?.value.definitions.erasedVisitors).toEqual([pseudonymsUnder(secret!)('anna/ü@example.com')]);
  });

  it('does not write down who it was', async () => {
    await erase('anna@example.com').expect(202);
    const said = await facts();
    expect(said.at(-1)).toMatch(/^visitor-erased\.v1 \{"visitor":"[0-9a-f]{24}","at":\d+\}$/);
    expect(said.join('\n')).not.toContain('anna');
  });

  it('again changes nothing', async () => {
    await erase('anna').expect(202);
    await erase('ben').expect(202);
    const before = await facts();
    expect((await erase('anna').expect(202)).body.settingsRevision).toBe(2);
    expect(await facts()).toEqual(before);
  });

  it('of a merchant that does not exist or was deleted is refused, and makes no secret', async () => {
    expect((await erase('anna', 'nobody').expect(404)).body).toMatchObject({ type: 'urn:recount:problem:merchant-unknown', status: 404 });
    expect(await running.store.records.get(recordKinds.secrets, 'nobody')).toBeUndefined();
    await running.send('delete', '/v1/merchants/shop').expect(204);
    expect((await erase('anna').expect(409)).body.type).toBe('urn:recount:problem:merchant-deleted');
  });

  it('with an id that no event can have is refused', async () => {
    expect((await erase('x'.repeat(65)).expect(400)).body.errors).toMatchObject([{ field: 'visitorId' }]);
    await erase('x'.repeat(64)).expect(202);
  });

  it('is not undone by rolling back the rebuild that carries it out, but does not stand in the way of others', async () => {
    const { records } = running.store;
    const before = Date.now() - 1_000;
    const generation = (generationId: string, more: Partial<GenerationRecord> = {}): Promise<void> =>
      records.put<GenerationRecord>(recordKinds.generations, generationId, {
        generationId,
        projections: [{ name: 'traffic', version: 1 }],
        state: 'live',
        createdAt: before,
        fingerprint: 'f',
        ...more,
      });
    const promoted = async (generationId: string, settingsRevision: number): Promise<string> => {
      const scope = { merchantId: 'shop' };
      await generation(generationId, { scope, settingsRevision });
      const overlay: Overlay = { projection: 'traffic', generationId, version: 1, scope, since: before };
      await records.put(recordKinds.overlays, overlayId(overlay), overlay);
      const rebuildId = `${generationId}-traffic`;
      const rebuild = rebuildRecord({ rebuildId, state: 'live', generationId, merchantId: 'shop', settingsRevision, requestedAt: before });
      await records.put(recordKinds.rebuilds, rebuildId, rebuild);
      return rebuildId;
    };
    const rollback = (rebuildId: string) => running.send('post', `/admin/rebuilds/${rebuildId}/rollback`);
    await generation('g1');
    const pointer: LivePointer = { projection: 'traffic', generationId: 'g1', version: 1, since: before };
    await records.put(recordKinds.live, 'traffic', pointer);

    const earlier = await promoted('g2', 0);
    await rollback(earlier).expect(202);
    const { settingsRevision } = (await erase('anna').expect(202)).body;
    const erasing = await promoted('g3', settingsRevision);
    expect((await rollback(erasing).expect(409)).body.detail).toContain('counts visitors who were erased');
    await rollback(await promoted('g4', settingsRevision)).expect(202);
  });

  it('is for the admin alone', async () => {
    const { body } = await running.send('post', '/v1/merchants/shop/tokens', { name: 'owner', role: 'owner' }).expect(201);
    await erase('anna', 'shop', body.token).expect(403);
    await erase('anna', 'shop', 'rt_wrong').expect(401);
    expect(await facts()).toHaveLength(2);
  });
});
