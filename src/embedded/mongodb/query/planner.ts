import { KeyWriter, afterAll, encodeValue, numberRank, nullRank, typeRank } from '../bson/key-codec';
import type { RawValue } from '../bson/raw';
import { limits } from '../limits';
import type { Collection } from '../storage/collection';
import type { KeyRange } from '../storage/environment';
import type { IndexDefinition, IndexField } from '../storage/index-definition';
import type { Filter } from './filter';
import type { Test } from './tests';

/** How the documents are found. Keys and bounds carry the four-byte prefix. */
export type Access =
  /** By the keys of documents, in order of _id. */
  | { readonly kind: 'keys'; readonly keys: readonly Buffer[] }
  /** Ranges of documents in order of _id, or of an index's entries. */
  | { readonly kind: 'scan'; readonly index: IndexDefinition | undefined; readonly ranges: readonly KeyRange[] };

export interface Plan {
  readonly access: Access;
  /** The access yields exactly what the filter matches, so documents need not be tested. */
  readonly exact: boolean;
  /** Documents come in the order asked for; `reverse` walks the access backwards. */
  readonly sorted: boolean;
  readonly reverse: boolean;
}

export interface SortField {
  readonly field: string;
  readonly path: readonly Buffer[];
  readonly descending: boolean;
}

/** Bounds of one field, ascending: each a whole encoded value or the mere rank of a type. */
interface Bounds {
  /** Encoded values the field may equal, ordered and distinct. */
  points?: Buffer[];
  lower?: { bytes: Buffer; inclusive: boolean };
  upper?: { bytes: Buffer; inclusive: boolean };
  /** How many leaves of the filter these bounds express completely. */
  covered: number;
}

const rangesMax = 1_000;

export function planFor(collection: Collection, filter: Filter, sort: readonly SortField[]): Plan {
  const onId = boundsOf(filter, '_id', false);
  const byId = sort.length > 0 && sort[0]!.field === '_id';
  const idOrder = { sorted: sort.length === 0 || byId, reverse: byId && sort[0]!.descending };
  if (onId?.points !== undefined) {
    const keys = onId.points.map((point) => keyOf(collection.id, point)).filter((key) => key.length <= limits.keyBytesMax);
    const ordered = keys.length <= 1 || idOrder.sorted;
    return { access: { kind: 'keys', keys }, exact: onId.covered === filter.conjuncts.length, sorted: ordered, reverse: idOrder.reverse };
  }
  if (onId !== undefined) {
    const { range, truncated } = rangeOf(collection.id, Buffer.alloc(0), onId, false);
    const exact = onId.covered === filter.conjuncts.length && !truncated;
    return { access: { kind: 'scan', index: undefined, ranges: [range] }, exact, ...idOrder };
  }
  const best = bestIndex(collection, filter, sort);
  if (best !== undefined) return best;
  const whole = rangeOf(collection.id, Buffer.alloc(0), { covered: 0 }, false).range;
  return { access: { kind: 'scan', index: undefined, ranges: [whole] }, exact: filter.conjuncts.length === 0, ...idOrder };
}

/** The index that binds most fields; among equals one that also gives the order asked for. */
function bestIndex(collection: Collection, filter: Filter, sort: readonly SortField[]): Plan | undefined {
  let best: { plan: Plan; score: number } | undefined;
  for (const index of collection.indexes) {
    const { ranges, bound, equal } = rangesFor(index, filter);
    const direction = ranges.length === 1 && !index.multikey ? sortDirection(index.fields, equal, sort) : undefined;
    const serves = sort.length > 0 && direction !== undefined;
    if (bound === 0 && !serves) continue;
    const score = bound * 2 + (serves ? 1 : 0);
    if (best !== undefined && best.score >= score) continue;
    const plan: Plan = {
      access: { kind: 'scan', index, ranges },
      exact: false,
      sorted: sort.length === 0 || serves,
      reverse: direction === 'backward',
    };
    best = { plan, score };
  }
  return best?.plan;
}

/** Equalities on leading fields, then one set of points or one range. */
function rangesFor(index: IndexDefinition, filter: Filter): { ranges: KeyRange[]; bound: number; equal: number } {
  let prefix = Buffer.alloc(0);
  let bound = 0;
  for (const { field, descending } of index.fields) {
    const bounds = boundsOf(filter, field, index.multikey);
    if (bounds === undefined) break;
    bound++;
    if (bounds.points === undefined) return { ranges: [rangeOf(index.id, prefix, bounds, descending).range], bound, equal: bound - 1 };
    const points = bounds.points.map((point) => Buffer.concat([prefix, descending ? complement(point) : point]));
    if (points.length !== 1) {
      if (points.length > rangesMax)
        return { ranges: [rangeOf(index.id, prefix, { covered: 0 }, false).range], bound: bound - 1, equal: bound - 1 };
      const ranges = points.map((point) => rangeOf(index.id, point, { covered: 0 }, false).range);
      return { ranges: ranges.sort((a, b) => a.lower.compare(b.lower)), bound, equal: bound - 1 };
    }
    prefix = points[0]!;
  }
  return { ranges: [rangeOf(index.id, prefix, { covered: 0 }, false).range], bound, equal: bound };
}

/** Which way to walk the index for this order, when fields before `equal` are fixed. */
function sortDirection(fields: readonly IndexField[], equal: number, sort: readonly SortField[]): 'forward' | 'backward' | undefined {
  let direction: 'forward' | 'backward' | undefined;
  let at = 0;
  for (const wanted of sort) {
    // A field fixed by equality does not influence the order.
    if (fields.slice(0, equal).some((field) => field.field === wanted.field)) continue;
    const field = fields[equal + at];
    if (field === undefined || field.field !== wanted.field) return undefined;
    const way = field.descending === wanted.descending ? 'forward' : 'backward';
    if (direction !== undefined && direction !== way) return undefined;
    direction = way;
    at++;
  }
  return direction ?? 'forward';
}

/**
 * What the filter says about one field, as bounds. With arrays in the index only one leaf may be used: different elements of the
 * array may satisfy different leaves.
 */
function boundsOf(filter: Filter, field: string, single: boolean): Bounds | undefined {
  let bounds: Bounds | undefined;
  for (const node of filter.conjuncts) {
    if (node.kind !== 'field' || node.field !== field) continue;
    const next = boundsOfLeaf(node.test);
    if (next === undefined) continue;
    if (bounds === undefined) bounds = next;
    else if (single) {
      if (next.points !== undefined && bounds.points === undefined) bounds = next;
    } else bounds = intersect(bounds, next);
  }
  return bounds;
}

function boundsOfLeaf(test: Test): Bounds | undefined {
  if (test.kind === 'equal') {
    // An array may be a whole value or an element: with entries per element only its elements could be looked up.
    return typeRank(test.operand.type) === arrayRank ? undefined : { points: [encodeValue(test.operand)], covered: 1 };
  }
  if (test.kind === 'in') {
    if (test.patterns.length > 0 || test.operands.some((operand) => typeRank(operand.type) === arrayRank)) return undefined;
    return { points: pointsOf(test.encoded), covered: 1 };
  }
  return test.kind === 'order' ? orderBounds(test.operand, test.less, test.orEqual) : undefined;
}

const arrayRank = 25;

function pointsOf(encoded: ReadonlySet<string>): Buffer[] {
  return [...encoded].sort().map((text) => Buffer.from(text, 'latin1'));
}

function orderBounds(operand: RawValue, less: boolean, orEqual: boolean): Bounds | undefined {
  const rank = typeRank(operand.type);
  if (rank === arrayRank) return undefined;
  const bytes = encodeValue(operand);
  if (rank === nullRank || rank === 1 || rank === 127) return orEqual ? { points: [bytes], covered: 1 } : { points: [], covered: 1 };
  const isNaN = rank === numberRank && bytes.subarray(1, 9).every((byte) => byte === 0);
  if (isNaN) return orEqual ? { points: [bytes], covered: 1 } : { points: [], covered: 1 };
  // NaN is the first of the numbers in key order, but neither less nor greater than any.
  const first = rank === numberRank ? Buffer.from([rank, 0, 0, 0, 0, 0, 0, 0, 1]) : Buffer.from([rank]);
  return less
    ? { lower: { bytes: first, inclusive: true }, upper: { bytes, inclusive: orEqual }, covered: 1 }
    : { lower: { bytes, inclusive: orEqual }, upper: { bytes: Buffer.from([rank + 1]), inclusive: false }, covered: 1 };
}

function intersect(a: Bounds, b: Bounds): Bounds {
  const covered = a.covered + b.covered;
  if (a.points !== undefined || b.points !== undefined) {
    const [points, other] = a.points !== undefined ? [a.points, b] : [b.points!, a];
    return { points: points.filter((point) => within(point, other)), covered };
  }
  return { lower: tighter(a.lower, b.lower, 1), upper: tighter(a.upper, b.upper, -1), covered };
}

function within(point: Buffer, bounds: Bounds): boolean {
  if (bounds.points !== undefined) return bounds.points.some((other) => other.equals(point));
  const { range } = rangeOf(0, Buffer.alloc(0), bounds, false);
  const key = keyOf(0, point);
  return key.compare(range.lower) >= 0 && key.compare(range.upper) < 0;
}

function tighter(a: Bounds['lower'], b: Bounds['lower'], sign: 1 | -1): Bounds['lower'] {
  if (a === undefined || b === undefined) return a ?? b;
  const order = sign === 1 ? lowerKey(a).compare(lowerKey(b)) : upperKey(b).compare(upperKey(a));
  return order >= 0 ? a : b;
}

const after = Buffer.from([afterAll]);

function lowerKey({ bytes, inclusive }: { bytes: Buffer; inclusive: boolean }): Buffer {
  return inclusive ? bytes : Buffer.concat([bytes, after]);
}

function upperKey({ bytes, inclusive }: { bytes: Buffer; inclusive: boolean }): Buffer {
  return inclusive ? Buffer.concat([bytes, after]) : bytes;
}

const writer = new KeyWriter();

function keyOf(id: number, encoded: Buffer): Buffer {
  return writer.reset().prefix(id).append(encoded).copy();
}

/** Keys that begin with prefix and then lie within the bounds. `truncated` when a bound is longer than any key. */
function rangeOf(id: number, prefix: Buffer, bounds: Bounds, descending: boolean): { range: KeyRange; truncated: boolean } {
  const start = descending ? bounds.upper : bounds.lower;
  const stop = descending ? bounds.lower : bounds.upper;
  const startBytes =
    start === undefined ? undefined : { bytes: descending ? complement(start.bytes) : start.bytes, inclusive: start.inclusive };
  const stopBytes = stop === undefined ? undefined : { bytes: descending ? complement(stop.bytes) : stop.bytes, inclusive: stop.inclusive };
  const lower = keyOf(id, Buffer.concat([prefix, startBytes === undefined ? Buffer.alloc(0) : lowerKey(startBytes)]));
  const upper = keyOf(id, Buffer.concat([prefix, stopBytes === undefined ? after : upperKey(stopBytes)]));
  if (lower.length <= limits.keyBytesMax && upper.length <= limits.keyBytesMax) return { range: { lower, upper }, truncated: false };
  const cut = (key: Buffer) => key.subarray(0, limits.keyBytesMax);
  return {
    range: { lower: cut(lower), upper: upper.length > limits.keyBytesMax ? Buffer.concat([cut(upper), after]) : upper },
    truncated: true,
  };
}

function complement(bytes: Buffer): Buffer {
  const flipped = Buffer.allocUnsafe(bytes.length);
  for (let i = 0; i < bytes.length; i++) flipped[i] = ~bytes[i]! & 0xff;
  return flipped;
}
