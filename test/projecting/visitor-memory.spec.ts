import * as fc from 'fast-check';
import type { ProjectionDefinition } from '../../projections/catalog';
import { commerce } from '../../projections/commerce/commerce';
import type { StoredDoc } from '../../projections/kit/document';
import { collectionOf, controlId } from '../../src/stores/records';
import { arrivals } from '../projections/arrivals';
import { documentsOf } from './installation-under-test';
import { cleanRebuild, contentOf, deathsAndLostLoads, type LogBlock, merchants, play, type World, worldOf } from './rivals';
import { event, noon } from './shop-log';

/** One event: who came, and what was bought, given back whole, or neither. */
interface Visit {
  visitor: number;
  hour: number;
  does: 'looks' | 'buys' | 'gives back';
  transaction: number;
}
interface Plan {
  blocks: Visit[][];
  /** That stay in memory at a flush. */
  recordsMax: number;
  snapshotAfterBytesMin: number;
  fates: number[];
}

/** More visitors and transactions than stay in memory, who return at any time. */
const plan: fc.Arbitrary<Plan> = fc.record({
  blocks: fc.array(
    fc.array(
      fc.record({
        visitor: fc.nat(9),
        hour: fc.nat(1),
        does: fc.constantFrom('looks' as const, 'looks' as const, 'buys' as const, 'gives back' as const),
        transaction: fc.nat(5),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    { minLength: 3, maxLength: 12, size: 'max' },
  ),
  recordsMax: fc.integer({ min: 1, max: 3 }),
  // All of the history is written with every flush, every few flushes, or never.
  snapshotAfterBytesMin: fc.constantFrom(0, 150, 1 << 20),
  fates: fc.array(fc.nat(1 << 16), { minLength: 40, maxLength: 160, size: 'max' }),
});

const definitions: readonly ProjectionDefinition[] = [
  arrivals,
  { ...commerce, measures: { orders: commerce.measures.orders!, refunds: commerce.measures.refunds! }, dimensions: {}, itemDimensions: {} },
];
const price = 7;

const logOf = ({ blocks }: Plan): LogBlock[] =>
  blocks.map((visits, at) => ({
    afterMinutes: 0,
    rows: visits.map(({ visitor, hour, does, transaction }, i) =>
      event({
        merchantId: merchants[0]!,
        id: `${at}-${i}`,
        visitorId: `v${visitor}`,
        time: noon + hour * 3_600_000,
        ...(does !== 'looks' && { name: does === 'buys' ? 'purchase' : 'refund', transactionId: `t${transaction}` }),
        ...(does === 'buys' && { value: price, currency: 'EUR' }),
      }),
    ),
  }));

/** Counted from the plan alone: visitors by their first hour and number of events, orders and what was given back by hour. */
function expectedOf({ blocks }: Plan): Map<string, number> {
  const visitors = new Map<number, { hour: number; count: number }>();
  const orders = new Set<number>();
  const expected = new Map<string, number>();
  const add = (key: string, by: number): Map<string, number> => expected.set(key, (expected.get(key) ?? 0) + by);
  for (const { visitor, hour, does, transaction } of blocks.flat()) {
    const known = visitors.get(visitor);
    visitors.set(visitor, { hour: Math.min(hour, known?.hour ?? hour), count: (known?.count ?? 0) + 1 });
    if (does === 'buys' && !orders.has(transaction)) add(`orders ${hour}`, 1);
    if (does === 'buys') orders.add(transaction);
    if (does === 'gives back' && orders.has(transaction)) add(`given back ${hour}`, price);
  }
  for (const { hour, count } of visitors.values()) add(`came ${count} times ${hour}`, 1);
  return expected;
}

/** The same as merchants would see it. */
async function countedOf({ readStore }: World): Promise<Map<string, number>> {
  const counted = new Map<string, number>();
  const note = (key: string, n: number): unknown => n !== 0 && counted.set(key, n);
  const stored = async (projection: string, family: string): Promise<{ hour: number; values: StoredDoc['values'] }[]> => {
    const all = await documentsOf(readStore, collectionOf(projection, 'g1'));
    return all.flatMap((document) => {
      const match = new RegExp(`\\|${family}\\|hour\\|(.*)\\|000$`).exec(document._id);
      return match === null ? [] : [{ hour: Number(match[1]!.slice(-2)) - 12, values: (document as StoredDoc).values }];
    });
  };
  for (const { hour, values } of await stored('arrivals', 'arrivals\\.times')) {
    for (const { v, h } of values) note(`came ${v} times ${hour}`, Number(h?.visitors ?? 0));
  }
  for (const { hour, values } of await stored('commerce', 'commerce')) {
    for (const { h } of values) {
      note(`orders ${hour}`, Number((h?.orders as Record<string, number> | undefined)?.EUR ?? 0));
      note(`given back ${hour}`, Number((h?.refunds as Record<string, number> | undefined)?.EUR ?? 0) / 100);
    }
  }
  return counted;
}

async function holds(given: Plan): Promise<void> {
  const { recordsMax, snapshotAfterBytesMin } = given;
  const world = await worldOf(logOf(given), { definitions, recordsMax, snapshotAfterBytesMin });
  await play(world, given.fates, deathsAndLostLoads);
  expect(await countedOf(world)).toEqual(expectedOf(given));
  await cleanRebuild(world);
  expect(await contentOf(world, 'g1')).toEqual(await contentOf(world, 'g2'));
  const control = (await world.readStore.control.get(controlId('g1', 0)))!;
  expect(control).toMatchObject({ checkpoint: { revision: world.records - 1 }, intent: null });
}

jest.setTimeout(300_000);

/** More of them find rarer faults: PROPERTY_RUNS=20000 npx jest test/projecting/visitor-memory. */
const runs = Number(process.env.PROPERTY_RUNS ?? 1_000);

it('forgets no visitor and no order, and counts none twice, who leave memory and return, wherever owners die and loads fail', async () => {
  await fc.assert(fc.asyncProperty(plan, holds), { numRuns: runs });
});
