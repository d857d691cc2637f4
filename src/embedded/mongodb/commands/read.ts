import { KeyWriter } from '../bson/key-codec';
import { BsonType, ElementWalker, elementsOf, emptyDocument, findElement, isEmptyDocument, type RawValue } from '../bson/raw';
import { asInteger } from '../bson/arithmetic';
import { toExactValue } from '../bson/values';
import { CommandError } from '../errors';
import { limits } from '../limits';
import { filterOf } from '../query/filter';
import { projectionOf } from '../query/projection';
import { sortOf } from '../query/sort';
import { Counting, tooMuch } from '../query/sinks';
import { ScanSource, type DocumentSink, type FindRequest } from '../query/source';
import { pathOf } from '../storage/index-definition';
import { prefixRange } from '../storage/catalog';
import { drain, firstBatch, nextBatch } from './batches';
import type { Command, Handler, Reply, ServerState } from './command';
import { hintOf, refuseUnknownHint } from './hint';
import { inOrder } from './in-order';

/** Without an option of the client: no limit. */
function timeLimitOf(command: Command): number | undefined {
  const limit = command.integer('maxTimeMS');
  return limit === 0 ? undefined : limit;
}

/** @throws CommandError where the command hints at an index that is not there */
function refuseHint(command: Command, server: ServerState): void {
  refuseUnknownHint(command.ns, server.catalog.get(command.ns)?.indexes, hintOf(command.get('hint')));
}

const find: Handler = async (command, server): Promise<Reply> => {
  command.refuseCollation();
  command.refuse('let', 'min', 'max', 'returnKey', 'showRecordId');
  if (command.boolean('tailable', false)) throw new CommandError('NotImplemented', 'tailable cursors are not supported by this server');
  const { ns } = command;
  const limit = command.integer('limit', -Infinity) ?? 0;
  const single = command.boolean('singleBatch', false) || limit < 0;
  const request: FindRequest = {
    ns,
    filter: filterOf(command.filter('filter')),
    sort: sortOf(command.document('sort')),
    skip: command.integer('skip') ?? 0,
    limit: Math.abs(limit),
    projection: projectionOf(command.document('projection')),
  };
  refuseHint(command, server);
  const timeLimitMs = timeLimitOf(command);
  const source = await inOrder(server, request, timeLimitMs);
  return firstBatch(server.cursors, ns, source, {
    documentsMax: command.integer('batchSize') ?? limits.firstBatchDocuments,
    timeLimitMs,
    single,
  });
};

const getMore: Handler = (command, server) => {
  const id = command.get('getMore')!;
  if (id.type !== BsonType.long && id.type !== BsonType.int)
    throw new CommandError('TypeMismatch', "BSON field 'getMore.getMore' is the wrong type, expected type 'long'");
  const ns = `${command.database}.${command.string('collection') ?? ''}`;
  const cursor = server.cursors.use(asInteger(id), ns);
  const batchSize = command.integer('batchSize') ?? 0;
  return nextBatch(server.cursors, cursor, { documentsMax: batchSize === 0 ? Infinity : batchSize, timeLimitMs: undefined });
};

const killCursors: Handler = (command, server) => {
  const killed: unknown[] = [];
  const notFound: unknown[] = [];
  for (const id of command.array('cursors') ?? []) {
    if (id.type !== BsonType.long && id.type !== BsonType.int) throw new CommandError('TypeMismatch', 'cursor ids must be longs');
    (server.cursors.close(asInteger(id)) ? killed : notFound).push(toExactValue(id));
  }
  return { cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [], ok: 1 };
};

const count: Handler = async (command, server): Promise<Reply> => {
  command.refuseCollation();
  const { ns } = command;
  const query = command.filter('query');
  const skip = command.integer('skip') ?? 0;
  const limit = Math.abs(command.integer('limit', -Infinity) ?? 0);
  const collection = server.catalog.get(ns);
  refuseHint(command, server);
  if (collection === undefined) return { n: 0, ok: 1 };
  if (isEmptyDocument(query)) {
    const all = Math.max(0, server.environment.count(prefixRange(collection.id)) - skip);
    return { n: limit > 0 ? Math.min(limit, all) : all, ok: 1 };
  }
  const counting = new Counting();
  await drain(
    new ScanSource(server.environment, server.catalog, { ns, filter: filterOf(query), sort: [], skip, limit }),
    counting,
    timeLimitOf(command),
  );
  return { n: counting.count, ok: 1 };
};

/** Distinct values of a path, elements of arrays taken one by one. */
class Distinct implements DocumentSink {
  readonly values = new Map<string, unknown>();
  private readonly key = new KeyWriter();
  private bytes = 0;

  constructor(private readonly path: readonly Buffer[]) {}

  offer(bytes: Buffer, start: number): boolean {
    this.collect(bytes, start, 0);
    return true;
  }

  private collect(bytes: Buffer, start: number, depth: number): void {
    const found = findElement(bytes, start, this.path[depth]!);
    if (found !== undefined) this.enter(found.value(), depth);
  }

  private enter(value: RawValue, depth: number): void {
    const { type, bytes, start, end } = value;
    const last = depth === this.path.length - 1;
    if (type === BsonType.array) {
      const items = new ElementWalker(bytes, start);
      while (items.next()) {
        if (last) this.add(items.value());
        else if (items.type === BsonType.object) this.collect(bytes, items.start, depth + 1);
        if (!last && items.nameIs(this.path[depth + 1]!)) this.enter(items.value(), depth + 1);
      }
    } else if (last) this.add({ type, bytes, start, end });
    else if (type === BsonType.object) this.collect(bytes, start, depth + 1);
  }

  private add(value: RawValue): void {
    const key = this.key.reset().value(value.type, value.bytes, value.start, value.end).text();
    if (this.values.has(key)) return;
    this.bytes += value.end - value.start + 16;
    if (this.bytes > limits.documentBytesMax) throw tooMuch('distinct', limits.documentBytesMax);
    this.values.set(key, toExactValue(value));
  }
}

const distinct: Handler = async (command, server): Promise<Reply> => {
  command.refuseCollation();
  const { ns } = command;
  const key = command.string('key');
  if (key === undefined || key === '') throw new CommandError('BadValue', "BSON field 'distinct.key' is missing but a required field");
  refuseHint(command, server);
  const values = new Distinct(pathOf(key));
  const request = { ns, filter: filterOf(command.filter('query')), sort: [], skip: 0, limit: 0 };
  await drain(new ScanSource(server.environment, server.catalog, request), values, timeLimitOf(command));
  return { values: [...values.values.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value), ok: 1 };
};

/** Which way a find, count, distinct or delete would take to its documents. */
const explain: Handler = (command, server) => {
  const inner = command.document('explain');
  if (inner === undefined) throw new CommandError('TypeMismatch', 'explain needs a command');
  const fields = new Map(elementsOf(inner).map((element) => [element.name, element]));
  const [name, target] = [...fields][0] ?? ['', undefined];
  if (!['find', 'count', 'distinct'].includes(name) || target === undefined || target.type !== BsonType.string) {
    throw new CommandError('NotImplemented', `explain of ${name} is not supported by this server`);
  }
  const ns = `${command.database}.${String(toExactValue(target))}`;
  const filter = fields.get('filter') ?? fields.get('query');
  const sort = fields.get('sort');
  refuseUnknownHint(ns, server.catalog.get(ns)?.indexes, hintOf(fields.get('hint')));
  const scan = new ScanSource(server.environment, server.catalog, {
    ns,
    filter: filterOf(filter ?? emptyDocument),
    sort: sortOf(sort),
    skip: 0,
    limit: 0,
  });
  const plan = scan.describe();
  return { queryPlanner: { namespace: ns, winningPlan: plan, rejectedPlans: [] }, ok: 1 };
};

export const readCommands = { find, getmore: getMore, killcursors: killCursors, count, distinct, explain };
