import { catalog } from '../../projections/catalog';
import { traffic } from '../../projections/traffic/traffic';
import { append, events } from './shop-log';
import { eventually, InstallationUnderTest, is } from './installation-under-test';
import { whileTraffic } from './while-traffic';

const partitions = 4;
const merchants = Array.from({ length: 6 }, (_, i) => `shop-${i}`);
const everywhere = (each: number) => merchants.flatMap((merchantId) => events(each, { merchantId }));
const withinMs = 60_000;

let installation: InstallationUnderTest;
beforeEach(() => {
  installation = new InstallationUnderTest(partitions);
});
afterEach(() => installation.end());

const stateOf = (rebuildId: string) => async () => (await installation.rebuild(rebuildId))?.state;
const becomes = (rebuildId: string, state: string) => eventually(stateOf(rebuildId), is(state), withinMs);
const serving = async () => (await installation.pointer('traffic'))?.generationId;

/** A rebuild of traffic that served and does not any more. */
async function rolledBack(): Promise<string> {
  await append(installation.eventStore, partitions, everywhere(5));
  await eventually(() => installation.pageviews(), is(30), withinMs);
  const { rebuildId } = await installation.ask('traffic');
  await becomes(rebuildId, 'live');
  await installation.wish(rebuildId, 'rollback');
  await becomes(rebuildId, 'caught-up');
  return rebuildId;
}

it('what was rolled back gives way to what is counted anew, and its documents go, while readers never see less', async () => {
  await installation.worker();
  const wrong = await rolledBack();
  let most = 0;
  const write = (): Promise<void> => append(installation.eventStore, partitions, everywhere(1));
  const look = async (): Promise<void> => {
    const seen = await installation.pageviews();
    if (seen < most) throw new Error(`a reader saw ${seen} page views after ${most}`);
    most = seen;
  };
  await whileTraffic({ write, look }, async () => {
    const { rebuildId } = await installation.ask('traffic');
    await becomes(rebuildId, 'live');
    expect(rebuildId).toBe('g3-traffic');
  });
  expect(await installation.rebuild(wrong)).toMatchObject({
    state: 'cancelled',
    finishedAt: expect.any(Number) as number,
    failure: 'superseded by g3-traffic: it had been rolled back',
  });
  expect(await installation.pointer('traffic')).toMatchObject({ generationId: 'g3', previous: { generationId: 'g1' } });
  await eventually(() => installation.readStore.documents.collections('traffic_'), is(['traffic_g1', 'traffic_g3']), withinMs);
});

it('is ended by whoever coordinates next, where nobody did when it was superseded', async () => {
  const first = await installation.worker();
  const wrong = await rolledBack();
  await first.stop();
  const { rebuildId } = await installation.ask('traffic');
  expect(await stateOf(wrong)()).toBe('caught-up');
  await installation.worker();
  await becomes(rebuildId, 'live');
  expect(await installation.rebuild(wrong)).toMatchObject({ state: 'cancelled', failure: expect.stringContaining(rebuildId) as string });
});

it('does not keep a later version from being counted by itself', async () => {
  const first = await installation.worker();
  const wrong = await rolledBack();
  await first.stop();
  const later = { ...traffic, version: traffic.version + 1 };
  await installation.worker({ catalog: [...catalog, later], fingerprint: 'code-2' });
  await eventually(serving, is('g3'), withinMs);
  await becomes(wrong, 'cancelled');
  expect(await installation.pointer('traffic')).toMatchObject({ version: later.version });
});

it('stays while another merchant or another projection is counted again, and may serve once more', async () => {
  await installation.worker();
  const wrong = await rolledBack();
  const others = [await installation.ask('sessions'), await installation.ask('traffic', { merchantId: 'shop-1' })];
  for (const { rebuildId } of others) await becomes(rebuildId, 'live');
  expect(await stateOf(wrong)()).toBe('caught-up');
  await installation.wish(wrong, 'promote');
  await becomes(wrong, 'live');
  expect(await serving()).toBe('g2');
});

it('is not kept for the day once it is cancelled', async () => {
  await installation.worker();
  const wrong = await rolledBack();
  expect(await installation.readStore.documents.collections('traffic_')).toEqual(['traffic_g1', 'traffic_g2']);
  await installation.wish(wrong, 'cancel');
  await becomes(wrong, 'cancelled');
  await eventually(() => installation.readStore.documents.collections('traffic_'), is(['traffic_g1']), withinMs);
  expect((await installation.pointer('traffic'))?.previous).toBeUndefined();
});

it('is nothing to go back to: what serves after a rollback was not counted after what was rolled back', async () => {
  await installation.worker();
  await append(installation.eventStore, partitions, everywhere(5));
  await eventually(() => installation.pageviews(), is(30), withinMs);
  const right = await installation.ask('traffic');
  await becomes(right.rebuildId, 'live');
  const wrong = await installation.ask('traffic');
  await becomes(wrong.rebuildId, 'live');
  await installation.wish(wrong.rebuildId, 'rollback');
  await becomes(wrong.rebuildId, 'caught-up');
  await installation.wish(right.rebuildId, 'rollback');
  const { failure } = (await eventually(
    () => installation.rebuild(right.rebuildId),
    (one) => one?.failure !== undefined,
    withinMs,
  ))!;
  expect(failure).toContain('no longer kept');
  expect(await serving()).toBe(right.generationId);
});
