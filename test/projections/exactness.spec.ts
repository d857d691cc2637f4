import fc from 'fast-check';
import { documentPrefix, type StoredDoc } from '../../projections/kit/document';
import { noDefinitions } from '../../src/domain/definitions';
import { bucketsOf } from '../oracle/buckets';
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
        const byBucket = bucketed(documents);
        const events = blocks.flat();
        for (const merchantId of merchants) {
          const shop = readShop(events, { merchantId, timezone: timezones[merchantId]!, definitions: defined[merchantId]! });
          const times = events.filter((event) => event.merchantId === merchantId).map((event) => event.time);
          for (const { granularity, name, from, to } of bucketsOf(times, timezones[merchantId]!)) {
            for (const bots of ['exclude', 'include', 'only'] as const) {
              const oracle = new Tables(shop, { from, to, bots });
              const stored: Record<string, Table> = {};
              const expected: Record<string, Table> = {};
              for (const family of families) {
                if (granularity === 'minute' && !family.byMinute) continue;
                const prefix = documentPrefix(merchantId, family.name, granularity, name);
                stored[family.name] =
                  granularity === 'minute'
                    ? minuteTable(tallyOf(documents, prefix, '', bots), family)
                    : storedTable(byBucket.get(prefix) ?? [], family, bots);
                expected[family.name] = family.expected(oracle);
              }
              expect({ merchantId, name, bots, ...stored }).toEqual({ merchantId, name, bots, ...expected });
            }
          }
        }
      }),
      { numRuns: 25 },
    );
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

function byMerchant<T>(list: readonly T[]): Record<string, T> {
  return Object.fromEntries(merchants.map((merchantId, i) => [merchantId, list[i]!]));
}

function bucketed(documents: Documents): Map<string, StoredDoc[]> {
  const buckets = new Map<string, StoredDoc[]>();
  for (const document of documents.values()) {
    const prefix = document._id.slice(0, document._id.lastIndexOf('|'));
    buckets.set(prefix, [...(buckets.get(prefix) ?? []), document]);
  }
  return buckets;
}
