import { ObjectId } from 'bson';
import { BsonType, ElementWalker, documentEnd, findElement, type RawDocument, type RawValue } from '../bson/raw';
import { ArrayNode, ObjectNode } from '../bson/tree';
import { describe } from '../bson/values';
import { DocumentWriter } from '../bson/writer';
import { compareValues } from '../bson/compare';
import { CommandError } from '../errors';
import { limits } from '../limits';
import { equalitiesOf, type Filter } from '../query/filter';
import { applyOperators, type Update } from './update';

const idName = Buffer.from('_id');

/** Reused for every result: a view of it is valid until the next call of a function here. */
const writer = new DocumentWriter(64 * 1024);

/** The document after the update, as a view into a reused buffer. Throws ImmutableField when _id would change. */
export function updated(update: Update, stored: Buffer, now: Date): Buffer {
  writer.reset();
  switch (update.kind) {
    case 'replace': {
      const id = findElement(stored, 0, idName)!;
      replaceWith(update.replacement, id);
      break;
    }
    case 'operators': {
      const document = ObjectNode.parse({ bytes: stored, start: 0, end: documentEnd(stored, 0) });
      applyOperators(document, update.operators, false, now);
      document.write(writer);
      refuseChangedId(stored, writer.view());
      break;
    }
    case 'pipeline': {
      const result = update.apply({ bytes: stored, start: 0, end: documentEnd(stored, 0) });
      replaceWith(result, findElement(stored, 0, idName)!);
      break;
    }
  }
  return sizeChecked(writer.view());
}

/** The document an upsert creates: the filter's equalities, then the update, with _id at the front. */
export function upserted(update: Update, filter: Filter, now: Date): Buffer {
  writer.reset();
  const equalities = equalitiesOf(filter);
  if (update.kind === 'replace') {
    const id = equalities.get('_id') ?? idOf(update.replacement) ?? newId();
    replaceWith(update.replacement, id);
    return sizeChecked(writer.view());
  }
  const document = new ObjectNode();
  const id = equalities.get('_id');
  if (id !== undefined) document.fields.set('_id', id);
  for (const [field, value] of equalities) {
    if (field === '_id') continue;
    applyOperators(document, [{ name: '$set', field, path: field.split('.'), operand: value }], true, now);
  }
  if (update.kind === 'operators') applyOperators(document, update.operators, true, now);
  else {
    document.write(writer);
    const result = update.apply({ bytes: Buffer.from(writer.view()), start: 0, end: writer.length });
    writer.reset();
    replaceWith(result, id ?? idOf(result) ?? newId());
    return sizeChecked(writer.view());
  }
  if (id !== undefined) {
    const after = document.fields.get('_id');
    const same = after !== undefined && !(after instanceof ObjectNode) && !(after instanceof ArrayNode) && compareValues(after, id) === 0;
    if (!same) throw immutable('_id');
  }
  const fields = new Map(document.fields);
  const actual = fields.get('_id') ?? newId();
  fields.delete('_id');
  new ObjectNode(new Map([['_id', actual], ...fields])).write(writer);
  const created = idOf({ bytes: writer.view(), start: 0, end: writer.length })!;
  refuseIdType(created);
  return sizeChecked(writer.view());
}

/** The document as it is to be stored: with an _id, at the front. The result may be the document itself. */
export function withId(document: RawDocument): RawDocument {
  const walker = new ElementWalker(document.bytes, document.start);
  if (walker.next() && walker.nameIs(idName)) {
    refuseIdType(walker.value());
    return document;
  }
  const id = idOf(document) ?? newId();
  refuseIdType(id);
  writer.reset();
  replaceWith(document, id);
  return { bytes: writer.view(), start: 0, end: writer.length };
}

function idOf(document: RawDocument): RawValue | undefined {
  return findElement(document.bytes, document.start, idName)?.value();
}

/** Writes the replacement with this _id in front; a different _id of its own is refused. */
function replaceWith(replacement: RawDocument, id: RawValue): void {
  const { bytes, start, end } = replacement;
  const own = findElement(bytes, start, idName);
  if (own !== undefined && compareValues(own.value(), id) !== 0) throw immutable('_id');
  refuseIdType(id);
  writer.begin();
  writer.value('_id', id.type, id.bytes, id.start, id.end);
  if (own === undefined) writer.raw(bytes, start + 4, end - 1);
  else {
    writer.raw(bytes, start + 4, own.nameStart - 1);
    writer.raw(bytes, own.end, end - 1);
  }
  writer.finish();
}

function refuseChangedId(before: Buffer, after: Buffer): void {
  const old = findElement(before, 0, idName)!;
  const now = findElement(after, 0, idName);
  if (now === undefined || compareValues(old.value(), now.value()) !== 0) throw immutable('_id');
}

function immutable(field: string): CommandError {
  return new CommandError('ImmutableField', `Performing an update on the path '${field}' would modify the immutable field '${field}'`);
}

function refuseIdType(id: RawValue): void {
  if (id.type === BsonType.array || id.type === BsonType.regex || id.type === BsonType.undefined) {
    throw new CommandError(
      'BadValue',
      `The '_id' value cannot be of type ${id.type === BsonType.array ? 'array' : id.type === BsonType.regex ? 'regex' : 'undefined'}: ${describe(id)}`,
    );
  }
}

function newId(): RawValue {
  const id = Buffer.from(new ObjectId().id);
  return { type: BsonType.objectId, bytes: id, start: 0, end: 12 };
}

function sizeChecked(document: Buffer): Buffer {
  if (document.length > limits.documentBytesMax) {
    throw new CommandError('DocumentAfterUpdateTooLarge', `Resulting document after update is larger than ${limits.documentBytesMax}`);
  }
  return document;
}
