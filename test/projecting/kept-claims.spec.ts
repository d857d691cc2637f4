import { isDeepStrictEqual } from 'node:util';
import type { ResolvedConfiguration } from '../../src/config';
import { partitionOf } from '../../src/domain/partition';
import { KeptClaims } from '../../src/projecting/kept-claims';
import { PartitionStatus } from '../../src/projecting/partition-status';
import { Standings } from '../../src/reporting/standing';
import { recordKinds, type Claim, type MerchantRecord, type WorkerPartition, type WorkerRecord } from '../../src/stores/records';
import { append, events } from './shop-log';
import { eventually, InstallationUnderTest, is } from './installation-under-test';

const folding = (caughtUpAt: number, partition = 0): WorkerPartition => ({
  partition,
  generation: 'g1',
  checkpoint: 7,
  checkpointTime: 1_000,
  head: 7,
  caughtUpAt,
  eventsFolded: 1,
});
const claim = (of: number, partition = 0): Claim => ({ generation: 'g1', partition, revision: 7, logTime: 1_000, completeTo: of });

describe('what a worker has told of how far it is counted', () => {
  it('is told on when it folds that no more, and until it has told more itself', () => {
    const kept = new KeptClaims('w1');
    expect(kept.beside([folding(2_000), folding(2_000, 1)])).toEqual([]);
    expect(kept.beside([folding(3_000)])).toEqual([claim(2_000, 1)]);
    expect(kept.beside([folding(0), folding(1_999, 1)])).toEqual([claim(3_000), claim(2_000, 1)]);
    expect(kept.beside([folding(0), folding(2_000, 1)])).toEqual([claim(3_000)]);
    expect(kept.beside([folding(3_001)])).toEqual([claim(2_000, 1)]);
  });

  it('is told on until another has told as much', () => {
    const kept = new KeptClaims('w1');
    kept.beside([folding(2_000)]);
    const record = (workerId: string, caughtUpAt: number): WorkerRecord => {
      return { workerId, pid: 1, startedAt: 0, at: 1, partitions: [folding(caughtUpAt)] };
    };
    kept.heard([record('w1', 9_000), record('w2', 1_999)]);
    expect(kept.beside([])).toEqual([claim(2_000)]);
    kept.heard([record('w1', 2_000), record('w2', 2_000)]);
    expect(kept.beside([])).toEqual([]);
  });

  it('is forgotten with the generation', () => {
    const kept = new KeptClaims('w1');
    kept.beside([folding(2_000)]);
    kept.follow(new Set(['g1', 'g2']));
    expect(kept.beside([])).toEqual([claim(2_000)]);
    kept.follow(new Set(['g2']));
    expect(kept.beside([])).toEqual([]);
  });
});

describe('a partition that is taken over', () => {
  const checkpoint = { revision: 7, logTime: 1_000, resume: {}, events: 9 };

  it('is as far as others had seen before', () => {
    const status = new PartitionStatus(0, 'g1');
    status.begun(checkpoint, [claim(2_000), { ...claim(3_000), revision: 8 }, claim(4_000, 1)]);
    expect(status.copy).toMatchObject({ checkpoint: 7, caughtUpAt: 2_000 });
  });

  it('from a store that has less of it than the one before is as far as that store has it', () => {
    const status = new PartitionStatus(0, 'g1');
    status.begun(checkpoint, []);
    status.headAt(7, 5_000);
    expect(status.copy).toMatchObject({ caughtUpAt: 5_000 });
    status.begun({ revision: -1, logTime: 0, resume: {}, events: 0 }, [claim(5_000)]);
    expect(status.copy).toMatchObject({ checkpoint: -1, caughtUpAt: 0 });
  });

  it('is not said to be complete while the log is away, which may come back as another', () => {
    const status = new PartitionStatus(0, 'g1');
    status.begun(checkpoint, []);
    status.headAt(7, 5_000);
    status.problem = 'the event store does not answer';
    status.headAt(3, 6_000);
    expect(status.copy).toMatchObject({ caughtUpAt: 5_000 });
    status.problem = undefined;
    status.level(7);
    expect(status.copy).toMatchObject({ caughtUpAt: 6_000 });
  });
});

describe('workers that come and go on an idle shop', () => {
  /** Two of them in each of the partitions. */
  const merchants = Array.from({ length: 100 }, (_, i) => `shop-${i}`)
    .sort((a, b) => partitionOf(a, 4) - partitionOf(b, 4))
    .filter((one, i, all) => partitionOf(one, 4) !== partitionOf(all[i - 2] ?? '', 4) || i < 2);
  let installation: InstallationUnderTest;
  beforeEach(() => {
    installation = new InstallationUnderTest();
  });
  afterEach(() => installation.end());

  const workers = async (): Promise<string[]> => (await installation.readStore.records.list(recordKinds.workers)).map(({ id }) => id);
  /** What readers of each merchant are told who come to a front that has just started. */
  async function told(): Promise<number[]> {
    const standings = new Standings(installation.readStore, { partitions: 4 } as ResolvedConfiguration);
    const all = await Promise.all(merchants.map((merchantId) => standings.of(merchantOf(merchantId), ['traffic'])));
    return all.map((one) => (Array.isArray(one) ? (one[0]!.asOf ?? 0) : 0));
  }
  const isPast = (ms: number) => (all: readonly number[]) => all.every((one) => one > ms);

  /** Events of a partition are over, of others there never were any; only looking at the log tells how far they are counted. */
  async function idle(): Promise<void> {
    const busy = merchants.filter((merchantId) => partitionOf(merchantId, 4) < 2);
    await append(
      installation.eventStore,
      4,
      busy.flatMap((merchantId) => events(1, { merchantId })),
    );
    await eventually(() => installation.pageviews(), is(busy.length));
    await eventually(told, isPast(Date.now()));
  }

  /** Asks again and again until it is over; nobody is ever told less than anyone before. */
  async function watched(isOver: () => boolean | Promise<boolean>): Promise<void> {
    let before = await told();
    for (;;) {
      const isLast = await isOver();
      const now = await told();
      expect(now.map((one, i) => one - before[i]!).filter((change) => change < 0)).toEqual([]);
      before = now;
      if (isLast) return;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  it.each(['stop', 'abandon'] as const)(
    'say no less than those before them, whose word is kept as long as nobody knows more (%s)',
    async (end) => {
      const times = { forgetWorkerAfterMs: 30 };
      const first = await installation.worker({ times });
      await idle();
      // What is told from here on is told by a word of the first one.
      let last = first;
      for (const name of ['worker-2', 'worker-3']) {
        const before = last;
        const next = watched(async () => isDeepStrictEqual(await workers(), [name]));
        await before[end]();
        last = await installation.worker({ times: { ...times, headRoundMs: 600_000 } });
        await next;
      }
      // As one that is gone for long and has left nobody behind.
      await last[end]();
      expect(await workers()).toEqual(['worker-3']);
      const again = watched(async () => isDeepStrictEqual(await workers(), ['worker-4']));
      await installation.worker({ times });
      await again;
      await eventually(told, isPast(Date.now()));
    },
  );

  it('say no less while some take from others what those go on to have, stop or die with', async () => {
    const times = { forgetWorkerAfterMs: 30 };
    let current = await installation.worker({ times });
    await idle();
    let isOver = false;
    const watching = watched(() => isOver);
    for (let i = 0; i < 8; i++) {
      const next = await installation.worker({ times });
      await new Promise((resolve) => setTimeout(resolve, 60));
      await (i % 2 === 0 ? current.abandon() : current.stop());
      current = next;
    }
    await eventually(told, isPast(Date.now()));
    isOver = true;
    await watching;
    // Of those that are gone nothing stays once others have said as much.
    await eventually(workers, is(['worker-9']));
  });

  it('say no less of numbers counted anew, the moment they serve', async () => {
    await installation.worker();
    await idle();
    const watching = watched(async () => (await installation.pointer('traffic'))?.generationId === 'g2');
    await installation.reset('traffic');
    await watching;
  });
});

function merchantOf(merchantId: string): MerchantRecord {
  const fields = { name: merchantId, timezone: 'UTC', currency: 'USD', timezones: [], createdAt: 0, deleted: false };
  return { merchantId, ...fields, sources: [], tokens: [] };
}
