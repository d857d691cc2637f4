import { catalog } from '../../projections/catalog';
import { bucketOf, type StoredDoc } from '../../projections/kit/document';
import { dayStart } from '../../projections/kit/zone';
import type { ResolvedConfiguration } from '../../src/config';
import { partitionOf } from '../../src/domain/partition';
import { ReportDocuments } from '../../src/reporting/documents';
import { pagesOf } from '../../src/reporting/scanning';
import { type Standing, Standings } from '../../src/reporting/standing';
import { collectionOf, controlId, type GenerationRecord, type MerchantRecord, type Overlay, recordKinds } from '../../src/stores/records';
import { append, event, events, noon } from './shop-log';
import { countingTwice, documentsOf, eventually, InstallationUnderTest, is } from './installation-under-test';
import { whileTraffic } from './while-traffic';

const partitions = 4;
const dayMs = 86_400_000;
const zone = 'Asia/Kolkata';
const merchants = Array.from({ length: 6 }, (_, i) => `shop-${i}`);
const everywhere = (each: number, time = noon) => merchants.flatMap((merchantId) => events(each, { merchantId, time }));

/** The log's clock: moved by hand, so that a search by time has something to find. */
let now = noon;
let installation: InstallationUnderTest;
beforeEach(async () => {
  now = noon;
  installation = new InstallationUnderTest(partitions, () => now);
  for (const merchantId of merchants) {
    const merchant = { merchantId, timezones: [{ timezone: zone, since: 0 }], createdAt: noon - 40 * dayMs };
    await installation.readStore.records.put(recordKinds.merchants, merchantId, merchant);
  }
});
afterEach(() => installation.end());

const state = (rebuildId: string) => async () => (await installation.rebuild(rebuildId))?.state;
const overlays = async () => (await installation.readStore.records.list<Overlay>(recordKinds.overlays)).map(({ value }) => value);

/** What a merchant is shown: the reporting role's own reading, page views by day. */
class Reader {
  private readonly standings = new Standings(installation.readStore, { partitions } as ResolvedConfiguration);
  private readonly documents = new ReportDocuments(installation.readStore);

  async standing(merchantId: string, projection = 'traffic'): Promise<Standing> {
    const merchant = { merchantId, timezones: [{ timezone: zone, since: 0 }] } as unknown as MerchantRecord;
    const found = await this.standings.of(merchant, [projection]);
    if ('unanswered' in found) throw new Error(found.detail);
    return found[0]!;
  }

  async days(merchantId: string, granularity: 'day' | 'hour' = 'day'): Promise<Record<string, number>> {
    const standing = await this.standing(merchantId);
    const stretch = { granularity, from: dayStart(zone, '2026-04-01'), to: dayStart(zone, '2026-06-01') };
    const found: Record<string, number> = {};
    for await (const page of pagesOf(this.documents, { merchantId, standing, family: 'traffic' }, stretch)) {
      for (const { _id, values } of page) {
        const bucket = bucketOf(_id);
        if (bucket in found) throw new Error(`${bucket} was read twice`);
        found[bucket] = values.reduce((sum, { h, b }) => sum + Number(h?.pageviews ?? 0) + Number(b?.pageviews ?? 0), 0);
      }
    }
    return found;
  }

  async total(merchantId: string): Promise<number> {
    return Object.values(await this.days(merchantId)).reduce((sum, views) => sum + views, 0);
  }
}
const sees = (merchantId: string) => () => new Reader().total(merchantId).catch(() => 0);
/** A generation has flushed everything a merchant's partition holds. */
const isThrough = (generationId: string, merchantId: string) => async () => {
  const partition = partitionOf(merchantId, partitions);
  const head = await installation.eventStore.last(`events-0${partition}`);
  const control = await installation.readStore.control.get(controlId(generationId, partition));
  return control?.checkpoint.revision === Number(head?.revision);
};
async function allThrough(generations: number, merchantId: string): Promise<void> {
  for (let i = 1; i <= generations; i++) await eventually(isThrough(`g${i}`, merchantId), is(true));
}

/** Before the eyes of a reader of one merchant who must never see less, nor an older `asOf`, than before. */
function underTraffic<T>(merchantId: string, action: () => Promise<T>): Promise<T> {
  const eye = new Reader();
  let most = 0;
  let latest = 0;
  const write = async (): Promise<void> => {
    now = Date.now();
    await append(installation.eventStore, partitions, everywhere(1));
  };
  const look = async (): Promise<void> => {
    const { asOf } = await eye.standing(merchantId);
    const seen = await eye.total(merchantId);
    if (seen < most) throw new Error(`a reader saw ${seen} page views after ${most}`);
    if ((asOf ?? 0) < latest) throw new Error(`asOf ${asOf} after ${latest}`);
    most = seen;
    latest = asOf ?? 0;
  };
  return whileTraffic({ write, look }, action);
}

async function counted(days: readonly number[] = [0], definitions = countingTwice): Promise<void> {
  const wrong = await installation.worker({ catalog: definitions });
  for (const day of days) {
    now = noon + day * dayMs;
    await append(installation.eventStore, partitions, everywhere(5, now));
  }
  await eventually(sees('shop-1'), is(10 * days.length));
  await eventually(sees('shop-0'), is(10 * days.length));
  await wrong.stop();
}

describe('a rebuild of one merchant', () => {
  it('puts that merchant right and leaves the others as they were', async () => {
    await counted();
    await installation.worker();
    const { rebuildId } = await installation.reset('traffic', { merchantId: 'shop-0' });
    await eventually(state(rebuildId), is('live'));
    await eventually(sees('shop-0'), is(5));
    expect(await sees('shop-1')()).toBe(10);
    expect(await overlays()).toMatchObject([{ projection: 'traffic', generationId: 'g2', scope: { merchantId: 'shop-0' } }]);
    expect((await installation.pointer('traffic'))?.generationId).toBe('g1');
    await append(installation.eventStore, partitions, everywhere(1));
    await eventually(sees('shop-0'), is(6));
    expect(await new Reader().standing('shop-0')).toMatchObject({ generationId: 'g2', parts: [] });
    // Nobody else is in it, in no partition but that merchant's.
    const controls = await installation.readStore.control.list('g2|');
    expect(controls.map(({ _id }) => _id)).toEqual([controlId('g2', partitionOf('shop-0', partitions))]);
    for (const { _id } of await documentsOf(installation.readStore, collectionOf('traffic', 'g2'))) expect(_id).toContain('shop-0|');
  });

  it('is promoted, rolled back and promoted again under live traffic without its readers ever seeing less', async () => {
    await installation.worker();
    await append(installation.eventStore, partitions, everywhere(5));
    await eventually(sees('shop-0'), is(5));
    await underTraffic('shop-0', async () => {
      const { rebuildId } = await installation.reset('traffic', { merchantId: 'shop-0' });
      await eventually(state(rebuildId), is('live'));
      await new Promise((resolve) => setTimeout(resolve, 600));
      await installation.wish(rebuildId, 'rollback');
      await eventually(state(rebuildId), is('caught-up'));
      expect(await overlays()).toMatchObject([{ withdrawnAt: expect.any(Number) as number }]);
      await new Promise((resolve) => setTimeout(resolve, 600));
      await installation.wish(rebuildId, 'promote');
      await eventually(state(rebuildId), is('live'));
      await new Promise((resolve) => setTimeout(resolve, 600));
    });
  });

  it('gives the same documents as counting everybody, in every projection', async () => {
    await installation.worker();
    for (let i = 0; i < 10; i++) await append(installation.eventStore, partitions, everywhere(4));
    for (const { name } of catalog) await installation.reset(name, { promote: 'manual', merchantId: 'shop-3' });
    for (const [i] of catalog.entries()) await eventually(state(`rebuild-g${i + 2}`), is('caught-up'));
    await allThrough(catalog.length + 1, 'shop-3');
    for (const [i, { name }] of catalog.entries()) {
      const content = async (generation: string) =>
        (await documentsOf(installation.readStore, collectionOf(name, generation)))
          .filter(({ _id }) => _id.slice(2).startsWith('shop-3|'))
          .map(({ rev: _rev, ...document }) => document);
      const live = await content('g1');
      expect(await content(`g${i + 2}`)).toEqual(live);
    }
  });

  it('passes over what was recorded before the merchant was registered', async () => {
    const merchant = { merchantId: 'shop-0', timezones: [{ timezone: zone, since: 0 }], createdAt: noon + 9.5 * dayMs };
    await installation.readStore.records.put(recordKinds.merchants, 'shop-0', merchant);
    await installation.worker();
    for (let day = 0; day < 10; day++) {
      now = noon + day * dayMs;
      await append(installation.eventStore, partitions, everywhere(5, now));
    }
    now = noon + 10 * dayMs;
    await append(installation.eventStore, partitions, everywhere(5, now));
    const { rebuildId } = await installation.reset('sessions', { merchantId: 'shop-0' });
    await eventually(state(rebuildId), is('live'));
    const control = (await installation.readStore.control.get(controlId('g2', partitionOf('shop-0', partitions))))!;
    const inBlock = 5 * merchants.filter((id) => partitionOf(id, partitions) === partitionOf('shop-0', partitions)).length;
    expect(control.checkpoint).toMatchObject({ revision: 10, events: inBlock });
  });

  it('is dropped with everything it wrote when it is cancelled', async () => {
    await installation.worker();
    await append(installation.eventStore, partitions, everywhere(5));
    const { rebuildId } = await installation.reset('traffic', { merchantId: 'shop-0', promote: 'manual' });
    await eventually(state(rebuildId), is('caught-up'));
    await installation.wish(rebuildId, 'cancel');
    await eventually(generationState('g2'), is('retired'));
    expect(await installation.readStore.documents.collections('traffic_g2')).toEqual([]);
    expect(await installation.readStore.control.list('g2|')).toEqual([]);
    expect(await sees('shop-0')()).toBe(5);
  });

  it('stands behind a rebuild of everything that was begun later, in front again when that is rolled back, and ends with the day', async () => {
    const times = { retireAfterMs: 1_500 };
    await counted();
    await installation.worker({ times });
    const ofMerchant = await installation.reset('traffic', { merchantId: 'shop-0' });
    await eventually(state(ofMerchant.rebuildId), is('live'));
    const whole = await installation.reset('traffic');
    await eventually(state(whole.rebuildId), is('live'));
    expect((await new Reader().standing('shop-0')).generationId).toBe('g3');
    await installation.wish(whole.rebuildId, 'rollback');
    await eventually(state(whole.rebuildId), is('caught-up'));
    expect((await new Reader().standing('shop-0')).generationId).toBe('g2');
    await installation.wish(whole.rebuildId, 'promote');
    await eventually(state(whole.rebuildId), is('live'));
    await eventually(generationState('g2'), is('retired'));
    expect(await state(ofMerchant.rebuildId)()).toBe('retired');
    expect(await overlays()).toEqual([]);
    expect(await sees('shop-0')()).toBe(5);
  });

  it('leaves no record after a week', async () => {
    await installation.worker({ times: { forgetScopedAfterMs: 300 } });
    await append(installation.eventStore, partitions, everywhere(5));
    const first = await installation.reset('traffic', { merchantId: 'shop-0', promote: 'manual' });
    const second = await installation.reset('traffic', { merchantId: 'shop-1', promote: 'manual' });
    for (const { rebuildId } of [first, second]) {
      await eventually(state(rebuildId), is('caught-up'));
      await installation.wish(rebuildId, 'cancel');
    }
    await eventually(async () => (await installation.readStore.records.list(recordKinds.rebuilds)).length, is(0));
    const left = (await installation.readStore.records.list<GenerationRecord>(recordKinds.generations)).map(({ id }) => id);
    // The youngest stays, so that its number is not given again.
    expect(left).toEqual(['g1', 'g3']);
  });

  it('that was begun before what serves everybody now ends by itself', async () => {
    await installation.worker();
    await append(installation.eventStore, partitions, everywhere(5));
    const ofMerchant = await installation.reset('traffic', { merchantId: 'shop-0', promote: 'manual' });
    await eventually(state(ofMerchant.rebuildId), is('caught-up'));
    const whole = await installation.reset('traffic');
    await eventually(state(whole.rebuildId), is('live'));
    await eventually(state(ofMerchant.rebuildId), is('cancelled'));
  });
});

describe('a rebuild of a range of days', () => {
  const days = { '2026-05-04': 10, '2026-05-05': 10, '2026-05-06': 10, '2026-05-07': 10, '2026-05-08': 10 };

  it('is read for those days, everything else from what served before', async () => {
    await counted([0, 1, 2, 3, 4]);
    await installation.worker();
    const { rebuildId } = await installation.reset('traffic', { merchantId: 'shop-0', from: '2026-05-06', to: '2026-05-07' });
    await eventually(state(rebuildId), is('live'));
    const right = { ...days, '2026-05-06': 5, '2026-05-07': 5 };
    await eventually(() => new Reader().days('shop-0'), is(right));
    expect(await new Reader().days('shop-1')).toEqual(days);
    expect(Object.values(await new Reader().days('shop-0', 'hour'))).toEqual(Object.values(right));
    // A late event goes to the day it belongs to, whoever counts that day.
    now = noon + 4 * dayMs + 60_000;
    await append(installation.eventStore, partitions, [
      event({ merchantId: 'shop-0', time: noon + 2 * dayMs }),
      event({ merchantId: 'shop-0', time: noon }),
    ]);
    await eventually(() => new Reader().days('shop-0'), is({ ...right, '2026-05-04': 11, '2026-05-06': 6 }));
    await installation.wish(rebuildId, 'rollback');
    await eventually(state(rebuildId), is('caught-up'));
  });

  it('of all merchants puts each one right, by the days of each', async () => {
    await counted([0, 1, 2, 3]);
    await installation.worker();
    const { rebuildId } = await installation.reset('traffic', { from: '2026-05-06' });
    await eventually(state(rebuildId), is('live'));
    for (const merchantId of merchants) {
      await eventually(() => new Reader().days(merchantId), is({ '2026-05-04': 10, '2026-05-05': 10, '2026-05-06': 5, '2026-05-07': 5 }));
    }
    const written = await documentsOf(installation.readStore, collectionOf('traffic', 'g2'));
    expect(written.filter(({ _id }) => _id.includes('|day|2026-05-05'))).toEqual([]);
    // Reading began where it can matter.
    const controls = await installation.readStore.control.list('g2|');
    const read = controls.reduce((sum, { checkpoint }) => sum + checkpoint.events, 0);
    expect(read).toBe(90);
  });

  it('gives the same documents as counting everything, where history reaches into the range as well', async () => {
    await installation.worker();
    // Sessions over midnight in India, and half-past hours.
    for (let i = 0; i < 40; i++) {
      now = Date.parse('2026-05-05T17:00:00Z') + i * 10 * 60_000;
      await append(installation.eventStore, partitions, everywhere(2, now));
    }
    for (const { name } of catalog)
      await installation.reset(name, { promote: 'manual', merchantId: 'shop-3', from: '2026-05-06', to: '2026-05-06' });
    for (const [i] of catalog.entries()) await eventually(state(`rebuild-g${i + 2}`), is('caught-up'));
    await allThrough(catalog.length + 1, 'shop-3');
    let compared = 0;
    for (const [i, { name }] of catalog.entries()) {
      const live = new Map<string, StoredDoc>();
      for (const document of await documentsOf(installation.readStore, collectionOf(name, 'g1')))
        live.set(document._id, document as StoredDoc);
      const rebuilt = await documentsOf(installation.readStore, collectionOf(name, `g${i + 2}`));
      for (const { rev: _rev, ...document } of rebuilt) {
        const { rev: _liveRev, ...expected } = live.get(document._id)!;
        expect(document).toEqual(expected);
        compared++;
      }
      const days = rebuilt.filter(({ _id }) => _id.includes(`|${name}|day|`)).map(({ _id }) => bucketOf(_id));
      if (name === 'traffic' || name === 'sessions') expect(days).toEqual(['2026-05-06']);
    }
    expect(compared).toBeGreaterThan(30);
  });
});

function generationState(generationId: string) {
  return async () => (await installation.readStore.records.get<GenerationRecord>(recordKinds.generations, generationId))?.value.state;
}
