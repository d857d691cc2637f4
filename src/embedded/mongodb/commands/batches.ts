import { BsonType } from '../bson/raw';
import { DocumentWriter } from '../bson/writer';
import type { Cursor, Cursors } from '../cursors';
import { CommandError } from '../errors';
import { limits } from '../limits';
import type { DocumentSink, DocumentSource, Progress } from '../query/source';
import type { Reply } from './command';

/** Documents of one batch, copied as they are into what becomes the array of the reply. */
class Batch implements DocumentSink {
  readonly elements = new DocumentWriter(16 * 1024);
  count = 0;

  constructor(private readonly documentsMax: number) {}

  offer(bytes: Buffer, start: number, end: number): boolean {
    if (this.count >= this.documentsMax) return false;
    if (this.count > 0 && this.elements.length + end - start > limits.replyBytesMax - 64 * 1024) return false;
    const name = indexName(this.count++);
    this.elements.raw(name, 0, name.length);
    this.elements.raw(bytes, start, end);
    return true;
  }
}

const indexNames: Buffer[] = [];

/** Type byte and name of the n-th element of an array of documents. */
function indexName(n: number): Buffer {
  let name = indexNames[n];
  if (name === undefined) {
    name = Buffer.concat([Buffer.from([BsonType.object]), Buffer.from(`${n}\0`)]);
    if (n < 100_000) indexNames[n] = name;
  }
  return name;
}

export interface BatchOptions {
  readonly documentsMax: number;
  /** Milliseconds the client is willing to wait for this batch; undefined: no limit. */
  readonly timeLimitMs: number | undefined;
}

/** Fills a sink from a source, letting other requests run in between. Throws MaxTimeMSExpired. */
export async function drain(
  source: DocumentSource,
  sink: DocumentSink,
  timeLimitMs: number | undefined,
): Promise<Exclude<Progress, 'paused'>> {
  const startedAt = Date.now();
  for (;;) {
    const progress = source.fill(sink, Date.now() + limits.scanSliceMs);
    if (progress !== 'paused') return progress;
    if (timeLimitMs !== undefined && Date.now() - startedAt > timeLimitMs)
      throw new CommandError('MaxTimeMSExpired', 'operation exceeded time limit');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The first batch, and a cursor when there is more. */
export async function firstBatch(
  cursors: Cursors,
  ns: string,
  source: DocumentSource,
  options: BatchOptions & { single: boolean },
): Promise<Reply> {
  const batch = new Batch(options.documentsMax);
  const progress = options.documentsMax === 0 && !options.single ? 'full' : await drain(source, batch, options.timeLimitMs);
  const cursor = progress === 'full' && !options.single ? cursors.add(ns, source) : undefined;
  return batchReply('firstBatch', batch, cursor?.id ?? 0n, ns);
}

export async function nextBatch(cursors: Cursors, cursor: Cursor, options: BatchOptions): Promise<Reply> {
  const batch = new Batch(options.documentsMax);
  let progress: Progress = 'done';
  cursor.busy = true;
  try {
    progress = await drain(cursor.source, batch, options.timeLimitMs);
  } finally {
    cursor.busy = false;
    cursor.lastUsedAt = Date.now();
    if (progress === 'done') cursors.close(cursor.id);
  }
  return batchReply('nextBatch', batch, progress === 'done' ? 0n : cursor.id, cursor.ns);
}

function batchReply(field: 'firstBatch' | 'nextBatch', batch: Batch, cursorId: bigint, ns: string): Reply {
  return (writer: DocumentWriter) => {
    writer.begin('cursor');
    writer.begin(field, BsonType.array);
    writer.raw(batch.elements.view(), 0, batch.elements.length);
    writer.finish();
    writer.long('id', cursorId);
    writer.string('ns', ns);
    writer.finish();
    writer.double('ok', 1);
  };
}
