import type { Document } from 'bson';
import { Aggregator } from 'mingo';
import { BsonType, elementsOf, emptyDocument, type RawDocument, type RawElement } from '../bson/raw';
import { exactNumber } from '../bson/number-key';
import { toPlainDocument, toRawDocument } from '../bson/values';
import { CommandError } from '../errors';
import { limits } from '../limits';
import { filterOf } from '../query/filter';
import { projectionOf } from '../query/projection';
import { sortOf } from '../query/sort';
import { Counting, Gathering, tooMuch } from '../query/sinks';
import { ListSource, ScanSource, type DocumentSource, type FindRequest } from '../query/source';
import { drain, firstBatch } from './batches';
import type { Command, Handler, Reply, ServerState } from './command';
import { hintOf, refuseUnknownHint } from './hint';
import { inOrder } from './in-order';
import { refuseInexact } from './inexact';

const refusedStages = new Set([
  '$out',
  '$merge',
  '$changeStream',
  '$geoNear',
  '$search',
  '$vectorSearch',
  '$collStats',
  '$indexStats',
  '$currentOp',
  '$listSessions',
]);

/**
 * The leading $match, $sort, $skip, $limit and plain $project stages run like a find, on stored bytes and with the indexes; what
 * follows is evaluated by mingo on JavaScript values, where integral doubles become integers. What JavaScript's numbers cannot hold
 * passes through as it is, and where the pipeline names its field it is refused: mingo would pass over it in sums and misplace it in
 * comparisons.
 */
const aggregate: Handler = async (command, server): Promise<Reply> => {
  command.refuseCollation();
  command.refuse('let');
  if (command.boolean('explain', false)) throw new CommandError('NotImplemented', 'explain of aggregate is not supported by this server');
  const target = command.get('aggregate')!;
  if (target.type !== BsonType.string)
    throw new CommandError('NotImplemented', 'aggregations over a whole database are not supported by this server');
  const { ns } = command;
  const stages = (command.array('pipeline') ?? []).map(stageOf);
  const { request, rest } = leading(ns, stages);
  refuseUnknownHint(ns, server.catalog.get(ns)?.indexes, hintOf(command.get('hint')));
  const timeLimitMs = command.integer('maxTimeMS') || undefined;
  const source =
    rest.length === 0 ? await inOrder(server, request, timeLimitMs) : await computed(server, command, request, rest, timeLimitMs);
  const cursor = command.document('cursor');
  const batchSize = cursor === undefined ? undefined : elementsOf(cursor).find((element) => element.name === 'batchSize');
  const documentsMax = batchSize === undefined ? undefined : exactNumber(batchSize.bytes, batchSize.type, batchSize.start);
  return firstBatch(server.cursors, ns, source, { documentsMax: documentsMax ?? limits.firstBatchDocuments, timeLimitMs, single: false });
};

interface Stage {
  readonly name: string;
  readonly document: RawDocument;
  readonly operand: RawElement;
}

function stageOf(element: RawElement): Stage {
  const fields = element.type === BsonType.object ? elementsOf(element) : [];
  if (fields.length !== 1) throw new CommandError('FailedToParse', 'A pipeline stage specification object must contain exactly one field.');
  const [operand] = fields as [RawElement];
  if (refusedStages.has(operand.name))
    throw new CommandError('NotImplemented', `the stage ${operand.name} is not supported by this server`);
  return { name: operand.name, document: element, operand };
}

/** What of the pipeline's beginning a find can do. */
function leading(ns: string, stages: readonly Stage[]): { request: FindRequest; rest: readonly Stage[] } {
  let at = 0;
  const next = (name: string) => (stages[at]?.name === name ? stages[at++]!.operand : undefined);
  const match = next('$match');
  if (match !== undefined && match.type !== BsonType.object)
    throw new CommandError('FailedToParse', 'the match filter must be an expression in an object');
  const sort = next('$sort');
  const skip = next('$skip');
  const limit = next('$limit');
  const request: FindRequest = {
    ns,
    filter: filterOf(match ?? emptyDocument),
    sort: sortOf(sort),
    skip: skip === undefined ? 0 : wholeNumber(skip, 0),
    limit: limit === undefined ? 0 : wholeNumber(limit, 1),
  };
  const project = stages[at];
  if (project?.name === '$project' && at === stages.length - 1 && isPlain(project.operand)) {
    return { request: { ...request, projection: projectionOf(project.operand) }, rest: [] };
  }
  return { request, rest: stages.slice(at) };
}

function isPlain(projection: RawElement): boolean {
  return (
    projection.type === BsonType.object &&
    elementsOf(projection).every(
      ({ type, bytes, start, name }) => !name.includes('$') && (type === BsonType.boolean || exactNumber(bytes, type, start) !== undefined),
    )
  );
}

function wholeNumber(value: RawElement, min: number): number {
  const number = exactNumber(value.bytes, value.type, value.start);
  if (number === undefined || !Number.isInteger(number) || number < min)
    throw new CommandError('BadValue', `${value.name} needs a whole number of at least ${min}`);
  return number;
}

async function computed(
  server: ServerState,
  command: Command,
  request: FindRequest,
  rest: readonly Stage[],
  timeLimitMs: number | undefined,
): Promise<DocumentSource> {
  const counted = countingStage(rest);
  if (counted !== undefined) {
    const counting = new Counting();
    await drain(new ScanSource(server.environment, server.catalog, { ...request, sort: [] }), counting, timeLimitMs);
    return new ListSource(counting.count === 0 ? [] : [toRawDocument(counted(counting.count))], 0);
  }
  const input = new Gathering(limits.aggregateBytesMax, 'aggregate');
  await drain(await inOrder(server, request, timeLimitMs), input, timeLimitMs);
  const foreign = await foreignCollections(server, command.database, rest, timeLimitMs);
  const documents = input.documents.map(toPlainDocument);
  refuseInexact(rest, [documents, ...foreign.values()]);
  let results: Document[];
  try {
    const aggregator = new Aggregator(
      rest.map(({ document }) => toPlainDocument(document)),
      {
        collectionResolver: (name) => foreign.get(name) ?? [],
      },
    );
    results = aggregator.run<Document>(documents);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError('BadValue', `aggregate: ${(error as Error).message}`);
  }
  let bytes = 0;
  const raws = results.map((result) => {
    const raw = toRawDocument(result);
    bytes += raw.end;
    if (bytes > limits.aggregateBytesMax) throw tooMuch('aggregate', limits.aggregateBytesMax);
    return raw;
  });
  return new ListSource(raws, bytes);
}

/** A pipeline that ends in nothing but a count, as countDocuments sends it, needs no document in memory. */
function countingStage(stages: readonly Stage[]): ((count: number) => Document) | undefined {
  if (stages.length !== 1) return undefined;
  const stage = toPlainDocument(stages[0]!.document);
  if (typeof stage.$count === 'string') return (count) => ({ [stage.$count as string]: count });
  const group = stage.$group as Document | undefined;
  if (group === undefined || Object.keys(group).join() !== '_id,n' || (group.n as Document | null)?.$sum !== 1) return undefined;
  const constant = group._id === null || typeof group._id === 'number';
  return constant ? (count) => ({ _id: group._id as unknown, n: count }) : undefined;
}

/** The collections that $lookup, $graphLookup and $unionWith name, read beforehand since mingo asks for them synchronously. */
async function foreignCollections(
  server: ServerState,
  database: string,
  stages: readonly Stage[],
  timeLimitMs: number | undefined,
): Promise<Map<string, Document[]>> {
  const named = new Set<string>();
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return;
    for (const [key, inner] of Object.entries(value)) {
      if ((key === 'from' || key === 'coll' || key === '$unionWith') && typeof inner === 'string') named.add(inner);
      else visit(inner);
    }
  };
  for (const { document } of stages) visit(toPlainDocument(document));
  const collections = new Map<string, Document[]>();
  for (const name of named) {
    const gathering = new Gathering(limits.aggregateBytesMax, 'aggregate');
    const request = { ns: `${database}.${name}`, filter: filterOf(emptyDocument), sort: [], skip: 0, limit: 0 };
    await drain(new ScanSource(server.environment, server.catalog, request), gathering, timeLimitMs);
    collections.set(name, gathering.documents.map(toPlainDocument));
  }
  return collections;
}

export const aggregateCommands = { aggregate };
