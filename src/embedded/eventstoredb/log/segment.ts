import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { SegmentIndex } from './segment-index';

/** One file of the log. Its name is the log position of its first byte; its records follow one another without gaps. */
export interface Segment {
  /** Place among the segments, from 0. */
  readonly number: number;
  /** Log position of the first byte. */
  readonly base: number;
  readonly path: string;
  /** Bytes that are on disk; grows while the segment is the last one. */
  bytes: number;
  /** Held while the segment is written, or until its index is saved; loaded on demand afterwards. */
  index: SegmentIndex | undefined;
}

const segmentName = (base: number): string => `${String(base).padStart(16, '0')}.log`;
export const segmentNamePattern = /^(\d{16})\.log$/;
export const segmentPath = (folder: string, base: number): string => join(folder, segmentName(base));
export const indexPath = (segment: Pick<Segment, 'path'>): string => segment.path.replace(/\.log$/, '.idx');

/** Read handles on segment files, at most `openMax` of them; the one unused for longest is closed for a new one. */
export class SegmentReaders {
  private readonly handles = new Map<string, Promise<FileHandle>>();

  constructor(private readonly openMax: number) {}

  /** Reads exactly `buffer.length` bytes at `offset`. Throws when the file is shorter. */
  async read(segment: Segment, buffer: Buffer, offset: number): Promise<void> {
    let done = 0;
    while (done < buffer.length) {
      const handle = await this.handle(segment.path);
      const { bytesRead } = await handle.read(buffer, done, buffer.length - done, offset + done);
      if (bytesRead === 0) throw new Error(`${segment.path} ends at ${offset + done}, before the record it should hold`);
      done += bytesRead;
    }
  }

  async close(): Promise<void> {
    const handles = [...this.handles.values()];
    this.handles.clear();
    await Promise.all(handles.map(async (handle) => (await handle).close()));
  }

  private handle(path: string): Promise<FileHandle> {
    let handle = this.handles.get(path);
    if (handle) this.handles.delete(path);
    else {
      handle = open(path, 'r');
      handle.catch(() => this.handles.delete(path));
      if (this.handles.size >= this.openMax) this.closeOldest();
    }
    this.handles.set(path, handle);
    return handle;
  }

  private closeOldest(): void {
    const [path, handle] = this.handles.entries().next().value!;
    this.handles.delete(path);
    // close() waits for reads in flight on the same handle; a handle that failed to open has nothing to close.
    handle.then((opened) => opened.close()).catch(() => undefined);
  }
}
