import type { AcceptedEvent } from '../../src/domain/columns';
import { eventsStream, partitionOf } from '../../src/domain/partition';
import { blockRecordId, encodeBlock, EVENT_BLOCK } from '../../src/stores/block';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { shopEvents } from './events';
import { sleep } from './figures';
import { partitions, type BenchedRecount } from './running';

export interface History {
  merchants: readonly string[];
  events: number;
  /** Epoch ms of the first event. */
  start: number;
  perSecond: number;
}

const rowsPerBlock = 3_000;
const eventsAtOnce = 100_000;
const appendsInFlightMax = 8;
/** Of live counting, at the least. */
const countedPerSecondMin = 5_000;

/**
 * Puts a history into the log past the collector, in the blocks the collector would have written, and waits until the live
 * projections have counted all of it. Answers how long the counting took, from the first append.
 */
export async function preload(recount: BenchedRecount, history: History): Promise<{ countedSeconds: number }> {
  const { merchants, events, start, perSecond } = history;
  await recount.register(merchants);
  const perMerchant = new Map<string, number>();
  const log = new EventStoreDb(recount.eventStoreUrl);
  const from = Date.now();
  try {
    const rows: AcceptedEvent[][] = Array.from({ length: partitions }, () => []);
    const running = new Set<Promise<void>>();
    const append = async (partition: number, block: Uint8Array): Promise<void> => {
      const record = { id: blockRecordId(block), type: EVENT_BLOCK, data: block, contentType: 'binary' as const };
      await log.append(eventsStream(partition), [record]);
    };
    const seal = async (partition: number): Promise<void> => {
      const block = encodeBlock(rows[partition]!.splice(0));
      if (running.size >= appendsInFlightMax) await Promise.race(running);
      const appended = append(partition, block).finally(() => running.delete(appended));
      running.add(appended);
    };
    for (let made = 0, part = 1; made < events; made += eventsAtOnce, part++) {
      const count = Math.min(eventsAtOnce, events - made);
      const options = { merchants: merchants.length, count, start: start + (made * 1000) / perSecond, perSecond, seed: part };
      for (const event of shopEvents(options)) {
        const merchantId = merchants[Number(event.merchantId.slice('shop-'.length))]!;
        perMerchant.set(merchantId, (perMerchant.get(merchantId) ?? 0) + 1);
        const partition = partitionOf(merchantId, partitions);
        // Seeds are no guarantee that ids differ between parts.
        rows[partition]!.push({ ...event, merchantId, id: part.toString(16).padStart(4, '0') + event.id.slice(4) });
        if (rows[partition]!.length >= rowsPerBlock) await seal(partition);
      }
    }
    for (let partition = 0; partition < partitions; partition++) if (rows[partition]!.length > 0) await seal(partition);
    await Promise.all(running);
  } finally {
    await log.close();
  }
  const end = start + (events * 1000) / perSecond;
  for (const [merchantId, expected] of perMerchant) {
    while ((await recount.counted(merchantId, start - 86_400_000, end)) < expected) {
      if (Date.now() - from > (60 + events / countedPerSecondMin) * 1000)
        throw new Error(`${merchantId}: the preloaded events were not all counted`);
      await sleep(200);
    }
  }
  return { countedSeconds: (Date.now() - from) / 1000 };
}
