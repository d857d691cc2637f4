import { partitionOf } from '../../src/domain/partition';
import { recordKinds, type LeaseRecord, type WorkerRecord } from '../../src/stores/records';
import { append, event, events } from './shop-log';
import { eventually, InstallationUnderTest, is } from './installation-under-test';

let installation: InstallationUnderTest;
beforeEach(() => {
  installation = new InstallationUnderTest();
});
afterEach(() => installation.end());

const merchants = Array.from({ length: 12 }, (_, i) => `shop-${i}`);
const everywhere = (each: number) => merchants.flatMap((merchantId) => events(each, { merchantId }));

describe('a worker', () => {
  it('counts what was appended before and after it started', async () => {
    await append(installation.eventStore, 4, events(30));
    await installation.worker();
    await eventually(() => installation.pageviews(), is(30));
    await append(installation.eventStore, 4, events(12, { merchantId: 'm2' }));
    await eventually(() => installation.pageviews(), is(42));
  });

  it('counts an event once when it was sent twice, in one block or in several', async () => {
    const twice = event();
    await append(installation.eventStore, 4, [twice, twice, event()]);
    await append(installation.eventStore, 4, [twice]);
    await installation.worker();
    await append(installation.eventStore, 4, [twice, event()]);
    await eventually(() => installation.pageviews(), is(3));
  });

  it('still knows what it counted before it was stopped or killed', async () => {
    const known = event();
    await append(installation.eventStore, 4, [known, ...everywhere(3)]);
    const first = await installation.worker();
    await eventually(() => installation.pageviews(), is(37));
    await first.abandon();
    const second = await installation.worker();
    await append(installation.eventStore, 4, [known, event()]);
    await eventually(() => installation.pageviews(), is(38));
    await second.stop();
    await installation.worker();
    await append(installation.eventStore, 4, [known, event()]);
    await eventually(() => installation.pageviews(), is(39));
  });

  it('shows what is folded soon after it is no longer busy, however long it meant to wait', async () => {
    const pace = { everyMs: 5, folded: () => undefined };
    await installation.worker({ pace, limits: { flushBehindEveryMs: 600_000 } });
    await append(installation.eventStore, 4, [event()]);
    await eventually(() => installation.pageviews(), is(1));
    pace.everyMs = 600_000;
    await append(installation.eventStore, 4, [event(), event()]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await installation.pageviews()).toBe(1);
    pace.everyMs = 5;
    await eventually(() => installation.pageviews(), is(3));
  });

  it('writes what it folded on the way to the head once, however long that takes, when it is as late as that', async () => {
    await append(installation.eventStore, 4, [event()]);
    const before = await installation.worker();
    await eventually(() => installation.pageviews(), is(1));
    await before.stop();
    for (let i = 0; i < 400; i++) await append(installation.eventStore, 4, events(20));
    const flushes: number[] = [];
    await installation.worker({
      now: () => Date.now() + 3_600_000,
      limits: { flushBehindEveryMs: 5, flushLateEveryMs: 600_000 },
      metrics: { folded: () => undefined, flushed: (documents) => void flushes.push(documents) },
    });
    await eventually(() => installation.pageviews(), is(8_001));
    expect(flushes).toHaveLength(1);
  });

  it('waits for stores that are away and goes on where it was', async () => {
    const worker = await installation.worker();
    await append(installation.eventStore, 4, everywhere(1));
    await eventually(() => installation.pageviews(), is(12));
    installation.readStore.setUnavailable(true);
    await append(installation.eventStore, 4, everywhere(1));
    await eventually(
      () => worker.readiness(),
      (answer) => !answer.ok && /does not answer/.test(answer.detail),
    );
    installation.readStore.setUnavailable(false);
    await eventually(() => installation.pageviews(), is(24));
    installation.eventStore.setUnavailable(true);
    await eventually(
      () => worker.readiness(),
      (answer) => !answer.ok,
    );
    installation.eventStore.setUnavailable(false);
    await append(installation.eventStore, 4, everywhere(1));
    await eventually(() => installation.pageviews(), is(36));
    await eventually(
      () => worker.readiness(),
      (answer) => answer.ok && /4 partitions/.test(answer.detail ?? ''),
    );
  });

  it('stops a partition at a block it cannot read, names it, and counts everything else', async () => {
    const worker = await installation.worker();
    const broken = {
      id: '00000000-0000-4000-8000-000000000001',
      type: 'event-block.v1',
      data: Buffer.from('RBLKx'),
      contentType: 'binary' as const,
    };
    await installation.eventStore.append('events-01', [broken]);
    await append(installation.eventStore, 4, everywhere(5));
    const readable = merchants.filter((merchantId) => partitionOf(merchantId, 4) !== 1);
    expect(readable.length).toBeLessThan(merchants.length);
    await eventually(() => installation.pageviews(), is(5 * readable.length));
    await eventually(
      () => worker.readiness(),
      (answer) => !answer.ok && /events-01 revision 0: block unreadable/.test(answer.detail),
    );
  });

  it('says how far it is, and that it is complete up to now while nothing comes', async () => {
    await append(installation.eventStore, 4, everywhere(2));
    await installation.worker();
    await eventually(() => installation.pageviews(), is(24));
    const appended = Date.now();
    await eventually(
      async () => (await installation.readStore.records.list<WorkerRecord>(recordKinds.workers))[0]?.value.partitions ?? [],
      (partitions) =>
        partitions.length === 4 &&
        partitions.every(({ checkpoint, head, caughtUpAt }) => checkpoint === head && caughtUpAt > appended) &&
        partitions.reduce((sum, { eventsFolded }) => sum + eventsFolded, 0) === 24,
    );
  });

  it('says no less after it was stopped and started than before', async () => {
    const seenBy = async (workerId: string) => {
      const workers = await installation.readStore.records.list<WorkerRecord>(recordKinds.workers);
      return workers.find(({ id }) => id === workerId)?.value.partitions ?? [];
    };
    await append(installation.eventStore, 4, everywhere(1));
    const first = await installation.worker();
    await eventually(() => installation.pageviews(), is(12));
    const appended = Date.now();
    await eventually(
      () => seenBy('worker-1'),
      (partitions) => partitions.length === 4 && partitions.every(({ caughtUpAt }) => caughtUpAt > appended),
    );
    await first.stop();
    // As long as the next one has not looked at the log itself.
    await installation.worker({ times: { headRoundMs: 600_000 } });
    await eventually(
      () => seenBy('worker-2'),
      (partitions) => partitions.length === 4 && partitions.every(({ caughtUpAt }) => caughtUpAt > appended),
    );
    await append(installation.eventStore, 4, everywhere(1));
    await eventually(() => installation.pageviews(), is(24));
  });

  it('refuses to start with another number of partitions than the log was begun with', async () => {
    await installation.worker();
    await expect(installation.worker({ partitions: 8 })).rejects.toThrow('PARTITIONS is 8, but this installation was started with 4');
  });
});

describe('several workers', () => {
  it('share the partitions, and the last one takes what the first gives back', async () => {
    const first = await installation.worker();
    await eventually(() => first.partitions.length, is(4));
    const second = await installation.worker();
    await eventually(() => first.partitions.length + 10 * second.partitions.length, is(22));
    await append(installation.eventStore, 4, everywhere(2));
    await eventually(() => installation.pageviews(), is(24));
    await first.stop();
    await eventually(() => second.partitions.length, is(4));
    await append(installation.eventStore, 4, everywhere(2));
    await eventually(() => installation.pageviews(), is(48));
    // What the first one has said of the log is kept until the other has said as much.
    await eventually(async () => (await installation.readStore.records.list(recordKinds.workers)).map(({ id }) => id), is(['worker-2']));
  });

  it('take over from one that died once its leases are over', async () => {
    const first = await installation.worker();
    await append(installation.eventStore, 4, everywhere(2));
    await eventually(() => installation.pageviews(), is(24));
    await first.abandon();
    const second = await installation.worker();
    await append(installation.eventStore, 4, everywhere(2));
    await eventually(() => installation.pageviews(), is(48));
    expect(second.partitions).toEqual([0, 1, 2, 3]);
  });

  it('count exactly once when one is cut off, believes it still owns everything, and comes back', async () => {
    const times = { leaseMs: 100, renewMs: 20 };
    await installation.worker({ times });
    await append(installation.eventStore, 4, everywhere(2));
    await eventually(() => installation.pageviews(), is(24));
    // Leases are taken away behind its back, as when it had been frozen for long.
    for (let partition = 0; partition < 4; partition++) {
      const thief: LeaseRecord = { owner: 'nobody', until: Date.now() + 150 };
      await installation.readStore.records.put(recordKinds.leases, `partition-0${partition}`, thief);
    }
    await append(installation.eventStore, 4, everywhere(2));
    await eventually(() => installation.pageviews(), is(48));
  });

  it('keep counting exactly while workers come, go and die all the time', async () => {
    let expected = 0;
    const stream = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        await append(installation.eventStore, 4, everywhere(2));
        expected += 24;
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    };
    const churn = async (): Promise<void> => {
      let current = await installation.worker();
      for (let i = 0; i < 6; i++) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        const next = await installation.worker();
        await (i % 2 === 0 ? current.abandon() : current.stop());
        current = next;
      }
    };
    await Promise.all([stream(), churn()]);
    await eventually(() => installation.pageviews(), is(expected));
  });
});
