import { documentEnd, type RawDocument } from '../bson/raw';
import type { Catalog } from '../storage/catalog';
import type { Environment, KeyRange } from '../storage/environment';
import type { Filter } from './filter';
import { matches } from './filter-node';
import { planFor, type Plan, type SortField } from './planner';
import type { Projection } from './projection';

/** Takes documents; false means "not this one, I am full", and the document is offered again at the next turn. */
export interface DocumentSink {
  offer(bytes: Buffer, start: number, end: number, key: Buffer): boolean;
}

/** `paused`: call again after others had their turn. */
export type Progress = 'done' | 'full' | 'paused';

/** Documents in order, some at a time. No transaction stays open between two calls. */
export interface DocumentSource {
  /** Bytes it keeps in memory while it waits. */
  readonly heldBytes: number;
  fill(sink: DocumentSink, deadlineMs: number): Progress;
}

export interface FindRequest {
  readonly ns: string;
  readonly filter: Filter;
  readonly sort: readonly SortField[];
  readonly skip: number;
  /** 0: no limit. */
  readonly limit: number;
  readonly projection?: Projection | undefined;
}

/**
 * Walks the access path and remembers by key where it stopped, so a cursor costs nothing while it waits. As in MongoDB, a document
 * that changes meanwhile may be seen in its new state.
 */
export class ScanSource implements DocumentSource {
  readonly heldBytes = 0;
  private readonly plan: Plan;
  private readonly ranges: KeyRange[];
  private readonly seen: Set<string> | undefined;
  private keyAt = 0;
  private skipped = 0;
  private given = 0;
  private readonly collectionId: number | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly catalog: Catalog,
    private readonly request: FindRequest,
  ) {
    const collection = catalog.get(request.ns);
    this.collectionId = collection?.id;
    this.plan = collection === undefined ? noPlan : planFor(collection, request.filter, request.sort);
    const { access, reverse } = this.plan;
    this.ranges = access.kind === 'scan' ? access.ranges.filter(({ lower, upper }) => lower.compare(upper) < 0) : [];
    if (reverse) this.ranges.reverse();
    const repeats = access.kind === 'scan' && access.index?.multikey === true;
    this.seen = repeats ? new Set() : undefined;
  }

  /** Whether documents come in the order asked for; otherwise sort them. */
  get sorted(): boolean {
    return this.plan.sorted;
  }

  describe(): Record<string, unknown> {
    const { access, sorted, exact } = this.plan;
    if (access.kind === 'keys') return { stage: 'IDHACK', keys: access.keys.length, exact };
    return {
      stage: access.index === undefined ? 'COLLSCAN' : 'IXSCAN',
      indexName: access.index?.name ?? '_id_',
      ranges: this.ranges.length,
      sorted,
      exact,
    };
  }

  fill(sink: DocumentSink, deadlineMs: number): Progress {
    const collection = this.catalog.get(this.request.ns);
    if (collection === undefined || collection.id !== this.collectionId) return 'done';
    return this.plan.access.kind === 'keys' ? this.fillByKeys(this.plan.access.keys, sink, deadlineMs) : this.fillByScan(sink, deadlineMs);
  }

  private fillByKeys(keys: readonly Buffer[], sink: DocumentSink, deadlineMs: number): Progress {
    for (let examined = 1; this.keyAt < keys.length; this.keyAt++, examined++) {
      if (this.limitReached()) return 'done';
      if ((examined & 255) === 0 && Date.now() > deadlineMs) return 'paused';
      const key = keys[this.plan.reverse ? keys.length - 1 - this.keyAt : this.keyAt]!;
      const stored = this.environment.get(key);
      if (stored !== undefined && !this.give(stored, key, sink)) return 'full';
    }
    return 'done';
  }

  private fillByScan(sink: DocumentSink, deadlineMs: number): Progress {
    const { access, reverse } = this.plan;
    const index = access.kind === 'scan' ? access.index : undefined;
    let examined = 0;
    while (this.ranges.length > 0) {
      const range = this.ranges[0]!;
      for (const { key, value } of this.environment.range(range, { reverse })) {
        if (this.limitReached()) return 'done';
        if ((++examined & 255) === 0 && Date.now() > deadlineMs) return 'paused';
        if (index === undefined) {
          if (!this.give(value, key, sink)) return 'full';
        } else if (!this.giveByEntry(value, sink)) return 'full';
        this.ranges[0] = reverse ? { lower: range.lower, upper: key } : { lower: Buffer.concat([key, zero]), upper: range.upper };
      }
      this.ranges.shift();
    }
    return 'done';
  }

  private giveByEntry(id: Buffer, sink: DocumentSink): boolean {
    const text = this.seen === undefined ? '' : id.toString('latin1');
    if (this.seen?.has(text)) return true;
    const key = Buffer.allocUnsafe(4 + id.length);
    key.writeUInt32BE(this.collectionId!);
    id.copy(key, 4);
    const stored = this.environment.get(key);
    if (stored !== undefined && !this.give(stored, key, sink)) return false;
    this.seen?.add(text);
    return true;
  }

  /** False when the sink is full. */
  private give(stored: Buffer, key: Buffer, sink: DocumentSink): boolean {
    const { filter, skip, projection } = this.request;
    if (!this.plan.exact && !matches(filter.node, stored, 0)) return true;
    if (this.skipped < skip) {
      this.skipped++;
      return true;
    }
    const end = documentEnd(stored, 0);
    let taken: boolean;
    if (projection === undefined) taken = sink.offer(stored, 0, end, key);
    else {
      const projected = projection({ bytes: stored, start: 0, end });
      taken = sink.offer(projected.bytes, projected.start, projected.end, key);
    }
    if (taken) this.given++;
    return taken;
  }

  private limitReached(): boolean {
    return this.request.limit > 0 && this.given >= this.request.limit;
  }
}

const zero = Buffer.from([0]);
const noPlan: Plan = { access: { kind: 'keys', keys: [] }, exact: true, sorted: true, reverse: false };

/** Documents that are in memory already. */
export class ListSource implements DocumentSource {
  private at = 0;

  constructor(
    private readonly documents: readonly RawDocument[],
    readonly heldBytes: number,
  ) {}

  fill(sink: DocumentSink): Progress {
    for (; this.at < this.documents.length; this.at++) {
      const { bytes, start, end } = this.documents[this.at]!;
      if (!sink.offer(bytes, start, end, noKey)) return 'full';
    }
    return 'done';
  }
}

const noKey = Buffer.alloc(0);
