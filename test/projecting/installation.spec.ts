import { fixedPartitions, fixPartitions, PartitionsRefused } from '../../src/stores/installation';
import { rebuildProgress } from '../../src/stores/rebuild-progress';
import { codeFingerprint } from '../../src/projecting/fingerprint';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';

describe('the number of partitions', () => {
  it('is fixed by whoever starts first, once, however many start at the same time', async () => {
    const eventStore = new InMemoryEventStore();
    await Promise.all(Array.from({ length: 5 }, () => fixPartitions(eventStore, 32)));
    expect(await fixedPartitions(eventStore)).toBe(32);
    expect((await eventStore.last('installation'))?.revision).toBe(0n);
    await fixPartitions(eventStore, 32);
  });

  it('cannot be changed later, and the refusal names both numbers and what to do', async () => {
    const eventStore = new InMemoryEventStore();
    await fixPartitions(eventStore, 32);
    const refused = fixPartitions(eventStore, 16);
    await expect(refused).rejects.toBeInstanceOf(PartitionsRefused);
    await expect(refused).rejects.toThrow(/PARTITIONS is 16.*started with 32.*PARTITIONS=32/);
  });
});

describe('the progress of a rebuild', () => {
  const at = (revision: number, events: number, partition = 0) => ({
    _id: `g1|0${partition}`,
    checkpoint: { revision, logTime: 0, resume: {}, events },
  });
  const controls = (...events: number[]) => events.map((n, partition) => at(0, n, partition));

  it('says what is read, what there is, how fast it goes and how long it takes', () => {
    const progress = rebuildProgress({ requestedAt: 1_000 }, controls(600_000, 400_000), controls(2_000_000, 1_000_000), 3_000);
    expect(progress).toEqual({ eventsRead: 1_000_000, eventsTotal: 3_000_000, eventsPerSecond: 500_000, secondsRemaining: 4 });
  });

  it('knows no time while nothing is read, and needs none when all is', () => {
    expect(rebuildProgress({ requestedAt: 0 }, [], controls(10), 1_000).secondsRemaining).toBeNull();
    expect(rebuildProgress({ requestedAt: 0 }, controls(10), controls(10), 1_000).secondsRemaining).toBe(0);
    expect(rebuildProgress({ requestedAt: 0, promotedAt: 1_000 }, controls(10), controls(10), 99_000).eventsPerSecond).toBe(10);
  });

  it('estimates what is before a rebuild that passed over a part of the log, by the records up to what serves', () => {
    const ofMerchant = { requestedAt: 0, merchantId: 'shop' };
    const progress = rebuildProgress(ofMerchant, [at(899, 2_000)], [at(999, 50_000)], 1_000);
    expect(progress).toEqual({ eventsRead: 2_000, eventsTotal: 7_000, eventsPerSecond: 2_000, secondsRemaining: 3 });
    expect(rebuildProgress(ofMerchant, [at(999, 7_100)], [at(999, 50_000)], 1_000)).toMatchObject({
      eventsTotal: 7_100,
      secondsRemaining: 0,
    });
  });
});

it('gives one code one fingerprint', () => {
  expect(codeFingerprint()).toMatch(/^[0-9a-f]{32}$/);
  expect(codeFingerprint()).toBe(codeFingerprint());
});
