import type { EventLog } from './event-log';
import { headerBytes, idOf, readBody, readHeader } from './record';
import type { Segment } from './segment';
import type { SegmentIndex } from './segment-index';
import type { StreamState } from './stream-state';

/** Records of one segment in the order they are to be read. */
export interface Selection {
  readonly segment: Segment;
  readonly index: SegmentIndex;
  readonly ordinals: readonly number[];
}
export interface Fetched {
  /** Encoded ReadResp messages, as stored. */
  readonly bodies: Buffer[];
  /** True when at least one had left the cache of the newest records. */
  readonly fromDisk: boolean;
}

/** What is stored is not what was written there. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord';
}

/** Records closer than this are read in one go, with what is between them. */
const gapBytesMax = 32 << 10;
const spanBytesMax = 1 << 20;

interface Span {
  start: number;
  end: number;
  /** Places in the answer, with their ordinals. */
  wanted: { place: number; ordinal: number }[];
}

/** The bodies of the selected records, from the cache where it has them; at once when it has all. */
export function fetchBodies(log: EventLog, selection: Selection): Fetched | Promise<Fetched> {
  const { segment, index, ordinals } = selection;
  const bodies = new Array<Buffer>(ordinals.length);
  let missing: Span['wanted'] | undefined;
  for (let place = 0; place < ordinals.length; place++) {
    const ordinal = ordinals[place]!;
    const body = log.tail.copy(segment.base + index.offset(ordinal), headerBytes);
    if (body) bodies[place] = body;
    else (missing ??= []).push({ place, ordinal });
  }
  return missing ? readMissing(log, selection, missing, bodies) : { bodies, fromDisk: false };
}

async function readMissing(log: EventLog, { segment, index }: Selection, missing: Span['wanted'], bodies: Buffer[]): Promise<Fetched> {
  const reads = spans(index, missing).map(async (span) => {
    const buffer = Buffer.allocUnsafe(span.end - span.start);
    await log.readers.read(segment, buffer, span.start);
    for (const { place, ordinal } of span.wanted) {
      const offset = index.offset(ordinal);
      const header = readHeader(buffer, offset - span.start, segment.base + offset);
      const body = header && readBody(buffer, offset - span.start, header);
      if (!body) throw new DamagedRecord(`the record at position ${segment.base + offset} in ${segment.path} is damaged`);
      bodies[place] = body;
    }
  });
  await Promise.all(reads);
  return { bodies, fromDisk: true };
}

function spans(index: SegmentIndex, missing: Span['wanted']): Span[] {
  const ascending = missing.length > 1 && missing[0]!.ordinal > missing[1]!.ordinal ? [...missing].reverse() : missing;
  const found: Span[] = [];
  for (const wanted of ascending) {
    const start = index.offset(wanted.ordinal);
    const end = start + index.recordBytes(wanted.ordinal);
    const last = found[found.length - 1];
    if (last && start - last.end <= gapBytesMax && end - last.start <= spanBytesMax) {
      last.end = end;
      last.wanted.push(wanted);
    } else found.push({ start, end, wanted: [wanted] });
  }
  return found;
}

/** Where a durable record of a stream is. */
interface Place {
  readonly segment: Segment;
  readonly index: SegmentIndex;
  readonly ordinal: number;
}

async function placeOf(log: EventLog, stream: StreamState, revision: number): Promise<Place> {
  const { segment: number, firstRevision } = stream.placeOf(revision);
  const segment = log.segments[number]!;
  const index = await log.indexes.of(segment);
  return { segment, index, ordinal: index.ordinalIn(stream.number, revision - firstRevision) };
}

export async function positionOf(log: EventLog, stream: StreamState, revision: number): Promise<number> {
  const { segment, index, ordinal } = await placeOf(log, stream, revision);
  return segment.base + index.offset(ordinal);
}

/** The 16 bytes of a stored record's id. */
export async function storedId(log: EventLog, stream: StreamState, revision: number): Promise<Buffer> {
  const { segment, index, ordinal } = await placeOf(log, stream, revision);
  const header = Buffer.allocUnsafe(headerBytes);
  await log.readers.read(segment, header, index.offset(ordinal));
  if (!readHeader(header, 0, segment.base + index.offset(ordinal))) {
    throw new DamagedRecord(`the record at position ${segment.base + index.offset(ordinal)} in ${segment.path} is damaged`);
  }
  return idOf(header, 0);
}

/** The lowest revision of a stream that its retention still shows; `count` when it shows none. */
export function firstVisible(log: EventLog, stream: StreamState): number | Promise<number> {
  const { retention, count } = stream;
  if (!retention) return 0;
  if (retention.softDeleted) return count;
  const first = Math.min(count, Math.max(retention.truncateBefore ?? 0, count - (retention.maxCount ?? count)));
  return retention.maxAgeSeconds === undefined
    ? first
    : firstNotOlder(log, stream, first, count, Date.now() - retention.maxAgeSeconds * 1_000);
}

async function firstNotOlder(log: EventLog, stream: StreamState, first: number, count: number, oldestMs: number): Promise<number> {
  let low = first;
  let high = count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { index, ordinal } = await placeOf(log, stream, middle);
    if (index.createdMs(ordinal) < oldestMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
