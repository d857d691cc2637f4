import type { Document } from 'bson';
import type { RawDocument } from '../bson/raw';
import { toPlainDocument } from '../bson/values';
import { CommandError } from '../errors';

/**
 * Stages that are evaluated on JavaScript's numbers must not touch Decimal128 values and integers beyond 2^53, which those cannot hold.
 * A field counts as touched when the pipeline has its name in any path or key; `$$ROOT` and `$$CURRENT` touch all of them.
 * @throws CommandError NotImplemented, which names the field
 */
export function refuseInexact(stages: readonly { document: RawDocument }[], inputs: readonly (readonly Document[])[]): void {
  const named = new Set<string>();
  for (const { document } of stages) gatherNames(toPlainDocument(document), named);
  const all = named.has('ROOT') || named.has('CURRENT');
  for (const documents of inputs) {
    for (const document of documents) {
      for (const [field, value] of Object.entries(document)) {
        const kind = all || named.has(field) ? inexactIn(value) : undefined;
        if (kind !== undefined)
          throw new CommandError(
            'NotImplemented',
            `aggregations over ${kind} are not supported by this server: leave '${field}' out of the stages behind the leading $match, ` +
              '$sort, $skip and $limit, or read the documents and compute outside',
          );
      }
    }
  }
}

/** The parts of every key and of every text that may be a path. */
function gatherNames(value: unknown, names: Set<string>): void {
  if (typeof value === 'string') {
    for (const part of value.replace(/^\$+/, '').split('.')) names.add(part);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) gatherNames(key, names);
    gatherNames(inner, names);
  }
}

function inexactIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const type = (value as { _bsontype?: string })._bsontype;
  if (type === 'Decimal128') return 'Decimal128 values';
  if (type === 'Long') return 'integers beyond 2^53';
  if (type !== undefined || value instanceof Date) return undefined;
  for (const inner of Object.values(value)) {
    const kind = inexactIn(inner);
    if (kind !== undefined) return kind;
  }
  return undefined;
}
