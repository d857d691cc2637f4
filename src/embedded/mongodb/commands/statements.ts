import { exactNumber } from '../bson/number-key';
import {
  BsonType,
  ElementWalker,
  documentEnd,
  emptyDocument,
  findElement,
  isEmptyDocument,
  type RawDocument,
  type RawValue,
} from '../bson/raw';
import { CommandError } from '../errors';
import { filterOf, type Filter } from '../query/filter';
import { matches } from '../query/filter-node';
import { planFor, type SortField } from '../query/planner';
import { sortKey } from '../query/sort';
import { ScanSource, type DocumentSink } from '../query/source';
import { keep, type Collection } from '../storage/collection';
import { updated, upserted } from '../update/apply';
import { compileUpdate, type Update } from '../update/update';
import { refuseCollation, type ServerState } from './command';
import { hintOf, refuseUnknownHint, type Hint } from './hint';

const idName = Buffer.from('_id');

export interface UpdateStatement {
  filter: Filter;
  update: Update;
  upsert: boolean;
  multi: boolean;
  hint: Hint | undefined;
}

/** Reads one of the `updates` of an update command. */
export function parseUpdateStatement(statement: RawDocument): UpdateStatement {
  const walker = new ElementWalker(statement.bytes, statement.start);
  let q: RawDocument = emptyDocument;
  let u: RawValue | undefined;
  let upsert = false;
  let multi = false;
  let hint: Hint | undefined;
  while (walker.next()) {
    switch (walker.name) {
      case 'q':
        q = documentField(walker.value(), 'q');
        break;
      case 'u':
        u = walker.value();
        break;
      case 'upsert':
        upsert = flag(walker);
        break;
      case 'multi':
        multi = flag(walker);
        break;
      case 'hint':
        hint = hintOf(walker.value());
        break;
      case 'collation':
        refuseCollation(walker.value());
        break;
      case 'arrayFilters':
        refuseArrayFilters(walker.value());
        break;
      case 'c':
      case 'let':
      case 'sort':
        throw new CommandError('NotImplemented', `the field '${walker.name}' of an update is not supported by this server`);
      default:
        // Unknown fields are tolerated as comments are.
        break;
    }
  }
  if (u === undefined) throw new CommandError('FailedToParse', "BSON field 'update.updates.u' is missing but a required field");
  const update = compileUpdate(u);
  if (multi && update.kind === 'replace')
    throw new CommandError('FailedToParse', 'multi update is not supported for replacement-style update');
  return { filter: filterOf(q), update, upsert, multi, hint };
}

export function refuseArrayFilters(value: RawValue | undefined): void {
  if (value === undefined || (value.type === BsonType.array && isEmptyDocument(value))) return;
  throw new CommandError('NotImplemented', 'arrayFilters are not supported by this server: read the document and set the whole array');
}

function documentField(value: RawValue, name: string): RawDocument {
  if (value.type !== BsonType.object) throw new CommandError('TypeMismatch', `the field '${name}' must be a document`);
  return value;
}

function flag(walker: ElementWalker): boolean {
  if (walker.type === BsonType.boolean) return walker.bytes[walker.start] !== 0;
  throw new CommandError('TypeMismatch', `the field '${walker.name}' must be a boolean`);
}

/** A stored document an operation is about to change; copies, so that they outlive the next read. */
export interface Found {
  readonly key: Buffer;
  readonly document: Buffer;
}

class FirstFound implements DocumentSink {
  found: Found | undefined;

  offer(bytes: Buffer, start: number, end: number, key: Buffer): boolean {
    if (this.found !== undefined) return false;
    this.found = { key: Buffer.from(key), document: Buffer.from(bytes.subarray(start, end)) };
    return true;
  }
}

class AllKeys implements DocumentSink {
  readonly keys: Buffer[] = [];

  offer(_bytes: Buffer, _start: number, _end: number, key: Buffer): boolean {
    this.keys.push(Buffer.from(key));
    return true;
  }
}

/** The first match in the order of the sort. Within a transaction. */
export function findFirst(server: ServerState, collection: Collection, filter: Filter, sort: readonly SortField[] = []): Found | undefined {
  const request = { ns: collection.ns, filter, sort, skip: 0, limit: 1 };
  const source = new ScanSource(server.environment, server.catalog, request);
  if (source.sorted) {
    const sink = new FirstFound();
    source.fill(sink, Infinity);
    return sink.found;
  }
  const best = new LeastByOrder(sort);
  new ScanSource(server.environment, server.catalog, { ...request, limit: 0 }).fill(best, Infinity);
  return best.found;
}

/** Keys of all matches, gathered before anything is changed so that a change cannot make a document match again. */
function findKeys(server: ServerState, collection: Collection, filter: Filter): Buffer[] {
  const sink = new AllKeys();
  new ScanSource(server.environment, server.catalog, { ns: collection.ns, filter, sort: [], skip: 0, limit: 0 }).fill(sink, Infinity);
  return sink.keys;
}

class LeastByOrder implements DocumentSink {
  found: Found | undefined;
  private order: Buffer | undefined;

  constructor(private readonly sort: readonly SortField[]) {}

  offer(bytes: Buffer, start: number, end: number, key: Buffer): boolean {
    const order = sortKey(this.sort, bytes, start);
    if (this.order === undefined || order.compare(this.order) < 0) {
      this.order = order;
      this.found = { key: Buffer.from(key), document: Buffer.from(bytes.subarray(start, end)) };
    }
    return true;
  }
}

export interface UpdateOutcome {
  matched: number;
  modified: number;
  upsertedId?: RawValue;
}

/** Runs one update statement within a transaction. The collection is created when an upsert needs it. */
export function runUpdate(server: ServerState, ns: string, statement: UpdateStatement, now: Date): UpdateOutcome {
  const collection = server.catalog.get(ns);
  refuseUnknownHint(ns, collection?.indexes ?? (statement.upsert ? [] : undefined), statement.hint);
  const outcome: UpdateOutcome = { matched: 0, modified: 0 };
  if (collection !== undefined) {
    if (statement.multi) {
      for (const key of findKeys(server, collection, statement.filter)) {
        const stored = collection.get(key);
        if (stored === undefined) continue;
        outcome.matched++;
        if (change(collection, key, stored, statement.update, now)) outcome.modified++;
      }
    } else updateFirst(server, collection, statement, now, outcome);
  }
  if (outcome.matched === 0 && statement.upsert) outcome.upsertedId = insertUpserted(server, ns, statement, now);
  return outcome;
}

function updateFirst(
  server: ServerState,
  collection: Collection,
  { filter, update }: UpdateStatement,
  now: Date,
  outcome: UpdateOutcome,
): void {
  const { access, exact } = planFor(collection, filter, []);
  if (access.kind === 'keys' && access.keys.length <= 1) {
    const key = access.keys[0];
    const stored = key === undefined ? undefined : collection.get(key);
    if (stored === undefined || (!exact && !matches(filter.node, stored, 0))) return;
    outcome.matched = 1;
    if (change(collection, key!, stored, update, now)) outcome.modified = 1;
    return;
  }
  const found = findFirst(server, collection, filter);
  if (found === undefined) return;
  outcome.matched = 1;
  if (change(collection, found.key, found.document, update, now)) outcome.modified = 1;
}

/** False when the update leaves the document as it is; then nothing is written. */
export function change(collection: Collection, key: Buffer, stored: Buffer, update: Update, now: Date): boolean {
  const size = documentEnd(stored, 0);
  const replacement = updated(update, stored, now);
  if (replacement.length === size && replacement.compare(stored, 0, size) === 0) return false;
  collection.replace(key, collection.indexes.length > 0 ? keep(stored) : undefined, replacement);
  return true;
}

/** Inserts what the filter's equalities and the update make. Throws DuplicateKey when a document with that _id did not match the filter. */
export function insertUpserted(
  server: ServerState,
  ns: string,
  { filter, update }: Pick<UpdateStatement, 'filter' | 'update'>,
  now: Date,
): RawValue {
  const document = upserted(update, filter, now);
  const id = findElement(document, 0, idName)!.value();
  const kept: RawValue = { type: id.type, bytes: Buffer.from(id.bytes.subarray(id.start, id.end)), start: 0, end: id.end - id.start };
  const collection = server.catalog.get(ns) ?? server.catalog.create(ns);
  collection.insert({ bytes: document, start: 0, end: document.length });
  return kept;
}

export interface DeleteStatement {
  filter: Filter;
  /** Only the first match. */
  one: boolean;
  hint: Hint | undefined;
}

export function parseDeleteStatement(statement: RawDocument): DeleteStatement {
  const walker = new ElementWalker(statement.bytes, statement.start);
  let q: RawDocument = emptyDocument;
  let one: boolean | undefined;
  let hint: Hint | undefined;
  while (walker.next()) {
    if (walker.name === 'q') q = documentField(walker.value(), 'q');
    else if (walker.name === 'hint') hint = hintOf(walker.value());
    else if (walker.name === 'collation') refuseCollation(walker.value());
    else if (walker.name === 'limit') {
      const limit = exactNumber(walker.bytes, walker.type, walker.start);
      if (limit !== 0 && limit !== 1)
        throw new CommandError('FailedToParse', `The limit field in delete objects must be 0 or 1. Got ${limit}`);
      one = limit === 1;
    }
  }
  if (one === undefined) throw new CommandError('FailedToParse', "BSON field 'delete.deletes.limit' is missing but a required field");
  return { filter: filterOf(q), one, hint };
}

/** How many were deleted. Within a transaction. */
export function runDelete(server: ServerState, ns: string, { filter, one, hint }: DeleteStatement): number {
  const collection = server.catalog.get(ns);
  refuseUnknownHint(ns, collection?.indexes, hint);
  if (collection === undefined) return 0;
  if (one) {
    const found = findFirst(server, collection, filter);
    if (found === undefined) return 0;
    collection.remove(found.key, found.document);
    return 1;
  }
  const keys = findKeys(server, collection, filter);
  for (const key of keys) collection.remove(key, collection.indexes.length > 0 ? keep(collection.get(key)!) : undefined);
  return keys.length;
}
