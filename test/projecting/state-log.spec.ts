import { randomBytes } from 'node:crypto';
import { StateLog } from '../../src/projecting/state-log';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';

const collection = 'state_g1';
const bytes = (fill: number, length = 10): Uint8Array => new Uint8Array(length).fill(fill);
let store: InMemoryReadStore;
beforeEach(() => (store = new InMemoryReadStore()));

const logOf = (partition = 3, of = 'sessions@1'): StateLog => new StateLog(store.documents, collection, partition, of);
const write = async (log: StateLog, kind: 'snapshot' | 'delta', content: Uint8Array, r0: number, r1: number, epoch = 1) => {
  const documents = await log.documentsOf(kind, content, r1, epoch);
  await store.documents.flush(collection, documents, { r0, r1 });
  return documents;
};
const load = async (checkpoint: number) => (await logOf().load(checkpoint)).map((part) => [...new Set(part)].join());

it('gives back the newest snapshot and the changes after it, up to the checkpoint', async () => {
  const log = logOf();
  await write(log, 'delta', bytes(1), -1, 4);
  await write(log, 'snapshot', bytes(2), 4, 9);
  await write(log, 'delta', bytes(3), 9, 10);
  await write(log, 'delta', bytes(4), 10, 200);
  await write(log, 'delta', bytes(5), 200, 201);
  expect(await load(200)).toEqual(['2', '3', '4']);
  expect(await load(8)).toEqual(['1']);
  expect(await load(-1)).toEqual([]);
});

it('ignores other partitions, and a snapshot of which a part is missing', async () => {
  const log = logOf();
  await write(logOf(30), 'delta', bytes(9), -1, 1);
  await write(log, 'delta', bytes(1), -1, 4);
  const snapshot = randomBytes(9 << 20);
  const parts = await log.documentsOf('snapshot', snapshot, 8, 1);
  expect(parts).toHaveLength(9);
  await store.documents.flush(collection, parts.slice(0, 2), { r0: 4, r1: 8 });
  expect(await load(8)).toEqual(['1']);
  await store.documents.flush(collection, parts.slice(2), { r0: 4, r1: 8 });
  expect(snapshot.equals((await logOf().load(8))[0]!)).toBe(true);
});

it('keeps what repeats small', async () => {
  const documents = await logOf().documentsOf('snapshot', bytes(2, 9 << 20), 8, 1);
  expect(documents.reduce((sum, part) => sum + (part.bytes as Uint8Array).length, 0)).toBeLessThan(10_000);
});

it('never mixes what two owners wrote for the same range', async () => {
  const log = logOf();
  await write(log, 'delta', bytes(1), -1, 4, 1);
  await write(log, 'snapshot', bytes(7), -1, 4, 2);
  await write(log, 'delta', bytes(2), 4, 5, 2);
  await write(log, 'delta', bytes(3), 4, 5, 3);
  expect(await load(5)).toEqual(['7', '3']);
});

it('keeps the whole history that one owner wrote where the next one wrote only what changed of it', async () => {
  const log = logOf();
  await write(log, 'delta', bytes(1), -1, 3, 1);
  await write(log, 'snapshot', bytes(7), 3, 4, 1);
  await write(log, 'delta', bytes(2), 3, 4, 2);
  await write(log, 'delta', bytes(3), 4, 5, 2);
  expect(await load(5)).toEqual(['7', '3']);
});

it('writes all of the history once the changes outgrow it, and removes what that replaces only when it is committed', async () => {
  const log = logOf();
  expect(log.isSnapshotDue(1000)).toBe(false);
  const change = bytes(1, 600_000);
  await log.committed('delta', await write(log, 'delta', change, -1, 1), change.length);
  expect(log.isSnapshotDue(600_000)).toBe(true);
  const documents = await write(log, 'snapshot', bytes(2), 1, 2);
  expect(await store.documents.scan(collection, '', '~')).toHaveLength(2);
  await log.committed('snapshot', documents, 10);
  expect(await store.documents.scan(collection, '', '~')).toHaveLength(1);
  expect(await load(2)).toEqual(['2']);
});

it('refuses the history of other projections instead of misreading it', async () => {
  await write(logOf(), 'delta', bytes(1), -1, 4);
  await expect(logOf(3, 'funnels@2').load(4)).rejects.toThrow('the stored history is that of sessions@1, not of funnels@2');
  await expect(logOf(3, '').load(4)).resolves.toEqual([]);
});
