import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDirectory, loadIds, type LoadedDirectory } from './index-file';
import { dataOf } from './body';
import { tombstoneType } from './record';
import { RecentIds } from './recent-ids';
import { metadataType, metastreamPrefix, parseRetention } from './retention';
import { scanSegment, type ScannedRecord } from './scan';
import { indexPath, segmentNamePattern, segmentPath, type Segment } from './segment';
import { SegmentIndex } from './segment-index';
import { save, SegmentNotes } from './segment-indexes';
import { StreamDirectory } from './stream-state';

/** Acknowledged records are missing or not as they were written. Nothing is repaired: the operator has to decide. */
export class CorruptLog extends Error {
  override readonly name = 'CorruptLog';
}

export interface Recovered {
  /** At least one; the last is the one to append to. */
  segments: Segment[];
  streams: StreamDirectory;
  ids: RecentIds;
  notes: SegmentNotes;
}

/** Written by a clean stop, removed by the next start: how long the log was. */
export const cleanStopFile = 'clean-stop.json';

/**
 * Brings the log in `folder` back to memory: sealed segments through their index files (rebuilt when missing), the last one
 * by reading it. A torn tail, which was never acknowledged, is cut off; anything else that does not fit is refused.
 */
export async function recoverSegments(folder: string, recentIdsMax: number, log: (line: string) => void): Promise<Recovered> {
  const segments = await listSegments(folder);
  const recovered: Recovered = { segments, streams: new StreamDirectory(), ids: new RecentIds(recentIdsMax), notes: new SegmentNotes() };
  const sealed = segments.slice(0, -1);
  const recordCounts: number[] = [];
  for (const segment of sealed) {
    const directory = await loadDirectory(indexPath(segment), segment.base, segment.bytes);
    if (directory) applyDirectory(segment, directory, recovered.streams);
    recordCounts.push(directory ? directory.records : await rebuildSealed(segment, recovered.streams, log));
  }
  await restoreIds(sealed, recordCounts, recovered, recentIdsMax);
  await recoverLast(folder, segments[segments.length - 1]!, recovered, log);
  return recovered;
}

async function listSegments(folder: string): Promise<Segment[]> {
  const names = await readdir(folder);
  for (const name of names) if (name.endsWith('.tmp')) await rm(join(folder, name), { force: true });
  const bases = names
    .map((name) => segmentNamePattern.exec(name)?.[1])
    .filter((base) => base !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  if (bases.length === 0) return [{ number: 0, base: 0, path: segmentPath(folder, 0), bytes: 0, index: undefined }];
  const segments: Segment[] = [];
  let end = 0;
  for (const base of bases) {
    const path = segmentPath(folder, base);
    if (base !== end)
      throw new CorruptLog(`the log has no file for positions ${end} to ${base}: a segment is missing or was cut short before ${path}`);
    const { size } = await stat(path);
    segments.push({ number: segments.length, base, path, bytes: size, index: undefined });
    end = base + size;
  }
  return segments;
}

function applyDirectory(segment: Segment, directory: LoadedDirectory, streams: StreamDirectory): void {
  for (const [name, firstRevision, records] of directory.streams) {
    const stream = streams.findOrAdd(name);
    if (stream.count !== firstRevision) throw revisionGap(segment, name, stream.count, firstRevision);
    stream.addPlace(segment.number, firstRevision);
    stream.count += records;
  }
  for (const [name, retention] of directory.effects.retentions) streams.findOrAdd(name).retention = retention;
  for (const name of directory.effects.tombstones) streams.findOrAdd(name).tombstoned = true;
}

/** Returns the number of records. */
async function rebuildSealed(segment: Segment, streams: StreamDirectory, log: (line: string) => void): Promise<number> {
  log(`the index of ${segment.path} is missing or damaged and is rebuilt`);
  const notes = new SegmentNotes();
  const index = (segment.index = new SegmentIndex());
  const { soundBytes } = await scanSegment(segment.path, segment.base, (record) => applyRecord(segment, record, streams, notes));
  if (soundBytes !== segment.bytes) throw new CorruptLog(`${segment.path} is damaged at position ${segment.base + soundBytes}`);
  try {
    await save(segment, notes, streams);
    segment.index = undefined;
  } catch (error) {
    log(`the index of ${segment.path} could not be saved (${(error as Error).message}) and stays in memory`);
  }
  return index.count;
}

async function restoreIds(sealed: Segment[], recordCounts: number[], recovered: Recovered, recentIdsMax: number): Promise<void> {
  let wanted = recentIdsMax;
  let first = sealed.length;
  while (first > 0 && wanted > 0) wanted -= recordCounts[--first]!;
  for (let i = first; i < sealed.length; i++) {
    const skipped = i === first && wanted < 0 ? -wanted : 0;
    await loadIds(indexPath(sealed[i]!), recovered.streams, recordCounts[i]! - skipped, recovered.ids);
  }
}

async function recoverLast(folder: string, segment: Segment, recovered: Recovered, log: (line: string) => void): Promise<void> {
  const { streams, ids, notes } = recovered;
  segment.index = new SegmentIndex();
  const cleanEnd = await readCleanStop(folder);
  if (segment.bytes > 0) {
    const { soundBytes, damage } = await scanSegment(segment.path, segment.base, (record) => {
      const stream = applyRecord(segment, record, streams, notes);
      ids.add(record.id, 0, stream, record.header.revision);
    });
    if (damage) throw new CorruptLog(`${segment.path}: ${damage}`);
    const end = segment.base + soundBytes;
    if (cleanEnd > end)
      throw new CorruptLog(`${segment.path} is sound up to position ${end} only, but the log ended at ${cleanEnd} when it was stopped`);
    if (soundBytes < segment.bytes) {
      log(`torn tail: ${segment.bytes - soundBytes} bytes behind position ${end} were never acknowledged and are cut off`);
      await cutTo(segment.path, soundBytes);
      segment.bytes = soundBytes;
    }
  } else if (cleanEnd > segment.base) {
    throw new CorruptLog(`the log in ${folder} ended at position ${cleanEnd} when it was stopped, but now ends at ${segment.base}`);
  }
  await rm(join(folder, cleanStopFile), { force: true });
}

/** Returns the number of the record's stream. */
function applyRecord(segment: Segment, record: ScannedRecord, streams: StreamDirectory, notes: SegmentNotes): number {
  const { offset, bytes, type, header } = record;
  const stream = streams.findOrAdd(record.stream);
  if (header.revision !== stream.count) throw revisionGap(segment, record.stream, stream.count, header.revision);
  stream.addPlace(segment.number, stream.count++);
  segment.index!.add({ offset, bytes, type, createdMs: header.createdMs, stream: stream.number });
  notes.addId(record.id);
  if (type === tombstoneType) {
    stream.tombstoned = true;
    notes.effects.tombstones.add(stream.name);
  } else if (type === metadataType && stream.name.startsWith(metastreamPrefix)) {
    const target = streams.findOrAdd(stream.name.slice(metastreamPrefix.length));
    target.retention = parseRetention(dataOf(record.body).toString());
    notes.effects.retentions.set(target.name, target.retention);
  }
  return stream.number;
}

function revisionGap(segment: Segment, stream: string, expected: number, found: number): CorruptLog {
  return new CorruptLog(`${segment.path}: stream '${stream}' goes on with revision ${found}, but ${expected} was to follow`);
}

/** 0 when the last stop was not clean. */
async function readCleanStop(folder: string): Promise<number> {
  try {
    return (JSON.parse(await readFile(join(folder, cleanStopFile), 'utf8')) as { end: number }).end;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function cutTo(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.truncate(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
