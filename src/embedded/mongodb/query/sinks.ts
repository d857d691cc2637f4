import { documentEnd, type RawDocument } from '../bson/raw';
import { CommandError } from '../errors';
import { limits } from '../limits';
import type { SortField } from './planner';
import { sortKey } from './sort';
import type { DocumentSink } from './source';

/** Gathers what it is offered, up to a number of bytes; beyond it throws QueryExceededMemoryLimitNoDiskUseAllowed. */
export class Gathering implements DocumentSink {
  readonly documents: RawDocument[] = [];
  bytes = 0;

  constructor(
    private readonly bytesMax: number,
    private readonly what: string,
  ) {}

  offer(bytes: Buffer, start: number, end: number): boolean {
    const copy = Buffer.from(bytes.subarray(start, end));
    this.bytes += copy.length;
    if (this.bytes > this.bytesMax) throw tooMuch(this.what, this.bytesMax);
    this.documents.push({ bytes: copy, start: 0, end: copy.length });
    return true;
  }
}

export function tooMuch(what: string, bytesMax: number): CommandError {
  return new CommandError(
    'QueryExceededMemoryLimitNoDiskUseAllowed',
    `${what} exceeded the memory limit of ${bytesMax} bytes: add an index that gives the order, or narrow the filter`,
  );
}

/** Keeps the first `limit` (0: all) documents in the order of the sort; ties stay in the order offered. */
export class Sorting implements DocumentSink {
  private rows: { order: Buffer; document: Buffer }[] = [];
  private bytes = 0;

  constructor(
    private readonly fields: readonly SortField[],
    private readonly limit: number,
  ) {}

  offer(bytes: Buffer, start: number): boolean {
    const row = { order: sortKey(this.fields, bytes, start), document: Buffer.from(bytes.subarray(start, documentEnd(bytes, start))) };
    this.rows.push(row);
    this.bytes += row.document.length + row.order.length;
    if (this.limit > 0 && this.rows.length >= 2 * this.limit + 1000) this.cut();
    if (this.bytes > limits.sortBytesMax) {
      if (this.limit > 0) this.cut();
      if (this.bytes > limits.sortBytesMax) throw tooMuch('Sort', limits.sortBytesMax);
    }
    return true;
  }

  private cut(): void {
    this.rows = this.rows.sort((a, b) => a.order.compare(b.order)).slice(0, this.limit);
    this.bytes = this.rows.reduce((sum, { order, document }) => sum + order.length + document.length, 0);
  }

  result(): Buffer[] {
    const rows = this.rows.sort((a, b) => a.order.compare(b.order));
    return (this.limit > 0 ? rows.slice(0, this.limit) : rows).map(({ document }) => document);
  }
}

export class Counting implements DocumentSink {
  count = 0;

  offer(): boolean {
    this.count++;
    return true;
  }
}
