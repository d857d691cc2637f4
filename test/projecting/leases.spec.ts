import { fairShare, LeaseBook, PartitionLeases } from '../../src/projecting/leases';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';

let now: number;
let store: InMemoryReadStore;
beforeEach(() => {
  now = 1_000_000;
  store = new InMemoryReadStore();
});

function worker(name: string, partitions = 8) {
  const log: string[] = [];
  const book = new LeaseBook(store.records, name, { leaseMs: 8_000, renewMs: 2_000 }, () => now);
  const leases = new PartitionLeases(book, partitions, {
    acquired: (partition) => void log.push(`+${partition}`),
    lost: (partition) => void log.push(`lost ${partition}`),
    handOver: async (partition) => void log.push(`-${partition}`),
  });
  return { leases, log };
}

it('shares partitions evenly, whatever does not divide going to the first by name', () => {
  const workers = ['c', 'a', 'b'];
  expect(['a', 'b', 'c'].map((name) => fairShare(32, workers, name))).toEqual([11, 11, 10]);
  expect(fairShare(32, [], 'alone')).toBe(32);
  expect(fairShare(2, ['a', 'b', 'c'], 'c')).toBe(0);
});

it('gives a joining worker its share as soon as the others notice it', async () => {
  const a = worker('a');
  const b = worker('b');
  expect(await a.leases.round(['a'])).toBe(true);
  expect(await b.leases.round(['a', 'b'])).toBe(false);
  expect(b.leases.held).toEqual([]);
  await a.leases.round(['a', 'b']);
  expect(a.log.slice(-4)).toEqual(['-4', '-5', '-6', '-7']);
  expect(await b.leases.round(['a', 'b'])).toBe(true);
  expect([...a.leases.held, ...b.leases.held]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

it('takes over what a dead worker held when its leases are over, and not before', async () => {
  const a = worker('a');
  const b = worker('b');
  await a.leases.round(['a']);
  now += 7_900;
  await b.leases.round(['b']);
  expect(b.leases.held).toEqual([]);
  now += 200;
  await b.leases.round(['b']);
  expect(b.leases.held).toHaveLength(8);
});

it('keeps what it renews, and notices when it slept for too long', async () => {
  const a = worker('a');
  const b = worker('b');
  await a.leases.round(['a']);
  for (let i = 0; i < 10; i++) {
    now += 2_500;
    await a.leases.round(['a']);
    await b.leases.round(['b']);
  }
  expect(a.leases.held).toHaveLength(8);
  now += 9_000;
  await b.leases.round(['b']);
  await a.leases.round(['a']);
  expect(a.log.filter((line) => line.startsWith('lost'))).toHaveLength(8);
  expect(a.leases.held).toEqual([]);
});

it('gives everything back at once when it stops', async () => {
  const a = worker('a');
  const b = worker('b');
  await a.leases.round(['a']);
  await a.leases.giveAll();
  await b.leases.round(['b']);
  expect(b.leases.held).toHaveLength(8);
});

it('takes nothing back that it is just handing over', async () => {
  const book = new LeaseBook(store.records, 'a', { leaseMs: 8_000, renewMs: 2_000 }, () => now);
  const acquired: number[] = [];
  let handedOver = (): void => undefined;
  const leases = new PartitionLeases(book, 2, {
    acquired: (partition) => void acquired.push(partition),
    lost: () => undefined,
    handOver: () => new Promise<void>((resolve) => (handedOver = resolve)),
  });
  await leases.round(['a']);
  const handing = leases.round(['a', 'b']);
  await new Promise((resolve) => setImmediate(resolve));
  await leases.round(['a', 'b']);
  expect([acquired, leases.held]).toEqual([[0, 1], [0]]);
  handedOver();
  await handing;
  const b = worker('b', 2);
  await b.leases.round(['a', 'b']);
  expect(b.leases.held).toEqual([1]);
});

it('never gives back what is another’s by now', async () => {
  const [a, b] = ['a', 'b'].map((name) => new LeaseBook(store.records, name, { leaseMs: 8_000, renewMs: 2_000 }, () => now));
  expect(await a!.take('coordinator', undefined)).toBe(true);
  now += 8_001;
  expect(await b!.take('coordinator', (await b!.list('coordinator')).get('coordinator'))).toBe(true);
  await a!.release('coordinator');
  expect((await a!.list('coordinator')).get('coordinator')!.value.owner).toBe('b');
  await b!.release('coordinator');
  await b!.release('nothing of that name');
  expect(a!.isFree((await a!.list('coordinator')).get('coordinator'))).toBe(true);
});
