import { open, readFile } from 'node:fs/promises';
import { crc32 } from './crc32';
import { replaceFile } from './durable-file';
import type { RecentIds } from './recent-ids';
import { formatRetention, parseRetention, type Retention } from './retention';
import { SegmentIndex } from './segment-index';
import type { StreamDirectory } from './stream-state';

/**
 * The index of a sealed segment on disk, so that a start reads none of its payloads. Little endian:
 * u32 magic, u32 directoryBytes, u32 CRC of the directory, u32 arrayBytes, u32 CRC of the arrays, u32 0, the directory (JSON), then for
 * each record, array after array: f64 createdMs, u32 offset, u32 stream (as numbered in the directory), u32 type; and last
 * 16 bytes id. It can always be rebuilt from the segment, so anything odd about it means only that it is not used.
 */
const magic = 0x31494352;
const headerBytes = 24;
const arrayBytesPerRecord = 20;
const idBytes = 16;

/** What a segment changes about streams beside their records. */
export interface SegmentEffects {
  /** Stream → retention set by a metadata record in this segment; undefined: lifted. */
  readonly retentions: Map<string, Retention | undefined>;
  readonly tombstones: Set<string>;
}

interface Directory {
  base: number;
  bytes: number;
  records: number;
  types: string[];
  /** Name, first revision in the segment, records in the segment. */
  streams: [string, number, number][];
  retentions: [string, string | null][];
  tombstones: string[];
}

export async function saveIndexFile(
  path: string,
  base: number,
  index: SegmentIndex,
  effects: SegmentEffects,
  ids: Buffer,
  streams: StreamDirectory,
  firstRevisionOf: (stream: number) => number,
): Promise<void> {
  const local = new Map<number, number>();
  const listed: Directory['streams'] = [];
  for (const number of index.streamNumbers()) {
    local.set(number, listed.length);
    listed.push([streams.numbered(number).name, firstRevisionOf(number), index.countIn(number)]);
  }
  const directory = Buffer.from(
    JSON.stringify({
      base,
      bytes: index.bytes,
      records: index.count,
      types: index.types,
      streams: listed,
      retentions: [...effects.retentions].map(([name, retention]) => [name, retention ? formatRetention(retention) : null]),
      tombstones: [...effects.tombstones],
    } satisfies Directory),
  );
  const n = index.count;
  const arrays = Buffer.alloc(n * (arrayBytesPerRecord + idBytes));
  for (let i = 0; i < n; i++) {
    arrays.writeDoubleLE(index.createdMs(i), i * 8);
    arrays.writeUInt32LE(index.offset(i), n * 8 + i * 4);
    arrays.writeUInt32LE(local.get(index.stream(i))!, n * 12 + i * 4);
    arrays.writeUInt32LE(index.typeNumberAt(i), n * 16 + i * 4);
  }
  ids.copy(arrays, n * arrayBytesPerRecord, 0, n * idBytes);
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(magic, 0);
  header.writeUInt32LE(directory.length, 4);
  header.writeUInt32LE(crc32(directory), 8);
  header.writeUInt32LE(arrays.length, 12);
  header.writeUInt32LE(crc32(arrays), 16);
  await replaceFile(path, [header, directory, arrays]);
}

export interface LoadedDirectory {
  records: number;
  streams: Directory['streams'];
  effects: SegmentEffects;
}

/** The directory alone: what a start needs. Undefined when the file is missing, damaged or of another segment. */
export async function loadDirectory(path: string, base: number, bytes: number): Promise<LoadedDirectory | undefined> {
  const directory = await readDirectory(path);
  if (!directory || directory.base !== base || directory.bytes !== bytes) return undefined;
  return {
    records: directory.records,
    streams: directory.streams,
    effects: {
      retentions: new Map(directory.retentions.map(([name, json]) => [name, json === null ? undefined : parseRetention(json)])),
      tombstones: new Set(directory.tombstones),
    },
  };
}

async function readDirectory(path: string): Promise<Directory | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const header = Buffer.alloc(headerBytes);
    if ((await file.read(header, 0, headerBytes, 0)).bytesRead < headerBytes || header.readUInt32LE(0) !== magic) return undefined;
    const directory = Buffer.alloc(header.readUInt32LE(4));
    const { bytesRead } = await file.read(directory, 0, directory.length, headerBytes);
    if (bytesRead < directory.length || crc32(directory) !== header.readUInt32LE(8)) return undefined;
    const { size } = await file.stat();
    if (size !== headerBytes + directory.length + header.readUInt32LE(12)) return undefined;
    return JSON.parse(directory.toString()) as Directory;
  } finally {
    await file.close();
  }
}

/** The whole index, with stream numbers of this process. Undefined when the file is missing or damaged. */
export async function loadIndexFile(path: string, streams: StreamDirectory): Promise<SegmentIndex | undefined> {
  const parts = await readParts(path);
  if (!parts) return undefined;
  const { directory, arrays } = parts;
  const n = directory.records;
  const numbers = directory.streams.map(([name]) => streams.findOrAdd(name).number);
  const index = new SegmentIndex(n);
  for (let i = 0; i < n; i++) {
    const offset = arrays.readUInt32LE(n * 8 + i * 4);
    index.add({
      offset,
      bytes: (i + 1 < n ? arrays.readUInt32LE(n * 8 + (i + 1) * 4) : directory.bytes) - offset,
      stream: numbers[arrays.readUInt32LE(n * 12 + i * 4)]!,
      type: directory.types[arrays.readUInt32LE(n * 16 + i * 4)]!,
      createdMs: arrays.readDoubleLE(i * 8),
    });
  }
  return index;
}

/** Adds the ids of a segment's newest `count` records, oldest first. */
export async function loadIds(path: string, streams: StreamDirectory, count: number, into: RecentIds): Promise<void> {
  const parts = await readParts(path);
  if (!parts) return;
  const { directory, arrays } = parts;
  const n = directory.records;
  const numbers = directory.streams.map(([name]) => streams.findOrAdd(name).number);
  const nextRevision = directory.streams.map(([, firstRevision]) => firstRevision);
  for (let i = 0; i < n; i++) {
    const local = arrays.readUInt32LE(n * 12 + i * 4);
    const revision = nextRevision[local]!++;
    if (i >= n - count) into.add(arrays, n * arrayBytesPerRecord + i * idBytes, numbers[local]!, revision);
  }
}

async function readParts(path: string): Promise<{ directory: Directory; arrays: Buffer } | undefined> {
  const content = await readFile(path).catch(() => undefined);
  if (!content || content.length < headerBytes || content.readUInt32LE(0) !== magic) return undefined;
  const arraysAt = headerBytes + content.readUInt32LE(4);
  const directory = content.subarray(headerBytes, arraysAt);
  const arrays = content.subarray(arraysAt);
  if (crc32(directory) !== content.readUInt32LE(8)) return undefined;
  if (arrays.length !== content.readUInt32LE(12) || crc32(arrays) !== content.readUInt32LE(16)) return undefined;
  return { directory: JSON.parse(directory.toString()) as Directory, arrays };
}
