import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, syncFolder } from './durable-file';
import { openLogFile, LogWriter, type LogFile } from './log-writer';
import { encodeRecord, idOf, tombstoneType, type RecordContent } from './record';
import type { RecentIds } from './recent-ids';
import { cleanStopFile, recoverSegments, type Recovered } from './recovery';
import { metadataType, metastreamPrefix, parseRetention, type Retention } from './retention';
import { segmentPath, SegmentReaders, type Segment } from './segment';
import { SegmentIndex } from './segment-index';
import { SegmentIndexes } from './segment-indexes';
import { Signal } from './signal';
import type { StreamDirectory, StreamState } from './stream-state';
import { TailRing, type Reservation } from './tail-ring';

export interface EventLogOptions {
  folder: string;
  /** A segment is sealed when it has reached this size. Default 256 MiB. */
  segmentBytesMax?: number;
  /** Ids remembered for idempotent appends. Default 1,000,000. */
  recentIdsMax?: number;
  /** Bytes of the newest records kept in memory. Default 32 MiB. */
  tailCacheBytesMax?: number;
  /** Memory for the indexes of sealed segments in use. Default 64 MiB. */
  indexCacheBytesMax?: number;
  /** Says something worth telling an operator, in one line. */
  log(line: string): void;
  /** For tests. */
  openFile?: (path: string) => Promise<LogFile>;
}

const batchBytesMax = 16 << 20;
const openSegmentsMax = 64;

/** The log could not be written, or is being closed; reads go on, and writing may work again later. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
}

/** A record on its way from `append` to the index. */
interface Unsynced {
  reservation: Reservation;
  position: number;
  type: string;
  createdMs: number;
  stream: StreamState;
  /** What the record changes about another or its own stream once it is durable. */
  effect: Effect | undefined;
}
type Effect =
  { kind: 'tombstone'; stream: StreamState } | { kind: 'retention'; stream: StreamState; change: { retention: Retention | undefined } };

/**
 * All records in the order of their appends, in segment files. Appends get their positions at once and are durable after
 * a group commit; readers see a record only then. Log positions are byte positions over all segments.
 */
export class EventLog {
  readonly segments: Segment[];
  readonly streams: StreamDirectory;
  readonly ids: RecentIds;
  /** Fires when anything was appended. */
  readonly changed = new Signal();
  readonly tail: TailRing;
  readonly readers: SegmentReaders;
  readonly indexes: SegmentIndexes;

  private unsynced: Unsynced[] = [];
  private nextPosition: number;
  private lastCreatedMs = 0;
  private fault: LogUnavailable | undefined;
  private closing = false;
  private rollAtBytes: number;

  private constructor(
    private readonly options: Required<EventLogOptions>,
    { segments, streams, ids, notes }: Recovered,
    private readonly writer: LogWriter,
  ) {
    this.segments = segments;
    this.streams = streams;
    this.ids = ids;
    this.tail = new TailRing(options.tailCacheBytesMax);
    this.readers = new SegmentReaders(openSegmentsMax);
    this.indexes = new SegmentIndexes(streams, options.indexCacheBytesMax, options.log, notes);
    this.nextPosition = this.endPosition;
    this.rollAtBytes = options.segmentBytesMax;
    for (const segment of segments) this.lastCreatedMs = Math.max(this.lastCreatedMs, newestCreatedMs(segment));
  }

  /** Opens or creates the log in `folder`. Throws CorruptLog when something acknowledged is not there as it was written. */
  static async open(options: EventLogOptions): Promise<EventLog> {
    const settings: Required<EventLogOptions> = {
      folder: options.folder,
      segmentBytesMax: options.segmentBytesMax ?? 256 << 20,
      recentIdsMax: options.recentIdsMax ?? 1_000_000,
      tailCacheBytesMax: options.tailCacheBytesMax ?? 32 << 20,
      indexCacheBytesMax: options.indexCacheBytesMax ?? 64 << 20,
      log: options.log,
      openFile: options.openFile ?? openLogFile,
    };
    const recovered = await recoverSegments(settings.folder, settings.recentIdsMax, settings.log);
    const active = recovered.segments[recovered.segments.length - 1]!;
    const file = await settings.openFile(active.path);
    await syncFolder(settings.folder);
    const writer = new LogWriter(file, active.bytes, {
      batchBytesMax,
      onDurable: (bytes) => log.makeVisible(bytes),
      onFailed: (error) => log.forgetUnsynced(error),
      betweenBatches: () => log.rollWhenFull(),
    });
    const log: EventLog = new EventLog(settings, recovered, writer);
    return log;
  }

  /** Position behind the newest durable record. */
  get endPosition(): number {
    const active = this.active;
    return active.base + active.bytes;
  }
  /** Bytes accepted but not yet on disk. */
  get queuedBytes(): number {
    return this.writer.queuedBytes;
  }
  private get active(): Segment {
    return this.segments[this.segments.length - 1]!;
  }

  /** Never goes back, so that the records of a stream are ordered by it. */
  now(): number {
    return (this.lastCreatedMs = Math.max(this.lastCreatedMs, Date.now()));
  }

  /**
   * Appends records as one unit. Their revisions must continue their streams. Returns their positions; `done` is called
   * when they, and everything before them, are on disk, or with an error when they are not and will not be.
   */
  append(records: readonly RecordContent[], done: (error?: Error) => void): number[] {
    if (this.closing) {
      done(new LogUnavailable('the server is stopping'));
      return [];
    }
    const syncedTo = this.endPosition;
    const reserve = (size: number): Reservation => this.tail.reserve(size);
    const buffers: Buffer[] = [];
    const positions: number[] = [];
    let bytes = 0;
    records.forEach((content, i) => {
      const position = this.nextPosition;
      const reservation = encodeRecord(content, position, syncedTo, i === records.length - 1, reserve);
      const { buffer } = reservation;
      this.nextPosition += buffer.length;
      bytes += buffer.length;
      buffers.push(buffer);
      positions.push(position);
      const stream = this.streams.findOrAdd(content.stream);
      // The id in the record's own buffer: the request's is large and can go now.
      (stream.pending ??= []).push({ id: idOf(buffer, 0), revision: content.revision, position });
      const effect = this.effectOf(content.stream, content.type, content.data);
      if (effect?.kind === 'retention') effect.stream.pendingRetention = effect.change;
      else if (effect) effect.stream.pendingTombstone = true;
      this.unsynced.push({ reservation, position, type: content.type, createdMs: content.createdMs, stream, effect });
    });
    this.writer.enqueue({ buffers, bytes, durable: done, failed: done });
    return positions;
  }

  /** Calls `done` when everything appended so far is on disk, or with an error when that failed. */
  whenSynced(done: (error?: Error) => void): void {
    if (this.unsynced.length === 0) done();
    else this.writer.enqueue({ buffers: [], bytes: 0, durable: done, failed: done });
  }

  /** Refuses further appends; resolves when those accepted are on disk. */
  async finishWriting(): Promise<void> {
    this.closing = true;
    await this.writer.drained();
    await this.indexes.saved();
  }

  /** Closes the files and notes that the stop was clean. Nothing may be reading any more. */
  async close(): Promise<void> {
    await this.finishWriting();
    await this.writer.file.close();
    await this.readers.close();
    const note = Buffer.from(JSON.stringify({ end: this.endPosition }));
    try {
      await replaceFile(join(this.options.folder, cleanStopFile), [note]);
    } catch (error) {
      this.options.log(`the clean stop could not be noted: ${(error as Error).message}`);
    }
  }

  private effectOf(stream: string, type: string, data: Uint8Array): Effect | undefined {
    if (type === tombstoneType) return { kind: 'tombstone', stream: this.streams.findOrAdd(stream) };
    if (type !== metadataType || !stream.startsWith(metastreamPrefix)) return undefined;
    const target = this.streams.findOrAdd(stream.slice(metastreamPrefix.length));
    return { kind: 'retention', stream: target, change: { retention: parseRetention(Buffer.from(data).toString()) } };
  }

  /** A batch of `bytes` is synced: its records enter the index, then readers are woken. */
  private makeVisible(bytes: number): void {
    const segment = this.active;
    const until = segment.base + segment.bytes + bytes;
    if (this.fault) {
      this.fault = undefined;
      this.options.log('the log can be written again');
    }
    const woken = new Set<Signal>();
    let count = 0;
    for (const record of this.unsynced) {
      if (record.position >= until) break;
      count++;
      this.index(segment, record);
      if (record.stream.changed) woken.add(record.stream.changed);
      if (record.effect?.stream.changed) woken.add(record.effect.stream.changed);
    }
    this.unsynced = count === this.unsynced.length ? [] : this.unsynced.slice(count);
    segment.bytes += bytes;
    for (const signal of woken) signal.fire();
    if (count > 0) this.changed.fire();
  }

  private index(segment: Segment, { reservation, position, type, createdMs, stream, effect }: Unsynced): void {
    stream.addPlace(segment.number, stream.count);
    segment.index!.add({
      offset: position - segment.base,
      bytes: reservation.buffer.length,
      stream: stream.number,
      type,
      createdMs,
    });
    const id = idOf(reservation.buffer, 0);
    this.indexes.notes.addId(id);
    this.ids.add(id, 0, stream.number, stream.count);
    stream.count++;
    stream.pending!.shift();
    if (stream.pending!.length === 0) stream.pending = undefined;
    this.tail.publish(position, reservation);
    if (effect?.kind === 'tombstone') {
      effect.stream.tombstoned = true;
      this.indexes.notes.effects.tombstones.add(effect.stream.name);
    } else if (effect) {
      effect.stream.retention = effect.change.retention;
      if (effect.stream.pendingRetention === effect.change) effect.stream.pendingRetention = undefined;
      this.indexes.notes.effects.retentions.set(effect.stream.name, effect.change.retention);
    }
  }

  private forgetUnsynced(error: Error): void {
    for (const { stream, effect } of this.unsynced) {
      stream.forgetPending();
      effect?.stream.forgetPending();
    }
    this.unsynced = [];
    this.tail.abandon();
    this.nextPosition = this.endPosition;
    if (this.fault) return;
    this.fault = new LogUnavailable(error.message);
    this.options.log(`the log cannot be written: ${error.message}; appends are refused until it can, reads go on`);
  }

  /** A disk that has no room for a new file may still have some for records: the full segment then goes on for a while. */
  private rollWhenFull(): Promise<void> | undefined {
    if (this.active.bytes < this.rollAtBytes) return undefined;
    return this.roll().then(
      () => void (this.rollAtBytes = this.options.segmentBytesMax),
      (error: Error) => {
        this.rollAtBytes = this.active.bytes + this.options.segmentBytesMax / 8;
        this.options.log(`the next segment cannot be begun: ${error.message}; the full one is written on`);
      },
    );
  }

  /** Seals the full segment and begins the next. Its index is saved meanwhile; until then it stays in memory. */
  private async roll(): Promise<void> {
    const sealed = this.active;
    const base = sealed.base + sealed.bytes;
    const path = segmentPath(this.options.folder, base);
    const file = await this.options.openFile(path);
    try {
      await syncFolder(this.options.folder);
    } catch (error) {
      // The full segment goes on being written; a file that claims to follow it must not stay.
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
    const full = this.writer.file;
    this.segments.push({ number: this.segments.length, base, path, bytes: 0, index: new SegmentIndex() });
    this.writer.file = file;
    this.writer.durableBytes = 0;
    this.indexes.seal(sealed);
    await full.close();
  }
}

function newestCreatedMs(segment: Segment): number {
  const { index } = segment;
  return index && index.count > 0 ? index.createdMs(index.count - 1) : 0;
}
