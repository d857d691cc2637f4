import { documentPrefix, valuesPerBucket, type StoredDoc } from '../../projections/kit/document';
import { Tally, type StoredMeasures } from '../../projections/kit/measures';
import type { AcceptedEvent } from '../../src/domain/columns';
import { eventValue, itemValue, sessionValue } from '../oracle/dimensions';
import { readShop, type Shop } from '../oracle/oracle';
import { bytesOf, foldBlocks, type Documents } from './folding';

const ten = Date.parse('2026-11-22T10:00:00Z');
const beyond = 300;
const visitorsInAll = valuesPerBucket + beyond;

/**
 * One visitor after the other, each with a source, a page and a product of their own: the last of them are beyond what is kept apart.
 * Every tenth sends a second event in the next block, from an earlier moment: the first source is taken back for another.
 */
const blocks: AcceptedEvent[][] = [];
for (let n = 0; n < visitorsInAll; n += 515) {
  const rows: AcceptedEvent[] = [];
  for (let visitor = Math.max(0, n - 515); visitor < n; visitor += 10) rows.push(event(visitor, `late-${visitor}`, ten - 60_000));
  for (let visitor = n; visitor < Math.min(n + 515, visitorsInAll); visitor++) rows.push(event(visitor, `s${visitor}`, ten));
  blocks.push(rows);
}

function event(visitor: number, name: string, time: number): AcceptedEvent {
  return {
    merchantId: 'm',
    id: name,
    name: 'purchase',
    visitorId: `v${visitor}`,
    time,
    receivedAt: time,
    url: `https://shop.example/${name}?utm_source=${name}`,
    sessionId: `of-${visitor}`,
    currency: 'EUR',
    items: [{ itemId: name, price: 2 }],
  };
}

const day = '2026-11-22';
function documentsOf(documents: Documents, family: string): StoredDoc[] {
  const prefix = documentPrefix('m', family, 'day', day);
  return [...documents.values()].filter(({ _id }) => _id.startsWith(`${prefix}|`)).sort((a, b) => (a._id < b._id ? -1 : 1));
}
const tallyOf = (measures: readonly (StoredMeasures | undefined)[]): Tally => {
  const tally = new Tally();
  for (const one of measures) if (one !== undefined) tally.add(one);
  return tally;
};

describe('a day with more values than are kept apart', () => {
  let once: Documents;
  let shop: Shop;
  beforeAll(() => {
    once = foldBlocks(blocks);
    shop = readShop(blocks.flat(), { merchantId: 'm' });
  });

  it.each([
    ['content.page', 'events', () => shop.events.map((one) => eventValue(one, 'page')!)],
    ['commerce.product', 'itemsSold', () => shop.events.map((one) => itemValue(one.items![0]!, 'product')!)],
  ] as const)('keeps the first in the log of %s, and sums the others', (family, measure, values) => {
    const stored = documentsOf(once, family);
    const inOrder = [...new Set(values())];
    expect(stored.flatMap((document) => document.values.map(({ v }) => v))).toEqual(inOrder.slice(0, valuesPerBucket));
    for (const { h } of stored.flatMap((document) => document.values)) expect(tallyOf([h]).counter(measure)).toBe(1);
    expect(stored[0]!.other!.b).toBeUndefined();
    expect(tallyOf([stored[0]!.other!.h]).counter(measure)).toBe(inOrder.length - valuesPerBucket);
  });

  it('counts nobody twice and nobody less where sessions changed their source', () => {
    const stored = documentsOf(once, 'acquisition.source');
    const kept = stored.flatMap((document) => document.values);
    expect(kept.length).toBe(valuesPerBucket);
    const counted = new Map(kept.map(({ v, h }) => [v, tallyOf([h]).counter('sessions')]));
    const expected = new Map<string, number>();
    for (const session of shop.sessions) expected.set(sessionValue(session, 'source'), 1);
    for (const [value, sessions] of counted) expect([value, sessions]).toEqual([value, expected.get(value) ?? 0]);
    const apart = kept.filter(({ v }) => expected.has(v)).length;
    const other = tallyOf([stored[0]!.other!.h]);
    expect(other.counter('sessions')).toBe(expected.size - apart);
    expect(other.counter('sessions')).toBeGreaterThan(0);
    expect(tallyOf([...kept.map(({ h }) => h), stored[0]!.other!.h]).counter('orders')).toBe(shop.events.length);
    expect(tallyOf([...kept.map(({ h }) => h), stored[0]!.other!.h]).money('revenue')).toEqual(
      new Map([['EUR', BigInt(shop.events.length * 200)]]),
    );
  });

  it('is stored alike wherever flushes and restarts fall', () => {
    const live = foldBlocks(blocks, {
      bounds: { recordsMax: 200, bytesMax: 1 << 20 },
      takeAfter: (block) => block % 3 !== 1,
      restartAfter: (block) => block % 4 === 2,
    });
    const [a, b] = [bytesOf(live), bytesOf(once)];
    expect([...a.keys()]).toEqual([...b.keys()]);
    expect([...a].filter(([id, bytes]) => b.get(id) !== bytes).map(([id]) => id)).toEqual([]);
  });
});
