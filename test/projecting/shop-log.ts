import { randomUUID } from 'node:crypto';
import type { AcceptedEvent } from '../../src/domain/columns';
import { eventsStream } from '../../src/domain/partition';
import { partitionFor, type SpreadSince } from '../../src/domain/spreading';
import { encodeBlock, EVENT_BLOCK } from '../../src/stores/block';
import type { EventStore } from '../../src/stores/event-store';

export const noon = Date.UTC(2026, 4, 4, 12);

let made = 0;
/** A page view unless said otherwise. */
export function event(fields: Partial<AcceptedEvent> = {}): AcceptedEvent {
  made++;
  const time = fields.time ?? noon;
  return {
    merchantId: 'm1',
    id: `e${made}`,
    time,
    receivedAt: time,
    name: 'page_view',
    visitorId: `v${made % 7}`,
    url: `https://shop.example/p/${made % 5}`,
    ...fields,
  };
}

export const events = (count: number, fields: Partial<AcceptedEvent> = {}): AcceptedEvent[] =>
  Array.from({ length: count }, () => event(fields));

/** Appends events to the partitions of their merchants, one block a partition. @param spreads by merchant; none: at home */
export async function append(
  eventStore: EventStore,
  partitions: number,
  rows: readonly AcceptedEvent[],
  spreads?: ReadonlyMap<string, readonly SpreadSince[] | undefined>,
): Promise<void> {
  const byPartition = new Map<number, AcceptedEvent[]>();
  for (const row of rows) {
    const partition = partitionFor(row, spreads?.get(row.merchantId), partitions);
    byPartition.set(partition, [...(byPartition.get(partition) ?? []), row]);
  }
  for (const [partition, some] of byPartition) await appendTo(eventStore, partition, some);
}

async function appendTo(eventStore: EventStore, partition: number, rows: readonly AcceptedEvent[]): Promise<void> {
  const record = { id: randomUUID(), type: EVENT_BLOCK, data: encodeBlock(rows), contentType: 'binary' as const };
  const result = await eventStore.append(eventsStream(partition), [record]);
  if (!result.ok) throw new Error('the append was refused');
}
