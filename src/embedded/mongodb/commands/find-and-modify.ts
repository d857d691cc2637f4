import { BsonType, type RawDocument, type RawValue } from '../bson/raw';
import { toExactValue, toRawDocument } from '../bson/values';
import { CommandError } from '../errors';
import { filterOf, type Filter } from '../query/filter';
import { projectionOf } from '../query/projection';
import { sortOf } from '../query/sort';
import { keep } from '../storage/collection';
import { compileUpdate, type Update } from '../update/update';
import type { Handler, Reply } from './command';
import { hintOf, refuseUnknownHint } from './hint';
import { change, findFirst, insertUpserted, refuseArrayFilters } from './statements';

interface Outcome {
  value: RawDocument | undefined;
  n: number;
  updatedExisting: boolean;
  upsertedId?: RawValue | undefined;
}

const findAndModify: Handler = async (command, server): Promise<Reply> => {
  command.refuseCollation();
  command.refuse('let');
  refuseArrayFilters(command.get('arrayFilters'));
  const { ns } = command;
  const filter: Filter = filterOf(command.filter('query'));
  const sort = sortOf(command.document('sort'));
  const projection = projectionOf(command.document('fields'));
  const wantsNew = command.boolean('new', false);
  const removing = command.boolean('remove', false);
  const upserting = command.boolean('upsert', false);
  const hint = hintOf(command.get('hint'));
  const u = command.get('update');
  if (removing === (u !== undefined))
    throw new CommandError(
      'FailedToParse',
      removing ? 'Cannot specify both an update and remove=true' : 'Either an update or remove=true must be specified',
    );
  if (removing && (wantsNew || upserting))
    throw new CommandError(
      'FailedToParse',
      "Cannot specify both new=true or upsert=true and remove=true; 'remove' always returns the deleted document",
    );
  const update: Update | undefined = u === undefined ? undefined : compileUpdate(u);

  const outcome = await server.writes.run(command.bytes, (): Outcome => {
    const collection = server.catalog.get(ns);
    refuseUnknownHint(ns, collection?.indexes ?? (upserting ? [] : undefined), hint);
    const found = collection === undefined ? undefined : findFirst(server, collection, filter, sort);
    if (update === undefined) {
      if (found === undefined) return { value: undefined, n: 0, updatedExisting: false };
      collection!.remove(found.key, found.document);
      return { value: whole(found.document), n: 1, updatedExisting: false };
    }
    const now = new Date();
    if (found !== undefined) {
      change(collection!, found.key, found.document, update, now);
      return { value: whole(wantsNew ? keep(collection!.get(found.key)!) : found.document), n: 1, updatedExisting: true };
    }
    if (!upserting) return { value: undefined, n: 0, updatedExisting: false };
    const id = insertUpserted(server, ns, { filter, update }, now);
    const created = server.catalog.get(ns)!;
    const value = wantsNew ? whole(keep(created.get(created.keyFor(id.type, id.bytes, id.start, id.end))!)) : undefined;
    return { value, n: 1, updatedExisting: false, upsertedId: id };
  });

  const { value } = outcome;
  const shown = value === undefined || projection === undefined ? value : projection(value);
  const lastErrorObject = toRawDocument({
    n: outcome.n,
    ...(removing ? {} : { updatedExisting: outcome.updatedExisting }),
    ...(outcome.upsertedId === undefined ? {} : { upserted: toExactValue(outcome.upsertedId) }),
  });
  return (writer) => {
    writer.value('lastErrorObject', BsonType.object, lastErrorObject.bytes, lastErrorObject.start, lastErrorObject.end);
    if (shown === undefined) writer.element(BsonType.null, 'value');
    else writer.value('value', BsonType.object, shown.bytes, shown.start, shown.end);
    writer.double('ok', 1);
  };
};

function whole(document: Buffer): RawDocument {
  return { bytes: document, start: 0, end: document.length };
}

export const findAndModifyCommands = { findandmodify: findAndModify };
