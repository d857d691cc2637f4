import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalog } from '../../projections/catalog';
import { start, type StartedServer } from '../../src/embedded/eventstoredb/start';
import { PartitionStatus } from '../../src/projecting/partition-status';
import type { ProjectionWorker } from '../../src/projecting/worker';
import type { ProjectionDefinition } from '../../projections/kit/projection';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { collectionOf, type RebuildRecord } from '../../src/stores/records';
import { documentsOf, eventually, InstallationUnderTest, is } from './installation-under-test';
import { append, events } from './shop-log';

const partitions = 4;
const merchants = Array.from({ length: 6 }, (_, i) => `shop-${i}`);
const everywhere = (each: number) => merchants.flatMap((merchantId) => events(each, { merchantId }));

it('does not say of a partition that stands still that it is complete', () => {
  const status = new PartitionStatus(0, 'g1');
  status.flushed({ revision: 5, logTime: 1_000, resume: {}, events: 9 });
  status.headAt(5, 2_000);
  status.stopped('the log was replaced or cut short', true);
  status.headAt(3, 3_000);
  expect(status.copy).toMatchObject({ checkpointTime: 1_000, caughtUpAt: 2_000 });
});

/** The log as it really is, in a folder that can be lost or put back from a backup, and workers that count it. */
let folder: string;
let server: StartedServer;
let log: EventStoreDb;
let installation: InstallationUnderTest;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recount-short-log-'));
  server = await start({ folder: join(folder, 'log'), port: 0 });
  log = new EventStoreDb(server.connectionString);
  installation = new InstallationUnderTest(partitions);
});
afterEach(async () => {
  await installation.end();
  await log.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

const worker = (): Promise<ProjectionWorker<ProjectionDefinition>> => installation.worker({ eventStore: log });
const collect = (each: number): Promise<void> => append(log, partitions, everywhere(each));
const shows = (views: number) => eventually(() => installation.pageviews(), is(views));
const rebuild = (isRight: (one: RebuildRecord | undefined) => boolean, rebuildId = 'g2-traffic') =>
  eventually(() => installation.rebuild(rebuildId), isRight).then((one) => one!);
const becomes = (state: string, rebuildId?: string) => rebuild((one) => one?.state === state, rebuildId);

/** Something is done to the files of the log while it is away; it comes back at the same address. */
async function away(change: (log: string, backup: string) => Promise<void>): Promise<void> {
  const { port } = new URL(server.connectionString.replace('esdb:', 'http:'));
  await server.stop();
  await change(join(folder, 'log'), join(folder, 'backup'));
  server = await start({ folder: join(folder, 'log'), port: Number(port) });
}
const backUp = () => away((from, backup) => cp(from, backup, { recursive: true }));
const restore = () =>
  away(async (to, backup) => {
    await rm(to, { recursive: true });
    await cp(backup, to, { recursive: true });
  });
const lose = () => away((of) => rm(of, { recursive: true }));

describe('a log that is put back from an older backup', () => {
  it('is counted beside what serves, and served by an operator’s wish alone; from then on counting goes on exactly', async () => {
    const working = await worker();
    await collect(5);
    await shows(30);
    await backUp();
    await collect(1);
    await collect(1);
    await shows(42);
    // Under a worker that runs and was told nothing.
    await restore();
    await collect(2);
    const waiting = await becomes('caught-up');
    expect(waiting).toMatchObject({ promote: 'manual', generationId: 'g2' });
    expect(waiting.warning).toMatch(
      /^the log was replaced or cut short: events-0\d ends at revision 1, what serves has counted it up to 2\b/,
    );
    expect(await installation.pageviews('g2')).toBe(42);
    expect((await installation.pointer('traffic'))?.generationId).toBe('g1');

    await collect(1);
    await eventually(() => installation.pageviews('g2'), is(48));
    expect(await installation.rebuild('g2-traffic')).toMatchObject({ state: 'caught-up' });
    expect(await installation.pageviews('g1')).toBe(42);

    await installation.wish('g2-traffic', 'promote');
    await becomes('live');
    await shows(48);
    expect(working.readiness()).toMatchObject({ ok: false, detail: expect.stringContaining('cut short') as string });
    for (const { name } of catalog) {
      if (name === 'traffic') continue;
      await becomes('caught-up', `g2-${name}`);
      await installation.wish(`g2-${name}`, 'promote');
    }
    // What is kept for a rollback alone is nothing that is wrong.
    await eventually(() => working.readiness().ok, is(true));
    await collect(1);
    await shows(54);
    await installation.end();
    await worker();
    await collect(1);
    await shows(60);

    // As if nothing had ever been counted before.
    const again = await installation.ask('traffic');
    await becomes('live', again.rebuildId);
    const content = async (generationId: string) =>
      (await documentsOf(installation.readStore, collectionOf('traffic', generationId))).map(({ rev: _rev, ...document }) => document);
    expect((await content('g2')).length).toBeGreaterThan(0);
    expect(await content(again.generationId)).toEqual(await content('g2'));
  });

  it('is not gone on with where it has grown past what was counted', async () => {
    const first = await worker();
    await collect(5);
    await shows(30);
    await backUp();
    await collect(1);
    await shows(36);
    await first.stop();
    await restore();
    for (let i = 0; i < 3; i++) await collect(2);
    await worker();
    await shows(66);
    expect((await installation.pointer('traffic'))?.generationId).toBe('g2');
  });
});

describe('a log that is lost', () => {
  it('leaves the numbers as they stand until an operator lets what came since serve, who may go back while nothing newer was seen', async () => {
    await worker();
    await collect(5);
    await collect(5);
    await shows(60);
    await lose();
    const waiting = await becomes('caught-up');
    expect(waiting.warning).toMatch(/events-0\d is empty, what serves has counted it up to 1\b/);
    expect(await installation.pageviews()).toBe(60);
    await installation.wish('g2-traffic', 'promote');
    await becomes('live');
    await collect(1);
    await shows(6);
    await installation.wish('g2-traffic', 'rollback');
    await rebuild((one) => one?.state === 'cancelled');
    await shows(60);
    // What served before stands still, so everything is counted anew once more, and waits once more.
    const next = await becomes('caught-up', 'g3-traffic');
    expect(next.warning).toBeDefined();
    await installation.wish('g3-traffic', 'promote');
    await becomes('live', 'g3-traffic');
    await shows(6);
    for (let i = 0; i < 3; i++) await collect(1);
    await shows(24);
    await installation.wish('g3-traffic', 'rollback');
    const { failure } = await rebuild((one) => one?.failure !== undefined, 'g3-traffic');
    expect(failure).toMatch(/^g1, which would serve, has not counted what readers saw since: .*the log was replaced or cut short/);
    await shows(24);
  });

  it('takes a wish back that was made before it was lost', async () => {
    await worker();
    await collect(5);
    await collect(5);
    await shows(60);
    await installation.end();
    await lose();
    const { rebuildId } = await installation.ask('traffic', { promote: 'automatic', wish: 'promote' });
    await worker();
    const waiting = await becomes('caught-up', rebuildId);
    expect(waiting).toMatchObject({ promote: 'manual', warning: expect.stringContaining('is empty') as string });
    expect(waiting.wish).toBeUndefined();
    await shows(60);
  });
});
