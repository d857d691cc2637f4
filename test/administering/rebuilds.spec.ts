import { AdministeringModule } from '../../src/administering/administering.module';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { controlId, type GenerationRecord, type LivePointer, type RebuildRecord, recordKinds } from '../../src/stores/records';
import { run, type Running } from '../configuring/running';
import { serving } from './serving';

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule, AdministeringModule]);
  await serving(records(), 'g1', ['traffic', 'sessions', 'commerce']);
});
afterEach(() => running.close());

const records = () => running.store.records;
const reset = (name: string, body: object = {}) => running.send('post', `/admin/projections/${name}/reset`, body);
const rebuildOf = async (id: string) => (await records().get<RebuildRecord>(recordKinds.rebuilds, id))!.value;

/** What the coordinator does to a rebuild. */
async function moved(id: string, change: Partial<RebuildRecord>): Promise<void> {
  await records().put(recordKinds.rebuilds, id, { ...(await rebuildOf(id)), ...change });
}

describe('A reset', () => {
  it('begins a rebuild into a generation of its own while the old one serves', async () => {
    const { body } = await reset('traffic').expect(202);
    expect(body).toEqual({ rebuildId: 'g2-traffic' });
    expect(await rebuildOf('g2-traffic')).toMatchObject({
      projection: 'traffic',
      state: 'building',
      generationId: 'g2',
      previousGenerationId: 'g1',
      promote: 'automatic',
    });
    // The workers begin it, once they know what else is to be counted in the same pass.
    expect(await records().get<GenerationRecord>(recordKinds.generations, 'g2')).toBeUndefined();
    expect((await records().get<LivePointer>(recordKinds.live, 'traffic'))!.value.generationId).toBe('g1');
  });

  it('names the projections there are when asked for another', async () => {
    const { body } = await reset('trafic').expect(404);
    expect(body.detail).toMatch(/^There is no projection "trafic"; there are traffic, sessions, .*commerce/);
  });

  it('is refused while a rebuild of the same projection runs, and says which', async () => {
    await reset('traffic').expect(202);
    const { body } = await reset('traffic').expect(409);
    expect(body).toMatchObject({ type: 'urn:recount:problem:rebuild-running' });
    expect(body.detail).toContain('g2-traffic');
    await moved('g2-traffic', { state: 'cancelled' });
    expect((await reset('traffic').expect(202)).body).toEqual({ rebuildId: 'g3-traffic' });
  });

  it('takes the place of one that was rolled back, which is not promoted any more then', async () => {
    await reset('traffic').expect(202);
    await moved('g2-traffic', { state: 'caught-up', promote: 'manual', promotedAt: 7 });
    await records().put(recordKinds.generations, 'g2', { generationId: 'g2' });
    expect((await reset('traffic').expect(202)).body).toEqual({ rebuildId: 'g3-traffic' });
    // The workers end it; until then nobody can have it back.
    const { body } = await running.send('post', '/admin/rebuilds/g2-traffic/promote').expect(409);
    expect(body.detail).toContain('g3-traffic takes its place');
    expect((await reset('traffic').expect(409)).body.detail).toContain('g3-traffic rebuilds "traffic" already');
  });

  it('is refused while one waits for a decision, or is about to serve, and says what to do', async () => {
    await reset('traffic', { promote: 'manual' }).expect(202);
    await moved('g2-traffic', { state: 'caught-up' });
    expect((await reset('traffic').expect(409)).body.detail).toBe(
      'g2-traffic has counted "traffic" again and waits for a decision; promote it, or cancel it first',
    );
    await moved('g2-traffic', { promotedAt: 7, wish: 'promote' });
    expect((await reset('traffic').expect(409)).body.detail).toBe('g2-traffic of "traffic" is being promoted; ask again once it serves');
    await moved('g2-traffic', { promotedAt: undefined, wish: undefined, promote: 'automatic' });
    expect((await reset('traffic').expect(409)).body.detail).toContain('wait for it, or cancel it first');
  });

  it('happens once when asked for several times at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => reset('traffic')));
    const begun = answers.filter(({ status }) => status === 202);
    expect(begun).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(4);
    expect(await records().list(recordKinds.rebuilds)).toHaveLength(1);
  });

  it('of different projections at the same moment takes one generation, so that one pass over the log counts them', async () => {
    const answers = await Promise.all(['traffic', 'commerce', 'sessions'].map((name) => reset(name).expect(202)));
    expect(answers.map(({ body }) => body.rebuildId)).toEqual(['g2-traffic', 'g2-commerce', 'g2-sessions']);
    expect(await rebuildOf('g2-sessions')).toMatchObject({ projection: 'sessions', generationId: 'g2', state: 'building' });
  });

  it('of a generation that has begun takes the next one', async () => {
    await reset('traffic').expect(202);
    await records().put(recordKinds.generations, 'g2', { generationId: 'g2' });
    expect((await reset('commerce').expect(202)).body).toEqual({ rebuildId: 'g3-commerce' });
  });

  it('is refused when the workers begin one of the same projection in between', async () => {
    const list = records().list.bind(records());
    jest.spyOn(records(), 'list').mockImplementation(async (kind, ...rest) => {
      const listed = await list(kind, ...rest);
      const rebuild = { rebuildId: 'g2-traffic', projection: 'traffic', state: 'building', generationId: 'g2' };
      if (kind === recordKinds.generations) await records().putIf(recordKinds.rebuilds, 'g2-traffic', rebuild, 0);
      return listed as never;
    });
    expect((await reset('traffic').expect(409)).body.detail).toContain('g2-traffic');
  });

  it.each([
    ['an unknown field', { merchant: 'shop' }, 'merchant'],
    ['a wrong time', { from: 'yesterday' }, 'from'],
    ['a range that ends before it begins', { from: '2026-02-01', to: '2026-01-31' }, 'to'],
    ['a wrong way of promoting', { promote: 'soon' }, 'promote'],
    ['a merchant that does not exist', { merchantId: 'nobody' }, 'merchantId'],
  ])('is refused with %s', async (_what, body, field) => {
    const answer = await reset('traffic', body).expect(400);
    expect(answer.body.errors[0].field).toBe(field);
    expect(await records().list(recordKinds.rebuilds)).toHaveLength(0);
  });

  it.each([
    ['days', { from: '2026-01-30', to: '2026-01-31' }, { from: '2026-01-30', to: '2026-01-31' }],
    ['instants', { from: '2026-01-30T16:00:00Z', to: '2026-01-31T15:00:00Z' }, { from: '2026-01-31', to: '2026-01-31' }],
    ['clock times', { from: '2026-01-30T16:00:00', to: '2026-02-01T00:00:00' }, { from: '2026-01-30', to: '2026-01-31' }],
    ['an open end', { from: '2026-01-30' }, { from: '2026-01-30' }],
  ])('counts whole days of the merchant again, given as %s', async (_how, given, days) => {
    await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop', timezone: 'Asia/Tokyo' }).expect(201);
    const { body } = await reset('traffic', { merchantId: 'shop', ...given }).expect(202);
    expect(await rebuildOf(body.rebuildId)).toMatchObject({ merchantId: 'shop', ...days, timezonesAt: 1 });
  });

  it('of everybody means every day an instant lies in anywhere', async () => {
    const { body } = await reset('traffic', { from: '2026-01-30T11:00:00Z', to: '2026-01-31T11:00:00Z' }).expect(202);
    expect(await rebuildOf(body.rebuildId)).toMatchObject({ from: '2026-01-29', to: '2026-02-01' });
  });

  it('of one merchant runs beside that of another and of everybody', async () => {
    for (const merchantId of ['one', 'two']) await running.send('post', '/v1/merchants', { merchantId, name: merchantId }).expect(201);
    await reset('traffic').expect(202);
    await reset('traffic', { merchantId: 'one' }).expect(202);
    await reset('traffic', { merchantId: 'two' }).expect(202);
    const { body } = await reset('traffic', { merchantId: 'one', from: '2026-01-31' }).expect(409);
    expect(body.detail).toMatch(/g3-traffic/);
  });

  it('records what it is limited to', async () => {
    await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop' }).expect(201);
    const limits = { merchantId: 'shop', from: '2026-01-31', to: '2026-01-31', promote: 'manual' };
    const { body } = await reset('traffic', limits).expect(202);
    expect(await rebuildOf(body.rebuildId)).toMatchObject(limits);
  });

  it('is refused before anything was ever counted', async () => {
    const fresh = await run([ConfiguringModule, AdministeringModule]);
    const { body } = await fresh.send('post', '/admin/projections/traffic/reset', {}).expect(409);
    expect(body.type).toBe('urn:recount:problem:nothing-counted');
    await fresh.close();
  });
});

describe('A rebuild', () => {
  const wish = (what: string) => running.send('post', `/admin/rebuilds/g2-traffic/${what}`);
  beforeEach(() => reset('traffic', { promote: 'manual' }).expect(202));

  it('shows how far it is and how long it will take', async () => {
    const control = running.store.control;
    for (const [generation, events] of [
      ['g1', 1_000],
      ['g2', 250],
    ] as const) {
      const { epoch } = await control.takeOver(controlId(generation, 3), 'w');
      await control.saveCheckpoint(controlId(generation, 3), epoch, { revision: 5, logTime: 1, resume: {}, events });
    }
    await moved('g2-traffic', { requestedAt: Date.now() - 1_000 });
    const { body } = await running.send('get', '/admin/rebuilds/g2-traffic').expect(200);
    expect(body).toMatchObject({
      rebuildId: 'g2-traffic',
      projection: 'traffic',
      state: 'building',
      generation: 'g2',
      previousGeneration: 'g1',
    });
    expect(body).toMatchObject({ eventsRead: 250, eventsTotal: 1_000 });
    expect(body.eventsPerSecond).toBeGreaterThan(100);
    expect(body.secondsRemaining).toBeGreaterThanOrEqual(3);
    expect(new Date(body.requestedAt).getTime()).toBeLessThan(Date.now());
  });

  it('tells what is lost by promoting it, and that there is nothing more to read', async () => {
    for (const [generation, events] of [
      ['g1', 1_000],
      ['g2', 250],
    ] as const) {
      const { epoch } = await running.store.control.takeOver(controlId(generation, 3), 'w');
      await running.store.control.saveCheckpoint(controlId(generation, 3), epoch, { revision: 5, logTime: 1, resume: {}, events });
    }
    await moved('g2-traffic', { state: 'caught-up', warning: 'the log was cut short' });
    const { body } = await running.send('get', '/admin/rebuilds/g2-traffic').expect(200);
    expect(body).toMatchObject({ warning: 'the log was cut short', eventsRead: 250, eventsTotal: 250, secondsRemaining: 0 });
    await wish('promote').expect(202);
    // Whoever promotes it has read it; it is still true.
    expect((await rebuildOf('g2-traffic')).warning).toBe('the log was cut short');
  });

  it('is listed, newest first', async () => {
    await moved('g2-traffic', { requestedAt: 5 });
    await reset('commerce').expect(202);
    const { body } = await running.send('get', '/admin/rebuilds').expect(200);
    expect(body.rebuilds.map(({ rebuildId }: RebuildRecord) => rebuildId)).toEqual(['g2-commerce', 'g2-traffic']);
  });

  it('that does not exist is not found', async () => {
    await running.send('get', '/admin/rebuilds/g9-traffic').expect(404);
    await running.send('post', '/admin/rebuilds/g9-traffic/promote').expect(404);
  });

  it('is promoted once it has caught up, and not before', async () => {
    expect((await wish('promote').expect(409)).body.detail).toContain('still building');
    await moved('g2-traffic', { state: 'caught-up' });
    expect((await wish('promote').expect(202)).body).toEqual({ rebuildId: 'g2-traffic', state: 'caught-up', wish: 'promote' });
    expect((await rebuildOf('g2-traffic')).wish).toBe('promote');
    await wish('promote').expect(202);
    expect((await wish('cancel').expect(409)).body.detail).toContain('asked to promote already');
  });

  it('is cancelled until it is live', async () => {
    await wish('cancel').expect(202);
    await moved('g2-traffic', { state: 'live', wish: undefined });
    expect((await wish('cancel').expect(409)).body.detail).toContain('it is live');
  });

  it('is rolled back while it serves and what served before is kept', async () => {
    expect((await wish('rollback').expect(409)).body.detail).toContain('it is building');
    await moved('g2-traffic', { state: 'live' });
    expect((await wish('rollback').expect(409)).body.detail).toContain('generation g1 serves');
    await serving(records(), 'g2', ['traffic'], 'g1');
    await wish('rollback').expect(202);
  });

  it('is not rolled back to what is gone', async () => {
    await moved('g2-traffic', { state: 'live' });
    await serving(records(), 'g2', ['traffic']);
    expect((await wish('rollback').expect(409)).body.detail).toContain('nothing that served before it is kept');
    await serving(records(), 'g2', ['traffic'], 'g3');
    expect((await wish('rollback').expect(409)).body.detail).toContain('nothing that served before it is kept');
    await serving(records(), 'g2', ['traffic'], 'g1');
    const old: GenerationRecord = {
      generationId: 'g1',
      projections: [{ name: 'traffic', version: 1 }],
      state: 'live',
      createdAt: 1,
      fingerprint: 'f',
      left: [{ name: 'traffic', since: 1, dropped: true }],
    };
    await records().put(recordKinds.generations, 'g1', old);
    expect((await wish('rollback').expect(409)).body.detail).toContain('not kept any more');
  });

  it('keeps a wish when the coordinator changes it at the same moment', async () => {
    const putIf = records().putIf.bind(records());
    jest.spyOn(records(), 'putIf').mockImplementationOnce(async (...args) => {
      await moved('g2-traffic', { state: 'caught-up' });
      return putIf(...args);
    });
    await wish('cancel').expect(202);
    expect(await rebuildOf('g2-traffic')).toMatchObject({ state: 'caught-up', wish: 'cancel' });
  });
});

describe('Administering', () => {
  const withoutQuery = [
    ['get', '/admin/projections'],
    ['post', '/admin/projections/traffic/reset'],
    ['get', '/admin/rebuilds'],
    ['get', '/admin/rebuilds/x'],
    ['post', '/admin/rebuilds/x/promote'],
    ['post', '/admin/rebuilds/x/cancel'],
    ['post', '/admin/rebuilds/x/rollback'],
    ['get', '/admin/partitions'],
    ['post', '/admin/rejects/replay'],
    ['delete', '/admin/merchants/shop/visitors/anna'],
  ] as const;

  it.each(withoutQuery)('refuses a query where there is none, and names what is in it: %s %s', async (method, path) => {
    const { body } = await running.send(method, `${path}?merchantId=shop&limit=3`).expect(400);
    expect(body.type).toBe('urn:recount:problem:invalid-request');
    expect(body.errors).toEqual(
      ['merchantId', 'limit'].map((field) => ({ field, detail: 'is not known here; the query of this route takes no parameters' })),
    );
    expect(await records().list(recordKinds.rebuilds)).toHaveLength(0);
    await running.send(method, `${path}?merchantId=shop`, undefined, null).expect(401);
  });

  it('names what a query takes where something else is in it', async () => {
    const { body } = await running.send('get', '/admin/rejects?merchant=shop').expect(400);
    expect(body.errors).toEqual([{ field: 'merchant', detail: 'is not known here; allowed are merchantId, reason, limit' }]);
  });

  it.each([...withoutQuery, ['get', '/admin/rejects'] as const])('is closed to everyone but the admin: %s %s', async (method, path) => {
    await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop' }).expect(201);
    const { body } = await running.send('post', '/v1/merchants/shop/tokens', { name: 'x', role: 'owner' }).expect(201);
    await running.send(method, path, undefined, null).expect(401);
    await running.send(method, path, undefined, 'rt_wrong').expect(401);
    await running.send(method, path, undefined, body.token).expect(403);
  });
});
