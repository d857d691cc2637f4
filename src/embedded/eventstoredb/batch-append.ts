import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { OpenCalls } from './open-calls';
import { invalidArgument, resourceExhausted, unavailable } from './refusal';
import type { AppendOutcome, StreamStore } from './stream-store';
import type { BatchAppendMessage, BatchAppendOptions, ProposedEvent } from './wire/append-request';
import { encodeFailure, encodeSuccess, statusOf, timedOut } from './wire/batch-append-reply';
import { MalformedMessage } from './wire/protobuf-reader';

/** One append of a call: gathering its chunks, then waiting for its sync. */
interface OpenAppend {
  readonly correlationId: Buffer;
  readonly options: BatchAppendOptions;
  readonly streamIdentifier: Buffer;
  events: ProposedEvent[];
  bytes: number;
}

/** Appends of one call that were begun and not answered. */
const openAppendsMax = 10_000;
/** The call is not read while this much waits for the disk, and read again below half of it. */
const queuedBytesMax = 64 << 20;
/** Nor while this many replies wait for the client to take them. */
const unreadRepliesMax = 1_000;
/** Deadlines are looked at this often. */
const deadlineSweepMs = 25;

/**
 * Streams.BatchAppend: many appends on one call, each told apart by its correlation id and sent in chunks whose first
 * carries the options. Replies come in the order the appends become durable; each append gets exactly one, also when its
 * deadline passes first: then its outcome is unknown to the client, as with any timeout.
 */
export function batchAppendHandler(store: StreamStore, calls: OpenCalls) {
  return (call: ServerDuplexStream<BatchAppendMessage | MalformedMessage, Buffer>): void => new BatchAppendCall(store, calls, call).start();
}

class BatchAppendCall {
  private readonly open = new Map<string, OpenAppend>();
  private readonly closed: () => void;
  private sweeper: NodeJS.Timeout | undefined;
  private inputEnded = false;
  private ended = false;
  private waitsForDisk = false;

  constructor(
    private readonly store: StreamStore,
    calls: OpenCalls,
    private readonly call: ServerDuplexStream<BatchAppendMessage | MalformedMessage, Buffer>,
  ) {
    this.closed = calls.add((reason) => this.fail(unavailable(reason)));
  }

  start(): void {
    const { call } = this;
    call.on('data', (message: BatchAppendMessage | MalformedMessage) => {
      if (message instanceof MalformedMessage) this.fail(invalidArgument(message.message));
      else this.receive(message);
    });
    call.on('drain', () => this.readOn());
    call.on('end', () => {
      this.inputEnded = true;
      this.endWhenAnswered();
    });
    call.on('cancelled', () => this.finish());
    call.on('error', () => this.finish());
  }

  private receive(message: BatchAppendMessage): void {
    if (this.ended) return;
    const key = message.correlationId.toString('latin1');
    let append = this.open.get(key);
    if (message.options && !append) {
      if (this.open.size >= openAppendsMax) return this.fail(resourceExhausted(`a call has at most ${openAppendsMax} appends in flight`));
      const { options, correlationId } = message;
      append = { correlationId, options, streamIdentifier: options.streamIdentifier, events: [], bytes: 0 };
      this.open.set(key, append);
      if (options.deadlineAt !== Infinity) this.sweeper ??= setInterval(() => this.refuseLate(), deadlineSweepMs);
    }
    // What follows for an append that was already refused is read and dropped.
    if (!append) return;
    for (const event of message.events) append.bytes += event.sizeBytes;
    append.events = append.events.length === 0 ? message.events : append.events.concat(message.events);
    const { options } = append;
    if (append.bytes > this.store.maxAppendBytes) {
      return this.answer(key, append, { kind: 'too-large', bytesMax: this.store.maxAppendBytes });
    }
    if (!message.final) return;
    if (options.deadlineAt <= Date.now()) return this.timeOut(key, append);
    const received = append;
    const { events } = append;
    // The sync may take long; the request's bytes are in the log's buffers by now.
    append.events = [];
    this.store.append(options.stream, options.expected, events, (outcome) => this.answer(key, received, outcome));
    if (this.store.log.queuedBytes > queuedBytesMax) this.waitForDisk();
    else if (this.call.writableLength > unreadRepliesMax) this.call.pause();
  }

  private answer(key: string, append: OpenAppend, outcome: AppendOutcome): void {
    if (this.ended || this.open.get(key) !== append) return;
    // The protocol's status details have no word for "try again later", and the client crashes on a status without
    // details; the end of the call with UNAVAILABLE reaches every append that waits, and makes the client reconnect.
    if (outcome.kind === 'unavailable') return this.fail(unavailable(outcome.reason));
    this.open.delete(key);
    this.call.write(
      outcome.kind === 'appended'
        ? encodeSuccess(append, outcome.revision, outcome.position)
        : encodeFailure(append, statusOf(outcome, append.streamIdentifier, append.options.expected)),
    );
    this.endWhenAnswered();
  }

  private timeOut(key: string, append: OpenAppend): void {
    this.open.delete(key);
    this.call.write(encodeFailure(append, timedOut()));
    this.endWhenAnswered();
  }

  private refuseLate(): void {
    const now = Date.now();
    for (const [key, append] of this.open) if (append.options.deadlineAt <= now) this.timeOut(key, append);
    if (this.open.size === 0) this.stopSweeping();
  }

  private waitForDisk(): void {
    if (this.waitsForDisk) return;
    this.waitsForDisk = true;
    this.call.pause();
    const { log } = this.store;
    const look = (): void => {
      if (!this.ended && log.queuedBytes > queuedBytesMax / 2) return log.whenSynced(() => setImmediate(look));
      this.waitsForDisk = false;
      this.readOn();
    };
    log.whenSynced(() => setImmediate(look));
  }

  private readOn(): void {
    if (!this.waitsForDisk && this.call.isPaused() && this.call.writableLength <= unreadRepliesMax) this.call.resume();
  }

  private endWhenAnswered(): void {
    if (!this.inputEnded || this.open.size > 0 || this.ended) return;
    this.finish();
    this.call.end();
  }

  private fail(error: Error): void {
    if (this.ended) return;
    this.finish();
    this.call.emit('error', error);
  }

  private finish(): void {
    this.ended = true;
    this.open.clear();
    this.stopSweeping();
    this.closed();
  }

  private stopSweeping(): void {
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }
}
