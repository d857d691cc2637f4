import { createHash } from 'node:crypto';
import { installationStream } from '../domain/partition';
import type { EventStore } from './event-store';

/** The first fact of an installation: events are placed on this many partitions, forever. Data: `{"partitions":32}`. */
const PARTITIONS_FIXED = 'partitions-fixed.v1';

/** The configuration asks for another number of partitions than the log was begun with. */
export class PartitionsRefused extends Error {
  override readonly name = 'PartitionsRefused';

  constructor(
    readonly configured: number,
    readonly fixed: number,
  ) {
    super(
      `PARTITIONS is ${configured}, but this installation was started with ${fixed} and its events are placed on ${fixed} partitions: ` +
        `set PARTITIONS=${fixed}, or start with empty stores.`,
    );
  }
}

/**
 * Records the number of partitions at the first start of an installation; afterwards makes sure that it is still the same.
 * Every role calls it at start, in any order and at the same time.
 * @throws PartitionsRefused when another number was recorded
 * @throws StoreUnavailable when the log does not answer
 */
export async function fixPartitions(eventStore: EventStore, partitions: number): Promise<void> {
  const data = Buffer.from(JSON.stringify({ partitions }));
  const record = { id: recordId(data), type: PARTITIONS_FIXED, data, contentType: 'json' as const };
  if ((await fixedPartitions(eventStore)) === undefined) {
    await eventStore.append(installationStream, [record], { expected: 'no-stream' });
  }
  const fixed = await fixedPartitions(eventStore);
  if (fixed !== partitions) throw new PartitionsRefused(partitions, fixed ?? Number.NaN);
}

/** What the log says, or undefined before the first start. */
export async function fixedPartitions(eventStore: EventStore): Promise<number | undefined> {
  for await (const record of eventStore.read(installationStream)) {
    if (record.type !== PARTITIONS_FIXED) continue;
    const { partitions } = JSON.parse(Buffer.from(record.data).toString('utf8')) as { partitions: number };
    return partitions;
  }
  return undefined;
}

/** Derived from the content: the same process trying again is recognised by the store. */
function recordId(data: Uint8Array): string {
  const hex = createHash('sha256').update(PARTITIONS_FIXED).update(data).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
