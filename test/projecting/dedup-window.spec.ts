import * as fc from 'fast-check';
import { DedupWindow, epochMs } from '../../src/projecting/dedup-window';
import { IdSet } from '../../src/projecting/id-set';
import { decodeBlock, encodeBlock } from '../../src/stores/block';
import { event, noon } from './shop-log';

const columnsOf = (ids: readonly string[], merchantId = 'm1') => decodeBlock(encodeBlock(ids.map((id) => event({ id, merchantId }))));
const minutes = (count: number): number => noon + count * 60_000;

it('knows an id for at least an hour of log time, and forgets it after an hour and a half', () => {
  for (const [after, isKnown] of [
    [0, true],
    [59, true],
    [89, true],
    [91, false],
  ] as const) {
    const window = new DedupWindow();
    window.mark(columnsOf(['a']), minutes(0), 0);
    expect([after, window.mark(columnsOf(['a']), minutes(after), 1).duplicates]).toEqual([after, isKnown ? 1 : 0]);
  }
  expect(epochMs).toBe(30 * 60_000);
});

it('tells the second of two equal ids in one block from the first, and merchants from each other', () => {
  const window = new DedupWindow();
  expect([...window.mark(columnsOf(['a', 'b', 'a']), noon, 0).skip]).toEqual([0, 0, 1]);
  expect([...window.mark(columnsOf(['a'], 'm2'), noon, 1).skip]).toEqual([0]);
});

it('goes by the log’s newest time when the store’s clock steps back', () => {
  const window = new DedupWindow();
  window.mark(columnsOf(['a']), minutes(40), 0);
  window.mark(columnsOf(['b']), minutes(0), 1);
  expect(window.resume()).toEqual({ logTime: minutes(40), epochs: [{ epoch: Math.floor(minutes(40) / epochMs), revision: 0 }] });
});

it('answers the same whether it lived on or was built again from the records its resume names', () => {
  const record = fc.record({ after: fc.nat(70), ids: fc.array(fc.constantFrom(...'abcdefgh'), { minLength: 1, maxLength: 4 }) });
  fc.assert(
    fc.property(fc.array(record, { minLength: 2, maxLength: 12 }), fc.nat(), (log, cut) => {
      const restartAt = cut % (log.length - 1);
      let now = noon;
      const records = log.map(({ after, ids }) => ({ createdAt: (now += after * 60_000), columns: columnsOf(ids) }));
      const lived = new DedupWindow();
      for (const [at, { columns, createdAt }] of records.slice(0, restartAt + 1).entries()) lived.mark(columns, createdAt, at);
      const rebuilt = new DedupWindow();
      const from = DedupWindow.startOf(lived.resume())!;
      for (let at = from; at <= restartAt; at++) rebuilt.mark(records[at]!.columns, records[at]!.createdAt, at);
      expect(rebuilt.resume()).toEqual(lived.resume());
      for (let at = restartAt + 1; at < records.length; at++) {
        const { columns, createdAt } = records[at]!;
        expect([...rebuilt.mark(columns, createdAt, at).skip]).toEqual([...lived.mark(columns, createdAt, at).skip]);
      }
    }),
    { numRuns: 100 },
  );
});

it('holds ids in 10 to 17 bytes each and forgets none', () => {
  const ids = new IdSet();
  const random = (i: number): number => Math.imul(i + 1, 0x9e3779b1) >>> 0;
  let added = 0;
  for (let i = 0; i < 200_000; i++) if (ids.add(random(i), random(i * 7 + 3))) added++;
  let found = 0;
  for (let i = 0; i < 200_000; i++) if (ids.has(random(i), random(i * 7 + 3))) found++;
  expect([added, found]).toEqual([200_000, 200_000]);
  expect(ids.add(random(5), random(38))).toBe(false);
  expect(ids.has(0, 0)).toBe(false);
  expect(ids.add(0, 0)).toBe(true);
  expect(ids.has(0, 0)).toBe(true);
  expect(ids.size).toBe(200_001);
  expect(ids.bytes / ids.size).toBeLessThan(17);
});
