import { type AllStreamResolvedEvent, END, type ResolvedEvent, START, streamNameFilter } from '@eventstore/db-client';
import { setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import { installationStream } from '../domain/partition';
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
} from './event-store';
import { Appender } from './eventstoredb-appender';
import { type Borrowed, ConnectionPool, openClient } from './eventstoredb-connections';
import { asStoreError, isPermanent, isStreamNotFound } from './eventstoredb-errors';
import { within } from './within';

/** EventStoreDB refuses larger appends by default (MaxAppendSize). */
const maxAppendBytes = 1 << 20;
const appendTimeoutMs = 30_000;
/** A read that gives nothing for this long is given up, and so is a subscription that is not confirmed. */
const silenceMs = 10_000;
/** Few enough that those waiting for one another's backpressure leave the connection usable. */
const subscriptionsPerConnection = 40;
const readsPerConnection = 50;
/** Blocks that wait decoded in the client for a slow consumer, beside the sixteen gRPC reads ahead. */
const readAhead = { highWaterMark: 2 };

/**
 * The log on EventStoreDB (or the embedded server that speaks its protocol). JSON records and metadata that is JSON come back as
 * equal JSON, not necessarily as the same bytes: the client parses them.
 */
export class EventStoreDb implements EventStore {
  readonly maxAppendBytes = maxAppendBytes;
  private readonly appender: Appender;
  private readonly readers: ConnectionPool;
  private readonly subscribers: ConnectionPool;
  /** Ends what runs when the store is closed. */
  private readonly running = new Set<() => void>();
  private closed = false;

  /** Connects when first used. @param connectionString esdb://… @throws when it cannot be understood */
  constructor(connectionString: string) {
    openClient(connectionString);
    this.appender = Appender.open(connectionString);
    this.readers = new ConnectionPool(connectionString, readsPerConnection);
    this.subscribers = new ConnectionPool(connectionString, subscriptionsPerConnection);
  }

  async append(stream: string, records: readonly NewRecord[], options: AppendOptions = {}): Promise<AppendResult> {
    if (records.length === 0) throw new RangeError('an append needs at least one record');
    let bytes = 0;
    for (const record of records) bytes += record.data.length + (record.metadata?.length ?? 0) + 2 * record.type.length;
    if (bytes > maxAppendBytes) throw new RangeError(`append of ${bytes} bytes exceeds ${maxAppendBytes} bytes`);
    return this.appender.append({ stream, records, expected: options.expected ?? 'any', timeoutMs: options.timeoutMs ?? appendTimeoutMs });
  }

  read(stream: string, options: ReadOptions = {}): AsyncIterable<RecordedEvent> {
    return this.readWithin(stream, options, silenceMs);
  }

  async last(stream: string): Promise<RecordedEvent | undefined> {
    for await (const record of this.read(stream, { direction: 'backwards', limit: 1 })) return record;
    return undefined;
  }

  subscribe(stream: string, { after, signal }: SubscribeOptions): AsyncIterable<RecordedEvent | CaughtUp> {
    return this.follow(`subscription to ${stream}`, signal, ({ client }) =>
      client.subscribeToStream(stream, { fromRevision: after ?? START }, readAhead),
    );
  }

  subscribeAll({ prefix, after, signal }: SubscribeAllOptions): AsyncIterable<RecordedEvent | CaughtUp> {
    if (prefix === '') throw new RangeError('subscribeAll needs a prefix');
    const fromPosition = after === undefined ? START : { commit: after, prepare: after };
    const filter = streamNameFilter({ prefixes: [prefix] });
    return this.follow(`subscription to ${prefix}*`, signal, ({ client }) => client.subscribeToAll({ fromPosition, filter }, readAhead));
  }

  async ping(timeoutMs: number): Promise<void> {
    const answered = async (): Promise<void> => {
      for await (const _ of this.readWithin(installationStream, { limit: 1 }, timeoutMs)) return;
    };
    await within(answered(), timeoutMs, 'event store');
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const stop of [...this.running]) stop();
    await Promise.all([this.appender.close(), this.readers.close(), this.subscribers.close()]);
  }

  private async *readWithin(stream: string, options: ReadOptions, timeoutMs: number): AsyncGenerator<RecordedEvent> {
    if (options.limit !== undefined && options.limit <= 0) return;
    if (options.signal?.aborted) return;
    this.mustBeOpen();
    const backwards = options.direction === 'backwards';
    const from = options.from ?? (backwards ? 'end' : 'start');
    const borrowed = this.readers.borrow();
    let broken = false;
    const source = borrowed.client.readStream(stream, {
      direction: backwards ? 'backwards' : 'forwards',
      fromRevision: from === 'start' ? START : from === 'end' ? END : from,
      ...(options.limit === undefined ? {} : { maxCount: options.limit }),
    });
    const events = source as unknown as Readable;
    // The iterator below reports errors; one that comes after it is done must not end the process.
    events.on('error', () => undefined);
    const stop = (): void => void events.destroy();
    options.signal?.addEventListener('abort', stop);
    this.running.add(stop);
    const iterator = events.iterator({ destroyOnReturn: false }) as AsyncIterator<ResolvedEvent>;
    let waiting = false;
    try {
      for (;;) {
        waiting = true;
        const next = await within(iterator.next(), timeoutMs, `reading ${stream}`);
        waiting = false;
        if (next.done) break;
        const record = asRecord(next.value);
        if (record) yield record;
        if (options.signal?.aborted) return;
      }
      this.mustBeOpen();
    } catch (error) {
      if (options.signal?.aborted || isStreamNotFound(error)) return;
      broken = !isPermanent(error);
      throw asStoreError(error, `reading ${stream}`);
    } finally {
      options.signal?.removeEventListener('abort', stop);
      this.running.delete(stop);
      // A call that was answered and is not read to its end stays with the client for ever, which waits for it when it is closed.
      // So what has arrived is read and dropped, unless nothing comes any more.
      if (waiting) events.destroy();
      else void iterator.return?.().then(() => events.resume());
      void source.cancel().catch(() => undefined);
      borrowed.release(broken);
    }
  }

  private async *follow(
    what: string,
    signal: AbortSignal,
    open: (borrowed: Borrowed) => ReturnType<Borrowed['client']['subscribeToStream']> | ReturnType<Borrowed['client']['subscribeToAll']>,
  ): AsyncGenerator<RecordedEvent | CaughtUp> {
    if (signal.aborted) return;
    this.mustBeOpen();
    const borrowed = this.subscribers.borrow();
    let broken = false;
    const subscription = open(borrowed);
    const events = subscription as unknown as Readable & NodeJS.EventEmitter;
    // As above: errors reach the caller through the iterator.
    events.on('error', () => undefined);
    // Said between two records by the client's transform, so pushing it here keeps it between the same two.
    events.on('caughtUp', () => events.push(caughtUp));
    const unconfirmed = setTimeout(() => events.destroy(new StoreUnavailable(`${what}: not confirmed within ${silenceMs} ms`)), silenceMs);
    events.on('confirmation', () => clearTimeout(unconfirmed));
    const stop = (): void => void events.destroy();
    // One signal ends the subscriptions of all partitions; that many listeners are meant.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', stop);
    this.running.add(stop);
    try {
      for await (const event of events as AsyncIterable<ResolvedEvent | AllStreamResolvedEvent | CaughtUp>) {
        if ('kind' in event) yield event;
        else {
          const record = asRecord(event);
          if (record) yield record;
        }
        if (signal.aborted) return;
      }
      if (!signal.aborted) throw new StoreUnavailable(`${what}: ended by the server`);
    } catch (error) {
      if (signal.aborted) return;
      broken = !isPermanent(error);
      throw asStoreError(error, what);
    } finally {
      clearTimeout(unconfirmed);
      signal.removeEventListener('abort', stop);
      this.running.delete(stop);
      events.destroy();
      void subscription.unsubscribe().catch(() => undefined);
      borrowed.release(broken);
    }
  }

  private mustBeOpen(): void {
    if (this.closed) throw new StoreUnavailable('the event store is closed');
  }
}

const caughtUp: CaughtUp = { kind: 'caught-up' };

/** Undefined for a link to a record that is gone. */
function asRecord(resolved: ResolvedEvent | AllStreamResolvedEvent): RecordedEvent | undefined {
  const event = resolved.event;
  if (event === undefined) return undefined;
  return {
    kind: 'record',
    stream: event.streamId,
    revision: event.revision,
    position: event.position?.commit ?? resolved.commitPosition ?? 0n,
    id: event.id,
    type: event.type,
    data: asBytes(event.data) ?? new Uint8Array(0),
    metadata: asBytes(event.metadata),
    createdAt: event.created.getTime(),
  };
}

function asBytes(value: unknown): Uint8Array | undefined {
  if (value === undefined || value instanceof Uint8Array) return value;
  return Buffer.from(JSON.stringify(value), 'utf8');
}
