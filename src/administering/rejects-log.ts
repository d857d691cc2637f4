import { rejectsStream } from '../domain/partition';
import type { EventStore, RecordedEvent } from '../stores/event-store';
import { EVENT_REJECTED, EVENT_REJECTED_V1, REJECTS_REPLAYED, type RejectsReplayed, type StoredReject } from '../stores/rejects';

/** One record of a rejects stream with what became of its rejects. */
export interface RejectsRecord {
  readonly partition: number;
  readonly revision: bigint;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly rejects: readonly StoredReject[];
  /** Whether the originals say whose they are by pseudonyms or, in older records, as it was sent. */
  readonly idsAre: 'pseudonyms' | 'as-sent';
  /** Places in `rejects` that were replayed. */
  readonly replayed: ReadonlySet<number>;
}

/** Records read at once of one stream. */
const pageRecords = 50;

/** The rejects of one partition, newest first: a note about a replay is met before the record it is about. */
export async function* rejectsBackwards(log: EventStore, partition: number): AsyncGenerator<RejectsRecord> {
  const replayed = new Map<string, Set<number>>();
  for await (const record of backwards(log, rejectsStream(partition))) {
    if (record.type === REJECTS_REPLAYED) {
      const { revision, places } = parse<RejectsReplayed>(record);
      const known = replayed.get(revision) ?? new Set();
      for (const place of places) known.add(place);
      replayed.set(revision, known);
    } else if (record.type === EVENT_REJECTED || record.type === EVENT_REJECTED_V1) {
      const { rejected } = parse<{ rejected: StoredReject[] }>(record);
      const revision = String(record.revision);
      yield {
        partition,
        revision: record.revision,
        createdAt: record.createdAt,
        rejects: rejected,
        idsAre: record.type === EVENT_REJECTED ? 'pseudonyms' : 'as-sent',
        replayed: replayed.get(revision) ?? new Set(),
      };
      replayed.delete(revision);
    }
  }
}

/** Several partitions as one list, newest first by the log's clock. */
export async function* newestFirst(log: EventStore, partitions: readonly number[]): AsyncGenerator<RejectsRecord> {
  const streams = partitions.map((partition) => rejectsBackwards(log, partition));
  try {
    const heads = await Promise.all(streams.map((stream) => stream.next()));
    for (;;) {
      let newest = -1;
      for (let i = 0; i < heads.length; i++) {
        const head = heads[i]!;
        if (head.done) continue;
        const best = newest < 0 ? undefined : heads[newest]!;
        if (best === undefined || best.done || head.value.createdAt > best.value.createdAt) newest = i;
      }
      const found = heads[newest];
      if (found === undefined || found.done) return;
      yield found.value;
      heads[newest] = await streams[newest]!.next();
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.return(undefined)));
  }
}

/** In pages, so that no read stays open while the caller works, and nothing is read that nobody asks for. */
async function* backwards(log: EventStore, stream: string): AsyncGenerator<RecordedEvent> {
  let from: bigint | 'end' = 'end';
  for (;;) {
    const page: RecordedEvent[] = [];
    for await (const record of log.read(stream, { direction: 'backwards', from, limit: pageRecords })) page.push(record);
    yield* page;
    const oldest = page.at(-1);
    if (page.length < pageRecords || oldest === undefined || oldest.revision === 0n) return;
    from = oldest.revision - 1n;
  }
}

const parse = <T>({ data }: RecordedEvent): T =>
  JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8')) as T;
