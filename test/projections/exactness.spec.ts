import fc from 'fast-check';
import { documentPrefix, type StoredDoc } from '../../projections/kit/document';
import type { Tally } from '../../projections/kit/measures';
import { demoTraffic } from '../../src/cli/demo/traffic';
import type { AcceptedEvent } from '../../src/domain/columns';
import { noDefinitions, type Definitions } from '../../src/domain/definitions';
import { bucketsOf, type Bucket } from '../oracle/buckets';
import type { Merchant } from '../oracle/events';
import { readShop } from '../oracle/oracle';
import { families, minuteTable, storedTable, Tables, type Table } from './families';
import { bytesOf, foldBlocks, tallyOf, type Documents } from './folding';
import { definitions, log, merchants, timezones } from './shop-events';

const choices = fc.infiniteStream(fc.boolean());
const settings = fc.tuple(definitions, definitions, fc.constant(noDefinitions), definitions).map(byMerchant);
const histories = { recordsMax: 2, bytesMax: 1 << 20 };

describe('what the projections store', () => {
  it('equals a naive count over the events, for every family, bucket, dimension value and kind of visitor', () => {
    fc.assert(
      fc.property(log, settings, choices, (blocks, defined, flush) => {
        const documents = foldBlocks(blocks, { timezones, definitions: defined, takeAfter: () => flush.next().value! });
        for (const merchantId of merchants) {
          const merchant = { merchantId, timezone: timezones[merchantId]!, definitions: defined[merchantId]! };
          expectWhatTheOracleCounts(documents, blocks.flat(), merchant, ['minute', 'hour', 'day']);
        }
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    ['with the sessions its clients name', false, 100],
    ['with sessions cut by their pauses, and thousands of events in a block', true, 1_250],
  ])('equals a naive count over some days of the demo’s shop, %s', (_, cut, blockRows) => {
    const story = [...demoTraffic({ seed: 5, until: Date.parse('2026-06-01T00:00:00Z'), days: 3, events: 2_500 })];
    const events = story.map(({ ip: _ip, sessionId, ...event }): AcceptedEvent => {
      return { ...event, merchantId: 'demo', receivedAt: event.time, ...(!cut && { sessionId }) } as AcceptedEvent;
    });
    const timezone = 'America/St_Johns';
    const goals = [{ goalId: 'bought', name: 'Bought', event: 'purchase' }];
    const defined: Definitions = { ...noDefinitions, goals, sessionsEndAtMidnight: cut };
    const blocks = Array.from({ length: Math.ceil(events.length / blockRows) }, (__, n) =>
      events.slice(n * blockRows, (n + 1) * blockRows),
    );
    const documents = foldBlocks(blocks, { timezones: { demo: timezone }, definitions: { demo: defined }, takeAfter: (n) => n % 3 === 0 });
    expectWhatTheOracleCounts(documents, events, { merchantId: 'demo', timezone, definitions: defined }, ['hour', 'day']);
  });

  it('is byte for byte what a rebuild in one pass stores, wherever flushes and restarts fell and however few histories are in memory', () => {
    fc.assert(
      fc.property(log, settings, choices, choices, (blocks, defined, flush, restart) => {
        const live = foldBlocks(blocks, {
          timezones,
          definitions: defined,
          bounds: histories,
          takeAfter: () => flush.next().value!,
          restartAfter: () => restart.next().value!,
        });
        expect(bytesOf(live)).toEqual(bytesOf(foldBlocks(blocks, { timezones, definitions: defined })));
      }),
      { numRuns: 100 },
    );
  });
});

/** Of every bucket in which something happened. */
function expectWhatTheOracleCounts(
  documents: Documents,
  events: readonly AcceptedEvent[],
  merchant: Merchant & { readonly timezone: string },
  granularities: readonly Bucket['granularity'][],
): void {
  const byBucket = bucketed(documents);
  const shop = readShop(events, merchant);
  const times = events.filter(({ merchantId }) => merchantId === merchant.merchantId).map(({ time }) => time);
  for (const { granularity, name, from, to } of bucketsOf(times, merchant.timezone)) {
    if (!granularities.includes(granularity)) continue;
    for (const bots of ['exclude', 'include', 'only'] as const) {
      const oracle = new Tables(shop, { from, to, bots });
      const stored: Record<string, Table> = {};
      const expected: Record<string, Table> = {};
      for (const family of families) {
        if (granularity === 'minute' && !family.byMinute) continue;
        const prefixOf = (of: string): string => documentPrefix(merchant.merchantId, of, granularity, name);
        const minuteOf = (of: string): Tally => tallyOf(documents, prefixOf(of), '', bots);
        const goalIds = (merchant.definitions?.goals ?? []).map(({ goalId }) => goalId);
        if (granularity !== 'minute') stored[family.name] = storedTable(byBucket.get(prefixOf(family.name)) ?? [], family, bots);
        else if (family.byMinute === 'goal') {
          const ofGoals = goalIds.map((goalId) => [goalId, minuteOf(`${family.name}:${goalId}`)]);
          stored[family.name] = minuteTable(Object.fromEntries(ofGoals) as Record<string, Tally>, family);
        } else stored[family.name] = minuteTable({ '': minuteOf(family.name) }, family);
        expected[family.name] = family.expected(oracle);
      }
      const where = { merchantId: merchant.merchantId, name, bots };
      expect({ ...where, ...stored }).toEqual({ ...where, ...expected });
    }
  }
}

function byMerchant<T>(list: readonly T[]): Record<string, T> {
  return Object.fromEntries(merchants.map((merchantId, i) => [merchantId, list[i]!]));
}

function bucketed(documents: Documents): Map<string, StoredDoc[]> {
  const buckets = new Map<string, StoredDoc[]>();
  for (const document of documents.values()) {
    const prefix = document._id.slice(0, document._id.lastIndexOf('|'));
    if (!buckets.has(prefix)) buckets.set(prefix, []);
    buckets.get(prefix)!.push(document);
  }
  return buckets;
}
