import { int32At } from '../../src/domain/int32';
import { BsonWriter } from './bson';
import type { BucketDocuments, Merged, Range } from './bucket-documents';
import { documentId, valuesPerBucket, valuesPerDocument, type CellDelta } from './document';
import {
  beginDocument,
  contentAt,
  copyOther,
  DocumentParts,
  endDocument,
  nothing,
  revOf,
  writeChanged,
  writeNew,
  writeOther,
} from './document-bytes';
import type { MeasuresDelta } from './measures';
import type { BucketDelta } from './projection';

/** What a delta changes in one chunk. */
interface Change {
  readonly id: string;
  /** By place in the chunk. */
  readonly cells: (CellDelta | undefined)[];
  /** Values the chunk holds already; the names of those that follow. */
  readonly held: number;
  readonly added: string[];
}

const out = new BsonWriter();
const parts = new DocumentParts();

/** Chunks of values in the order of their first appearance. */
export function mergeValues(delta: BucketDelta, stored: BucketDocuments, range: Range): Merged {
  const { changes, others, values } = placed(delta, stored, valuesPerBucket, valuesPerDocument);
  const chunks = stored.chunks.slice();
  const written: Uint8Array[] = [];
  for (let chunk = 0; chunk < changes.length; chunk++) {
    const change = changes[chunk];
    if (change === undefined) continue;
    const before = stored.chunks[chunk] ?? nothing;
    if (before !== nothing && revOf(before) >= range.r1) {
      if (change.added.length === 0) continue;
      throw new Error(`${change.id} is folded to ${revOf(before)} but lacks a value of that range`);
    }
    written.push((chunks[chunk] = chunkWith(change, before, chunk === 0 ? allOf(others) : undefined, range.r1)));
  }
  return { written, documents: { ...stored, chunks, values } };
}

interface Placed {
  /** By chunk; the first has one where there are `others`. */
  readonly changes: readonly (Change | undefined)[];
  /** Of values that found no place. */
  readonly others: readonly CellDelta[];
  /** How many have a place now. */
  readonly values: number;
}

/** Gives each value of a delta the place it has, or the next one while there are fewer than `valuesMax`. */
export function placed(
  delta: BucketDelta,
  { placement, values: held }: Pick<BucketDocuments, 'placement' | 'values'>,
  valuesMax: number,
  perChunk: number,
): Placed {
  const changes: (Change | undefined)[] = [];
  const others: CellDelta[] = [];
  let values = held;
  const changeOf = (chunk: number): Change =>
    (changes[chunk] ??= {
      id: documentId(delta.prefix, chunk),
      cells: [],
      held: Math.max(0, Math.min(perChunk, held - chunk * perChunk)),
      added: [],
    });
  for (const [value, cell] of delta.cells() as readonly (readonly [string, CellDelta])[]) {
    let place = placement.find(value, values);
    const isNew = place === -1;
    if (isNew && values >= valuesMax) {
      others.push(cell);
      continue;
    }
    if (isNew) placement.put(value, (place = values++));
    const change = changeOf(Math.floor(place / perChunk));
    change.cells[place % perChunk] = cell;
    if (isNew) change.added.push(value);
  }
  if (others.length > 0) changeOf(0);
  return { changes, others, values };
}

/** The bytes of a chunk with a change made. @param before its bytes until then; `nothing` where it is new */
export function chunkWith(
  { id, cells, held, added }: Change,
  before: Uint8Array,
  others: CellDelta | undefined,
  rev: number,
  ofMinute?: string,
): Uint8Array {
  const values = beginDocument(out, id, rev, ofMinute);
  if (before !== nothing) copyWith(before, cells, Math.min(held, cells.length));
  for (let i = 0; i < added.length; i++) {
    out.element(held + i);
    writeNew(out, added[i]!, cells[held + i]!);
  }
  out.end(values);
  const other = before === nothing ? 0 : parts.open(before).other;
  if (others !== undefined) writeOther(out, before, other, others);
  else if (other !== 0) copyOther(out, before, other);
  return endDocument(out);
}

/** The values of a document, changed those that have a cell, which are among the first `count`. What lies between is copied at once. */
function copyWith(before: Uint8Array, cells: readonly (CellDelta | undefined)[], count: number): void {
  const { first, last } = parts.open(before);
  let copied = first;
  for (let at = first, place = 0; place < count; place++) {
    const content = contentAt(at, place);
    at = content + int32At(before, content);
    const cell = cells[place];
    if (cell === undefined) continue;
    out.range(before, copied, content);
    writeChanged(out, before, content, cell);
    copied = at;
  }
  out.range(before, copied, last);
}

/** Cells of several values that are kept together. */
export function allOf(cells: readonly CellDelta[]): CellDelta | undefined {
  if (cells.length === 0) return undefined;
  const h = joined(cells.flatMap((cell) => cell.h ?? []));
  const b = joined(cells.flatMap((cell) => cell.b ?? []));
  return { ...(h && { h }), ...(b && { b }) };
}

const joined = ([first, ...rest]: readonly MeasuresDelta[]): MeasuresDelta | undefined => first?.joined(rest);
