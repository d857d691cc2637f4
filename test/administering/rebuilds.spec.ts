import { AdministeringModule } from '../../src/administering/administering.module';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { partitionOf } from '../../src/domain/partition';
import {
  controlId,
  type GenerationRecord,
  type LivePointer,
  type RebuildRecord,
  recordKinds,
  type WorkerPartition,
  type WorkerRecord,
} from '../../src/stores/records';
import { run, type Running } from '../configuring/running';

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule, AdministeringModule]);
  await serving('g1', ['traffic', 'sessions', 'commerce']);
});
afterEach(() => running.close());

const records = () => running.store.records;
const reset = (name: string, body: object = {}) => running.send('post', `/admin/projections/${name}/reset`, body);
const rebuildOf = async (id: string) => (await records().get<RebuildRecord>(recordKinds.rebuilds, id))!.value;

/** What workers write when the first generation begins. */
async function serving(generationId: string, names: string[], previous?: string): Promise<void> {
  const projections = names.map((name) => ({ name, version: 1 }));
  const generation: GenerationRecord = { generationId, projections, state: 'live', createdAt: 1, fingerprint: 'f' };
  await records().put(recordKinds.generations, generationId, generation);
  for (const projection of names) {
    const pointer: LivePointer = { projection, generationId, version: 1, since: 1 };
    if (previous !== undefined) pointer.previous = { generationId: previous, version: 1 };
    await records().put(recordKinds.live, projection, pointer);
  }
}

/** What the coordinator does to a rebuild. */
async function moved(id: string, change: Partial<RebuildRecord>): Promise<void> {
  await records().put(recordKinds.rebuilds, id, { ...(await rebuildOf(id)), ...change });
}

const working = (partition: number, generation: string, change: Partial<WorkerPartition> = {}): WorkerPartition => ({
  partition,
  generation,
  checkpoint: 9,
  checkpointTime: Date.now(),
  head: 9,
  caughtUpAt: Date.now(),
  eventsFolded: 100,
  ...change,
});
async function worker(workerId: string, partitions: WorkerPartition[], at = Date.now()): Promise<void> {
  const record: WorkerRecord = { workerId, pid: 1, startedAt: 1, at, partitions };
  await records().put(recordKinds.workers, workerId, record);
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
    await serving('g2', ['traffic'], 'g1');
    await wish('rollback').expect(202);
  });

  it('is not rolled back to what is gone', async () => {
    await moved('g2-traffic', { state: 'live' });
    await serving('g2', ['traffic']);
    expect((await wish('rollback').expect(409)).body.detail).toContain('nothing served before it');
    await serving('g2', ['traffic'], 'g1');
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

describe('The list of projections', () => {
  const projection = async (name: string) => {
    const { body } = await running.send('get', '/admin/projections').expect(200);
    return body.projections.find((one: { name: string }) => one.name === name);
  };

  it('shows what serves, how far behind it is and what is being rebuilt', async () => {
    const behind = working(1, 'g1', { checkpoint: 3, checkpointTime: Date.now() - 30_000, caughtUpAt: Date.now() - 60_000 });
    await worker('w1', [working(0, 'g1'), behind]);
    await reset('commerce').expect(202);
    const traffic = await projection('traffic');
    expect(traffic).toMatchObject({ version: 1, generation: 'g1', state: 'live', recordsBehind: 6, rebuild: null });
    expect(traffic.lagSeconds).toBeGreaterThanOrEqual(30);
    expect(traffic.lagSeconds).toBeLessThan(40);
    expect(await projection('commerce')).toMatchObject({ rebuild: { rebuildId: 'g2-commerce', state: 'building' } });
  });

  it('says when one has stopped and why', async () => {
    await worker('w1', [working(0, 'g1', { stopped: 'a document was found between two revisions' })]);
    expect(await projection('traffic')).toMatchObject({ state: 'stopped', stopped: 'a document was found between two revisions' });
  });

  it('does not believe a worker that has gone silent', async () => {
    await worker('w1', [working(0, 'g1')], Date.now() - 60_000);
    expect(await projection('traffic')).toMatchObject({ lagSeconds: null });
  });
});

describe('The list of partitions', () => {
  it('shows who folds each, and asks the stores about those nobody folds', async () => {
    await worker('w1', [working(0, 'g1'), working(1, 'g1', { head: 12 })]);
    const control = running.store.control;
    const { epoch } = await control.takeOver('g1|02', 'gone');
    await control.saveCheckpoint('g1|02', epoch, { revision: 0, logTime: Date.now() - 5_000, resume: {}, events: 3 });
    const record = { type: 'event-block.v1', data: Buffer.from('x'), contentType: 'binary' as const };
    for (const last of ['0', '1']) {
      await running.log.append('events-02', [{ ...record, id: `c0ffee00-0000-4000-8000-00000000000${last}` }]);
    }
    const { body } = await running.send('get', '/admin/partitions').expect(200);
    expect(body.partitions).toEqual([
      { partition: 0, generation: 'g1', owner: 'w1', checkpoint: 9, head: 9, lag: 0, lagSeconds: 0 },
      expect.objectContaining({ partition: 1, owner: 'w1', checkpoint: 9, head: 12, lag: 3 }),
      expect.objectContaining({ partition: 2, owner: null, checkpoint: 0, head: 1, lag: 1 }),
      { partition: 3, generation: 'g1', owner: null, checkpoint: -1, head: -1, lag: 0, lagSeconds: 0 },
    ]);
    expect(body.partitions[2].lagSeconds).toBeGreaterThanOrEqual(5);
  });

  it('shows of a generation that counts one merchant the one partition it folds', async () => {
    const mine = partitionOf('shop', 4);
    await worker('w1', [working(mine, 'g1'), working(mine, 'g2')]);
    const generation = {
      generationId: 'g2',
      projections: [],
      state: 'live',
      createdAt: 1,
      fingerprint: 'f',
      scope: { merchantId: 'shop' },
    };
    await running.store.records.put(recordKinds.generations, 'g2', generation);
    const { body } = await running.send('get', '/admin/partitions').expect(200);
    const rows = body.partitions.map(({ generation, partition }: { generation: string; partition: number }) => [generation, partition]);
    expect(rows).toEqual([...[0, 1, 2, 3].map((partition) => ['g1', partition]), ['g2', mine]]);
  });
});

describe('Administering', () => {
  it.each([
    ['get', '/admin/projections'],
    ['post', '/admin/projections/traffic/reset'],
    ['get', '/admin/rebuilds'],
    ['get', '/admin/rebuilds/x'],
    ['post', '/admin/rebuilds/x/promote'],
    ['get', '/admin/partitions'],
    ['get', '/admin/rejects'],
    ['post', '/admin/rejects/replay'],
  ] as const)('is closed to everyone but the admin: %s %s', async (method, path) => {
    await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop' }).expect(201);
    const { body } = await running.send('post', '/v1/merchants/shop/tokens', { name: 'x', role: 'owner' }).expect(201);
    await running.send(method, path, undefined, null).expect(401);
    await running.send(method, path, undefined, 'rt_wrong').expect(401);
    await running.send(method, path, undefined, body.token).expect(403);
  });
});
