import { open, type FileHandle } from 'node:fs/promises';

/** The file the log is appended to. An interface so that tests can let a disk fill up. */
export interface LogFile {
  /** Writes all of `buffers` at `offset`, or throws; what was written before an error is undefined. */
  write(buffers: readonly Buffer[], offset: number): Promise<void>;
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** One append on its way to disk: its records, if any, and what to do once everything up to them is synced. */
export interface QueuedWrite {
  readonly buffers: readonly Buffer[];
  readonly bytes: number;
  durable(): void;
  failed(error: Error): void;
}

export interface LogWriterOptions {
  /** Bytes written and synced at once, at most (unless a single append is larger). */
  batchBytesMax: number;
  /** A batch is synced: `bytes` more are durable. Called before the answers of the appends in it. */
  onDurable(bytes: number): void;
  /** Writing failed: nothing that was queued is durable. Called before the appends are told. */
  onFailed(error: Error): void;
  /** Called between batches; may exchange the file (see `file`). Must not reject. */
  betweenBatches(): Promise<void> | undefined;
}

/**
 * Group commit: while one batch is written and synced, appends queue; then all of them go out with one write and one
 * fdatasync. An append is answered only after the sync of its batch.
 *
 * After a failed write or sync nobody knows what is on disk behind the last good sync. Everything queued fails, and before
 * the next write the file is cut back to the last synced byte, so a half-written batch can never be taken for a good one.
 */
export class LogWriter {
  private queue: QueuedWrite[] = [];
  private running: Promise<void> | undefined;
  private tailUncertain = false;
  /** Bytes waiting or being written. */
  queuedBytes = 0;

  constructor(
    /** Exchanged by betweenBatches when a segment is full. */
    public file: LogFile,
    /** Synced bytes in `file`. */
    public durableBytes: number,
    private readonly options: LogWriterOptions,
  ) {}

  enqueue(write: QueuedWrite): void {
    this.queue.push(write);
    this.queuedBytes += write.bytes;
    this.running ??= this.run();
  }

  /** Resolves when all that was queued is synced or has failed. */
  async drained(): Promise<void> {
    while (this.running) await this.running;
  }

  private async run(): Promise<void> {
    // Appends that arrive in the same turn of the event loop share the first sync.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.queue.length > 0) {
      const batch = this.takeBatch();
      let bytes = 0;
      for (const write of batch) bytes += write.bytes;
      try {
        if (bytes > 0) await this.commit(batch);
      } catch (error) {
        this.fail(batch, error as Error);
        continue;
      }
      this.queuedBytes -= bytes;
      this.durableBytes += bytes;
      this.options.onDurable(bytes);
      for (const write of batch) write.durable();
      await this.options.betweenBatches();
    }
    this.running = undefined;
  }

  private async commit(batch: readonly QueuedWrite[]): Promise<void> {
    if (this.tailUncertain) {
      await this.file.truncate(this.durableBytes);
      this.tailUncertain = false;
    }
    await this.file.write(
      batch.flatMap((write) => write.buffers),
      this.durableBytes,
    );
    await this.file.sync();
  }

  private takeBatch(): QueuedWrite[] {
    let count = 0;
    let bytes = 0;
    while (count < this.queue.length) {
      bytes += this.queue[count]!.bytes;
      if (count > 0 && bytes > this.options.batchBytesMax) break;
      count++;
    }
    if (count === this.queue.length) {
      const all = this.queue;
      this.queue = [];
      return all;
    }
    return this.queue.splice(0, count);
  }

  /** Later appends took positions after the failed ones, so they fail with them. */
  private fail(batch: QueuedWrite[], error: Error): void {
    this.tailUncertain = true;
    const failed = [...batch, ...this.queue];
    this.queue = [];
    this.queuedBytes = 0;
    this.options.onFailed(error);
    for (const write of failed) write.failed(error);
  }
}

export async function openLogFile(path: string): Promise<LogFile> {
  const handle = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return open(path, 'wx+');
  });
  return new DiskLogFile(handle);
}

class DiskLogFile implements LogFile {
  constructor(private readonly handle: FileHandle) {}

  async write(buffers: readonly Buffer[], offset: number): Promise<void> {
    let rest = buffers;
    while (rest.length > 0) {
      const part = rest.length > vectorsMax ? rest.slice(0, vectorsMax) : rest;
      let bytes = 0;
      for (const buffer of part) bytes += buffer.length;
      const { bytesWritten } = await this.handle.writev(part, offset);
      offset += bytesWritten;
      // A disk that is nearly full takes a part; the rest is tried again and then gets the error.
      rest = bytesWritten === bytes ? rest.slice(part.length) : remainder(rest, bytesWritten);
    }
  }
  sync(): Promise<void> {
    return this.handle.datasync();
  }
  truncate(bytes: number): Promise<void> {
    return this.handle.truncate(bytes);
  }
  close(): Promise<void> {
    return this.handle.close();
  }
}

/** The operating system takes at most this many buffers a call (IOV_MAX). */
const vectorsMax = 1_024;

function remainder(buffers: readonly Buffer[], written: number): Buffer[] {
  let i = 0;
  while (i < buffers.length && written >= buffers[i]!.length) written -= buffers[i++]!.length;
  const rest = buffers.slice(i);
  if (written > 0) rest[0] = rest[0]!.subarray(written);
  return rest;
}
