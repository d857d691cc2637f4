import { KeyWriter } from '../bson/key-codec';
import { exactNumber } from '../bson/number-key';
import { BsonType, ElementWalker, elementsOf, findElement, type RawDocument } from '../bson/raw';
import { CommandError } from '../errors';
import { pathOf } from '../storage/index-definition';
import type { SortField } from './planner';

const fieldsMax = 32;

/** Throws BadValue for directions other than 1 and -1. `$natural` orders by _id, forwards or backwards. */
export function sortOf(sort: RawDocument | undefined): SortField[] {
  if (sort === undefined) return [];
  const fields = elementsOf(sort).map((element): SortField => {
    const direction = exactNumber(element.bytes, element.type, element.start);
    if (direction !== 1 && direction !== -1) {
      throw new CommandError('BadValue', `$sort key ordering must be 1 (for ascending) or -1 (for descending), for field ${element.name}`);
    }
    const field = element.name === '$natural' ? '_id' : element.name;
    if (field.startsWith('$') || field === '') throw new CommandError('BadValue', `FieldPath field names may not start with '$': ${field}`);
    return { field, path: pathOf(field), descending: direction === -1 };
  });
  if (fields.length > fieldsMax) throw new CommandError('BadValue', `a sort takes at most ${fieldsMax} fields`);
  return fields;
}

const writer = new KeyWriter();
const candidate = new KeyWriter();

/** A byte string that sorts the document: of an array the smallest element counts when ascending, the largest when descending. */
export function sortKey(fields: readonly SortField[], bytes: Buffer, start: number): Buffer {
  writer.reset();
  for (const { path, descending } of fields) {
    const best = extreme(bytes, start, path, 0, descending, undefined);
    if (best === undefined) writer.missing(descending);
    else writer.append(best);
  }
  return writer.copy();
}

/** The encoding, complemented when descending, that comes first among the values the path leads to. */
function extreme(
  bytes: Buffer,
  start: number,
  path: readonly Buffer[],
  depth: number,
  descending: boolean,
  best: Buffer | undefined,
): Buffer | undefined {
  const found = findElement(bytes, start, path[depth]!);
  if (found === undefined) return first(best, candidate.reset().missing(descending).view());
  const last = depth === path.length - 1;
  if (found.type === BsonType.array) {
    const items = new ElementWalker(bytes, found.start);
    let any = false;
    while (items.next()) {
      any = true;
      if (last) best = first(best, candidate.reset().value(items.type, bytes, items.start, items.end, descending).view());
      else if (items.type === BsonType.object) best = extreme(bytes, items.start, path, depth + 1, descending, best);
      else best = first(best, candidate.reset().missing(descending).view());
    }
    // An empty array sorts before null.
    if (!any && last)
      best = first(
        best,
        candidate
          .reset()
          .byte(descending ? ~emptyArrayRank & 0xff : emptyArrayRank)
          .view(),
      );
    return best;
  }
  if (last) return first(best, candidate.reset().value(found.type, bytes, found.start, found.end, descending).view());
  if (found.type === BsonType.object) return extreme(bytes, found.start, path, depth + 1, descending, best);
  return first(best, candidate.reset().missing(descending).view());
}

const emptyArrayRank = 4;

function first(best: Buffer | undefined, next: Buffer): Buffer {
  return best === undefined || next.compare(best) < 0 ? Buffer.from(next) : best;
}
