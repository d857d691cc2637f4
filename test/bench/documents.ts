import { catalog } from '../../projections/catalog';
import { noDocuments } from '../../projections/kit/bucket-documents';
import { createFolder } from '../../projections/kit/folder';
import { mergeDelta } from '../../projections/kit/merging';
import type { AcceptedEvent } from '../../src/domain/columns';
import { hash32, partitionOf } from '../../src/domain/partition';
import { decodeBlock, encodeBlock } from '../../src/stores/block';
import { shopEvents } from './events';
import { partitions } from './running';

export interface WrittenDocuments {
  merchants: number;
  events: number;
  /** Of one flush of all of them by every projection; where nothing is stored yet, so each document is new. */
  documentsPerThousandEvents: number;
  bytesPerDocument: number;
  heapMb: number;
}

const eventsOfAFlush = 150_000;
const rowsPerBlock = 3_000;
const settings = { timezone: 'America/New_York' };

/** What one flush writes when the same number of events, those of 2.5 s at 60,000 a second, are of few merchants or of many. */
export function benchDocuments(): WrittenDocuments[] {
  return [1, 1_000, 100_000].map((merchants) => {
    const rows: AcceptedEvent[][] = Array.from({ length: partitions }, () => []);
    const start = Date.parse('2026-11-22T10:00:00Z');
    for (const event of shopEvents({ merchants: 1, count: eventsOfAFlush, start, perSecond: 60_000, seed: 1 })) {
      const merchantId = `shop-${hash32(event.visitorId) % merchants}`;
      rows[partitionOf(merchantId, partitions)]!.push({ ...event, merchantId });
    }
    let documents = 0;
    let bytes = 0;
    for (const some of rows) {
      const folder = createFolder(catalog);
      for (let i = 0; i < some.length; i += rowsPerBlock) {
        const columns = decodeBlock(encodeBlock(some.slice(i, i + rowsPerBlock)));
        folder.fold(columns, new Uint8Array(columns.count), () => settings, i);
      }
      for (const delta of folder.take().deltas) {
        for (const document of mergeDelta(delta, noDocuments(), { r0: -1, r1: 0 }).written) {
          documents++;
          bytes += document.length;
        }
      }
    }
    return {
      merchants,
      events: eventsOfAFlush,
      documentsPerThousandEvents: (documents * 1_000) / eventsOfAFlush,
      bytesPerDocument: bytes / documents,
      heapMb: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
    };
  });
}
