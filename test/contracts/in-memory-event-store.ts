import { setMaxListeners } from 'node:events';
import {
  type AppendOptions,
  type AppendResult,
  type CaughtUp,
  type EventStore,
  type NewRecord,
  type ReadOptions,
  type RecordedEvent,
  StoreUnavailable,
  type SubscribeAllOptions,
  type SubscribeOptions,
} from '../../src/stores/event-store';

type Unsequenced = Omit<RecordedEvent, 'kind'>;

/**
 * The log in memory, for fast tests of the layers above it. Faithful: it passes the contract suite the real adapter passes,
 * including idempotent retries by record id and the wrong-expected-revision rules of EventStoreDB.
 */
export class InMemoryEventStore implements EventStore {
  readonly maxAppendBytes = 1 << 20;
  private readonly log: RecordedEvent[] = [];
  private readonly streams = new Map<string, RecordedEvent[]>();
  /** By `${stream}|${record id}`, for idempotent retries. */
  private readonly byId = new Map<string, RecordedEvent>();
  private readonly waiting = new Set<() => void>();
  private broken = 0;
  private closed = false;
  /** True: every call throws StoreUnavailable and subscriptions break, until it is false again. */
  private away = false;

  constructor(private readonly now: () => number = Date.now) {}

  setUnavailable(unavailable: boolean): void {
    this.away = unavailable;
    if (unavailable) this.breakSubscriptions();
  }

  /** What a lost connection does: every open subscription throws StoreUnavailable. */
  breakSubscriptions(): void {
    this.broken++;
    this.wake();
  }

  async append(stream: string, records: readonly NewRecord[], options: AppendOptions = {}): Promise<AppendResult> {
    this.mustAnswer();
    if (records.length === 0) throw new RangeError('an append needs at least one record');
    const bytes = records.reduce((sum, r) => sum + r.data.length + (r.metadata?.length ?? 0) + 2 * r.type.length, 0);
    if (bytes > this.maxAppendBytes) throw new RangeError(`append of ${bytes} bytes exceeds ${this.maxAppendBytes} bytes`);
    const existing = this.streams.get(stream) ?? [];
    const expected = options.expected ?? 'any';
    const wrong: AppendResult = {
      ok: false,
      reason: 'wrong-expected-revision',
      actual: existing.length === 0 ? 'no-stream' : BigInt(existing.length - 1),
    };
    if (expected === 'any' || expected === 'stream-exists') {
      if (expected === 'stream-exists' && existing.length === 0) return wrong;
      const known = records.map((r) => this.byId.get(`${stream}|${r.id}`));
      if (known.every((e) => e !== undefined)) return asResult(known[known.length - 1]!);
      if (known.some((e) => e !== undefined)) return wrong;
    } else {
      const next = expected === 'no-stream' ? 0 : Number(expected) + 1;
      if (next > existing.length) return wrong;
      if (next < existing.length) {
        const same = records.every((r, i) => existing[next + i]?.id === r.id);
        return same ? asResult(existing[next + records.length - 1]!) : wrong;
      }
    }
    for (const record of records) this.store(stream, existing, record);
    this.streams.set(stream, existing);
    this.wake();
    return asResult(existing[existing.length - 1]!);
  }

  async *read(stream: string, options: ReadOptions = {}): AsyncIterable<RecordedEvent> {
    this.mustAnswer();
    const records = this.streams.get(stream) ?? [];
    const backwards = options.direction === 'backwards';
    const from = options.from ?? (backwards ? 'end' : 'start');
    let at = from === 'start' ? 0 : from === 'end' ? records.length - (backwards ? 1 : 0) : Number(from);
    if (backwards) at = Math.min(at, records.length - 1);
    for (let given = 0; given < (options.limit ?? Infinity) && at >= 0 && at < records.length; given++) {
      if (options.signal?.aborted) return;
      this.mustAnswer();
      yield records[at]!;
      at += backwards ? -1 : 1;
    }
  }

  async last(stream: string): Promise<RecordedEvent | undefined> {
    this.mustAnswer();
    return this.streams.get(stream)?.at(-1);
  }

  subscribe(stream: string, { after, signal }: SubscribeOptions): AsyncIterable<RecordedEvent | CaughtUp> {
    const start = after === undefined ? 0 : Number(after) + 1;
    return this.follow(
      () => this.streams.get(stream) ?? [],
      start,
      () => true,
      signal,
    );
  }

  subscribeAll({ prefix, after, signal }: SubscribeAllOptions): AsyncIterable<RecordedEvent | CaughtUp> {
    const start = after === undefined ? 0 : this.log.findIndex((e) => e.position > after);
    return this.follow(
      () => this.log,
      start < 0 ? this.log.length : start,
      (e) => e.stream.startsWith(prefix),
      signal,
    );
  }

  async ping(_timeoutMs: number): Promise<void> {
    this.mustAnswer();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.breakSubscriptions();
  }

  private async *follow(
    source: () => readonly RecordedEvent[],
    start: number,
    wanted: (event: RecordedEvent) => boolean,
    signal: AbortSignal,
  ): AsyncIterable<RecordedEvent | CaughtUp> {
    this.mustAnswer();
    const connection = this.broken;
    let at = start;
    let live = false;
    while (!signal.aborted) {
      if (this.broken !== connection) throw new StoreUnavailable('the subscription was dropped');
      const record = source()[at];
      if (record !== undefined) {
        at++;
        if (wanted(record)) yield record;
      } else if (!live) {
        // As the real store: said when the subscription goes live, not again after each live record.
        live = true;
        yield { kind: 'caught-up' };
      } else {
        await this.nextChange(signal);
      }
    }
  }

  private nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      setMaxListeners(0, signal);
      signal.addEventListener('abort', done);
    });
  }

  private store(stream: string, existing: RecordedEvent[], record: NewRecord): void {
    const content: Unsequenced = {
      stream,
      revision: BigInt(existing.length),
      position: BigInt(this.log.length + 1) * 100n,
      id: record.id,
      type: record.type,
      data: Uint8Array.from(record.data),
      metadata: record.metadata && record.metadata.length > 0 ? Uint8Array.from(record.metadata) : undefined,
      createdAt: this.now(),
    };
    const event: RecordedEvent = { kind: 'record', ...content };
    existing.push(event);
    this.byId.set(`${stream}|${record.id}`, event);
    this.log.push(event);
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }

  private mustAnswer(): void {
    if (this.closed) throw new StoreUnavailable('the event store is closed');
    if (this.away) throw new StoreUnavailable('the event store does not answer');
  }
}

function asResult(last: RecordedEvent): AppendResult {
  return { ok: true, revision: last.revision, position: last.position };
}
