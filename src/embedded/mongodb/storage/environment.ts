import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { CommandError } from '../errors';
import { limits } from '../limits';

/** Entries with lower <= key < upper, in key order or backwards. */
export interface KeyRange {
  readonly lower: Buffer;
  readonly upper: Buffer;
}

export interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * One LMDB file holds everything: documents, index entries and the catalog, told apart by a four-byte prefix. So one transaction
 * covers a document and its index entries, and creating a collection is only another record.
 */
export class Environment {
  private constructor(private readonly database: RootDatabase<Buffer, Buffer>) {}

  static open(folder: string): Environment {
    mkdirSync(folder, { recursive: true });
    return new Environment(
      open<Buffer, Buffer>({
        path: join(folder, 'data.mdb'),
        noSubdir: true,
        encoding: 'binary',
        keyEncoding: 'binary',
        mapSize: limits.mapBytesInitial,
        // A commit returns after its fsync; grouping commands into one commit is done above this.
        overlappingSync: false,
        // Fewer half-empty pages with documents of one to four kilobytes than with the system's 4 KiB.
        pageSize: 8192,
        maxDbs: 1,
      }),
    );
  }

  /** The value, valid only until the next call of any method here. */
  get(key: Uint8Array): Buffer | undefined {
    const found = this.database.getBinaryFast(key as Buffer);
    // lmdb answers with its large reused buffer, whose `length` alone tells the size: a view of exactly that makes it an honest one.
    return found?.subarray(0, found.length);
  }

  has(key: Uint8Array): boolean {
    return this.database.getBinaryFast(key as Buffer) !== undefined;
  }

  put(key: Uint8Array, value: Buffer): void {
    this.database.putSync(key as Buffer, value);
  }

  remove(key: Uint8Array): void {
    this.database.removeSync(key as Buffer);
  }

  /** Keys and values are copies and stay valid. Finish or abandon the iteration before the next turn of the event loop. */
  range(range: KeyRange, options: { reverse?: boolean; limit?: number } = {}): Iterable<Entry> {
    const { reverse = false, limit } = options;
    return this.database.getRange(
      reverse
        ? { start: range.upper, end: range.lower, reverse: true, exclusiveStart: true, inclusiveEnd: true, limit }
        : { start: range.lower, end: range.upper, limit },
    );
  }

  keys(range: KeyRange, limit: number): Buffer[] {
    return [...this.database.getKeys({ start: range.lower, end: range.upper, limit })];
  }

  count(range: KeyRange): number {
    return this.database.getCount({ start: range.lower, end: range.upper });
  }

  /** Runs the action in one transaction. On return it is on disk; when the action or the commit throws, nothing of it happened. */
  transact<T>(action: () => T): T {
    return this.database.transactionSync(action);
  }

  /** Bytes of the file in use, for statistics. */
  bytesUsed(): number {
    const stats = this.database.getStats() as { lastPageNumber?: number; pageSize?: number };
    return (stats.lastPageNumber ?? 0) * (stats.pageSize ?? 4096);
  }

  async close(): Promise<void> {
    await this.database.close();
  }
}

/**
 * What LMDB and the file system say when there is no more room, as MongoDB says it; other errors stay what they are. LMDB reports a
 * write cut short by a full disk as an I/O error; it happens before the root page is touched, so the file stays sound.
 */
export function asStorageError(error: unknown): unknown {
  if (error instanceof CommandError) return error;
  const { message = '' } = error as { message?: string };
  if (!/No space left|ENOSPC|File too large|Disk quota|Input\/output error/i.test(message)) return error;
  return new CommandError(
    'OutOfDiskSpace',
    `the data file could not be written (${message}): free disk space or check the disk, then retry`,
  );
}
