import { exactNumber } from '../bson/number-key';
import { BsonType, elementsOf, type RawValue } from '../bson/raw';
import { stringOf } from '../bson/values';
import { CommandError } from '../errors';
import type { IndexDefinition } from '../storage/index-definition';

/** The index a client wants to have walked: its name, or its fields with their directions. */
export type Hint = string | readonly { readonly field: string; readonly direction: number | undefined }[];

/** @throws CommandError FailedToParse for what is neither a name nor fields, NotImplemented for the order of documents backwards */
export function hintOf(value: RawValue | undefined): Hint | undefined {
  if (value === undefined) return undefined;
  if (value.type === BsonType.string) return stringOf(value);
  if (value.type !== BsonType.object) throw new CommandError('FailedToParse', 'Hint must be either a string or nested object');
  const fields = elementsOf(value).map(({ name, type, bytes, start }) => ({ field: name, direction: exactNumber(bytes, type, start) }));
  if (isAsStored(fields) && fields[0]!.direction === -1)
    throw new CommandError('NotImplemented', 'the hint {$natural: -1} is not supported by this server: sort by _id instead');
  return fields.length === 0 ? undefined : fields;
}

/**
 * The planner finds its way itself, and whichever it takes gives the same result: a hint that names an index changes nothing. One that
 * names none is refused as MongoDB 7.0 does it, but for the tree of the query that it shows in the midst of its message.
 * @param indexes beside that of _id; undefined where there is no collection: then nothing is planned, and nothing is refused
 * @throws CommandError BadValue
 */
export function refuseUnknownHint(ns: string, indexes: readonly IndexDefinition[] | undefined, hint: Hint | undefined): void {
  if (hint === undefined || indexes === undefined) return;
  const isKnown = typeof hint === 'string' ? isNamed(indexes, hint) : isAsStored(hint) || hasFields(indexes, hint);
  if (isKnown) return;
  throw new CommandError(
    'BadValue',
    `error processing query: ns=${ns} planner returned error :: caused by :: hint provided does not correspond to an existing index`,
  );
}

/** `{$natural: 1}`: by no index at all. */
const isAsStored = (hint: Exclude<Hint, string>): boolean => hint.length === 1 && hint[0]!.field === '$natural';

const isNamed = (indexes: readonly IndexDefinition[], name: string): boolean =>
  name === '_id_' || indexes.some((index) => index.name === name);

const idFields = [{ field: '_id', descending: false }];

function hasFields(indexes: readonly IndexDefinition[], hint: Exclude<Hint, string>): boolean {
  return [idFields, ...indexes.map(({ fields }) => fields)].some(
    (fields) =>
      fields.length === hint.length &&
      hint.every(({ field, direction }, i) => field === fields[i]!.field && direction === (fields[i]!.descending ? -1 : 1)),
  );
}
