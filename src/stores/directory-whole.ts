import { merchantStream } from '../domain/partition';
import type { EventStore } from './event-store';
import type { RecordStore } from './read-store';
import { recordKinds } from './records';

const id = 'whole';

/** The directory of merchants holds everything the log said of them: it has followed the log to its end. */
export async function markDirectoryWhole(records: Pick<RecordStore, 'get' | 'put'>): Promise<void> {
  if ((await records.get(recordKinds.directory, id)) === undefined) await records.put(recordKinds.directory, id, {});
}

/**
 * Whether merchants can be looked up. Beside a log that is older than the read store they cannot, until the directory is built from it;
 * whoever folded their events meanwhile would do so as if they had neither timezone nor definitions.
 */
export async function isDirectoryWhole(records: Pick<RecordStore, 'get'>, log: Pick<EventStore, 'subscribeAll'>): Promise<boolean> {
  return (await records.get(recordKinds.directory, id)) !== undefined || !(await hasMerchants(log));
}

async function hasMerchants(log: Pick<EventStore, 'subscribeAll'>): Promise<boolean> {
  const over = new AbortController();
  try {
    const items = log.subscribeAll({ prefix: merchantStream(''), after: undefined, signal: over.signal });
    for await (const item of items) return item.kind !== 'caught-up';
    return false;
  } finally {
    over.abort();
  }
}
