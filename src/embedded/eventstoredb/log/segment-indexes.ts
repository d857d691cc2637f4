import { loadIndexFile, saveIndexFile, type SegmentEffects } from './index-file';
import { scanSegment } from './scan';
import { indexPath, type Segment } from './segment';
import { SegmentIndex } from './segment-index';
import type { StreamDirectory } from './stream-state';

/** What is noted about the segment being written, beside its index, for its index file. */
export class SegmentNotes {
  readonly effects: SegmentEffects = { retentions: new Map(), tombstones: new Set() };
  private idBytes = Buffer.alloc(16 * 256);
  private count = 0;

  /** `id` is 16 bytes. */
  addId(id: Buffer): void {
    const at = this.count * 16;
    if (at === this.idBytes.length) this.idBytes = Buffer.concat([this.idBytes], at * 2);
    this.idBytes.set(id, at);
    this.count++;
  }
  get ids(): Buffer {
    return this.idBytes.subarray(0, this.count * 16);
  }
}

/**
 * The indexes of sealed segments: saved when a segment is sealed, loaded when a reader needs one, and kept in memory up to
 * a bound, the one unused for longest going first.
 */
export class SegmentIndexes {
  private readonly loaded = new Map<number, SegmentIndex>();
  private readonly loading = new Map<number, Promise<SegmentIndex>>();
  private loadedBytes = 0;
  private saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly streams: StreamDirectory,
    private readonly bytesMax: number,
    private readonly log: (line: string) => void,
    /** About the segment being written. */
    public notes: SegmentNotes,
  ) {}

  /** At once for the segment being written and for those in memory. */
  of(segment: Segment): SegmentIndex | Promise<SegmentIndex> {
    if (segment.index) return segment.index;
    const loaded = this.loaded.get(segment.number);
    if (loaded) {
      this.loaded.delete(segment.number);
      this.loaded.set(segment.number, loaded);
      return loaded;
    }
    let loading = this.loading.get(segment.number);
    if (!loading) {
      loading = this.load(segment).finally(() => this.loading.delete(segment.number));
      this.loading.set(segment.number, loading);
    }
    return loading;
  }

  /** Saves the index of a segment that is now full, in the background; it stays in memory until it is on disk. */
  seal(segment: Segment): void {
    const { notes } = this;
    this.notes = new SegmentNotes();
    this.saving = this.saving
      .then(() => save(segment, notes, this.streams))
      .then(() => {
        this.keep(segment.number, segment.index!);
        segment.index = undefined;
      })
      .catch((error: Error) =>
        this.log(`the index of ${segment.path} could not be saved (${error.message}); it will be rebuilt at the next start`),
      );
  }

  /** Resolves when no index is being saved. */
  saved(): Promise<void> {
    return this.saving;
  }

  private async load(segment: Segment): Promise<SegmentIndex> {
    let index = await loadIndexFile(indexPath(segment), this.streams);
    if (!index || index.bytes !== segment.bytes) {
      this.log(`the index of ${segment.path} is missing or damaged and is rebuilt`);
      index = await buildIndex(segment, this.streams);
    }
    this.keep(segment.number, index);
    return index;
  }

  private keep(number: number, index: SegmentIndex): void {
    this.loaded.set(number, index);
    this.loadedBytes += index.memoryBytes;
    for (const [oldest, dropped] of this.loaded) {
      if (this.loadedBytes <= this.bytesMax || oldest === number) return;
      this.loaded.delete(oldest);
      this.loadedBytes -= dropped.memoryBytes;
    }
  }
}

export async function save(segment: Segment, notes: SegmentNotes, streams: StreamDirectory): Promise<void> {
  const firstRevision = (stream: number): number => streams.numbered(stream).firstRevisionIn(segment.number);
  await saveIndexFile(indexPath(segment), segment.base, segment.index!, notes.effects, notes.ids, streams, firstRevision);
}

async function buildIndex(segment: Segment, streams: StreamDirectory): Promise<SegmentIndex> {
  const index = new SegmentIndex();
  const { soundBytes } = await scanSegment(segment.path, segment.base, (record) => {
    const { offset, bytes, type, header } = record;
    index.add({ offset, bytes, type, createdMs: header.createdMs, stream: streams.findOrAdd(record.stream).number });
  });
  if (soundBytes !== segment.bytes) throw new Error(`${segment.path} is damaged at position ${segment.base + soundBytes}`);
  return index;
}
