import { int32At } from '../../src/domain/int32';
import { BsonWriter } from './bson';
import type { BucketDocuments, Merged, Range } from './bucket-documents';
import { beyondId, documentId, minuteSetMax, type CellDelta } from './document';
import {
  beginChanged,
  beginDocument,
  beginNew,
  beginSide,
  contentAt,
  copySide,
  DocumentParts,
  endDocument,
  nothing,
  revOf,
  Sides,
  valueAt,
} from './document-bytes';
import type { BucketDelta } from './projection';

const minuteNames = Array.from({ length: 60 }, (_, minute) => String(minute).padStart(2, '0'));

const hour = new BsonWriter();
const beyond = new BsonWriter();
const parts = new DocumentParts();
const sides = new Sides();
const sidesBeyond = new Sides();
/** By minute, where the content of its value begins in what is stored; 0 where there is none. */
const places = new Uint32Array(60);

/** Minutes never leave their document, and who is among the first never changes: what is beyond follows from the log alone. */
export function mergeMinutes(delta: BucketDelta, stored: BucketDocuments, { r1 }: Range): Merged {
  const cells = new Map(delta.cells() as readonly (readonly [string, CellDelta])[]);
  const before = stored.chunks[0] ?? nothing;
  findPlaces(before);
  const written: Uint8Array[] = [];
  let allBeyond: Map<string, Uint8Array> | undefined;
  const values = beginDocument(hour, documentId(delta.prefix, 0), r1);
  // In order of time: what is equal is equal in bytes, whichever minute came first.
  for (let minute = 0, place = 0; minute < 60; minute++) {
    const name = minuteNames[minute]!;
    const at = places[minute]!;
    const cell = cells.get(name);
    if (at === 0 && cell === undefined) continue;
    hour.element(place++);
    if (cell === undefined) {
      hour.range(before, at, at + int32At(before, at));
      continue;
    }
    const storedBeyond = stored.beyond.get(name) ?? nothing;
    const begun = at === 0 ? beginNew(hour, name) : beginChanged(hour, before, at);
    const document = writeMinute(cell, before, at, { id: beyondId(delta.prefix, name), stored: storedBeyond, rev: r1 });
    hour.end(begun);
    if (document === undefined || (storedBeyond !== nothing && revOf(storedBeyond) >= r1)) continue;
    written.push(document);
    (allBeyond ??= new Map(stored.beyond)).set(name, document);
  }
  hour.end(values);
  const documents = allBeyond === undefined ? stored : { ...stored, beyond: allBeyond };
  if (before !== nothing && revOf(before) >= r1) return { written, documents };
  const document = endDocument(hour);
  return { written: [document, ...written], documents: { ...documents, chunks: [document] } };
}

function findPlaces(document: Uint8Array): void {
  places.fill(0);
  if (document === nothing) return;
  const { first, last } = parts.open(document);
  for (let at = first, place = 0; at < last; place++) {
    const content = contentAt(at, place);
    places[Number(valueAt(document, content))] = content;
    at = content + int32At(document, content);
  }
}

/**
 * Writes both sides of a minute to the hour's document.
 * @returns the document of those beyond its first visitors, undefined where nothing changes there
 */
function writeMinute(
  cell: CellDelta,
  before: Uint8Array,
  at: number,
  { id, stored, rev }: { id: string; stored: Uint8Array; rev: number },
): Uint8Array | undefined {
  sides.ofValue(before, at);
  sidesBeyond.ofValue(stored, stored === nothing ? 0 : contentAt(parts.open(stored).first, 0));
  const values = beginDocument(beyond, id, rev);
  beyond.element(0);
  const value = beginNew(beyond, '');
  // One after the other by name, as a closure for each would be made for every minute.
  const isBeyond = writeSide('h', cell, before, stored);
  const isAlsoBeyond = writeSide('b', cell, before, stored);
  if (!isBeyond && !isAlsoBeyond) return undefined;
  beyond.end(value);
  beyond.end(values);
  return endDocument(beyond);
}

/** @returns whether anybody came who is beyond the first */
function writeSide(side: 'h' | 'b', cell: CellDelta, before: Uint8Array, stored: Uint8Array): boolean {
  const delta = cell[side];
  const at = sides[side];
  const atBeyond = sidesBeyond[side];
  if (delta === undefined) {
    copySide(hour, side, before, at);
    copySide(beyond, side, stored, atBeyond);
    return false;
  }
  beginSide(hour, side);
  const mark = beyond.length;
  beginSide(beyond, side);
  if (delta.writeCapped(hour, { bytes: before, at }, beyond, { bytes: stored, at: atBeyond }, minuteSetMax)) return true;
  beyond.length = mark;
  copySide(beyond, side, stored, atBeyond);
  return false;
}
