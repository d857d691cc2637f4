import type { CollectAnswer } from '../protocol/event';
import { Backoff } from './backoff';
import { Connection, ConnectionLost, RecountRefused, RequestFailed } from './connection';
import { eventBytesMax, settle, type DropReason, type RecountOptions, type Settings, type TrackedEvent } from './options';
import { EventQueue, type QueuedEvent } from './queue';
import { randomId } from './random-id';
import { Conditions, within } from './waiting';

/** What this client has done so far; every tracked event is in exactly one of queued, inFlight, sent, rejected, dropped. */
export interface RecountStats {
  queued: number;
  queuedBytes: number;
  /** Sent and waiting for the server's answer, or waiting to be sent again. */
  inFlight: number;
  /** Acknowledged by the server; written to the connection in fire-and-forget mode. */
  sent: number;
  rejected: number;
  dropped: number;
  /** Connections the server accepted; more than one means that it came back. */
  connections: number;
}

/** One refusal may come from a server that is shutting down, or has not heard of a key that is a second old; so many are meant. */
const refusalsMax = 3;
/** A server may remember for a second that it does not know a key; three attempts take longer than that. */
const refusalPauseMs = 600;

interface Batch {
  readonly events: readonly QueuedEvent[];
  readonly firstSequence: number;
}

/**
 * Sends events in batches over one RSocket connection, which it opens when the first event is tracked and opens again
 * whenever it is lost. Made by {@link createRecount}.
 */
export class RecountClient {
  private readonly settings: Settings;
  private readonly queue: EventQueue;
  private readonly connecting: Backoff;
  private readonly retrying: Backoff;
  private readonly inFlight = new Set<Batch>();
  /** Batches to be sent again, before anything new. */
  private again: Batch[] = [];
  private connection: Connection | undefined;
  private running: Promise<void> | undefined;
  private refused: RecountRefused | undefined;
  private refusals = 0;
  private closing = false;
  private closed = false;
  private sequence = 0;
  /** Events up to this sequence leave without waiting for a full batch. */
  private hurryUpTo = -1;
  private oldestQueuedAt = 0;
  private holdUntil = 0;
  private timer: NodeJS.Timeout | undefined;
  private wakeUp: (() => void) | undefined;
  private readonly conditions = new Conditions();
  private readonly counts = { sent: 0, rejected: 0, dropped: 0, connections: 0, inFlight: 0 };

  constructor(options: RecountOptions) {
    this.settings = settle(options);
    this.queue = new EventQueue(this.settings.queueEventsMax, this.settings.queueBytesMax);
    this.connecting = new Backoff(this.settings.backoffMs, this.settings.backoffMaxMs);
    this.retrying = new Backoff(this.settings.backoffMs, this.settings.backoffMaxMs);
  }

  /** Queues an event and returns at once. False: it was dropped, and `onDrop` has been told why. */
  track(event: TrackedEvent): boolean {
    const id = event.id ?? randomId();
    if (this.closing) return this.drop([id], 'closed');
    if (this.refused !== undefined) return this.drop([id], 'refused');
    const json = JSON.stringify({ ...event, id, time: event.time ?? Date.now() });
    const bytes = Buffer.byteLength(json) + 1;
    if (bytes > eventBytesMax) return this.drop([id], 'too-large');
    if (!this.queue.add({ sequence: this.sequence, id, json, bytes })) return this.drop([id], 'queue-full');
    this.sequence++;
    if (this.queue.length === 1) this.oldestQueuedAt = Date.now();
    this.running ??= this.run();
    if (this.batchIsFull() || this.timer === undefined) this.pump();
    return true;
  }

  /** Resolves when the queue is at most half full: for producers that would rather wait than drop. */
  room(): Promise<void> {
    return this.conditions.until(() => this.queue.hasRoom || this.refused !== undefined || this.closed);
  }

  /**
   * Sends what was tracked before the call, and resolves when all of it is acknowledged (or written, in fire-and-forget mode),
   * refused by the server or dropped.
   * @throws RecountRefused; Error naming how many events are still on their way when `withinMs` is over
   */
  async flush(options: { withinMs?: number } = {}): Promise<void> {
    const withinMs = options.withinMs ?? 30_000;
    const upTo = this.sequence - 1;
    this.hurryUpTo = Math.max(this.hurryUpTo, upTo);
    if (this.queue.length > 0) this.running ??= this.run();
    this.pump();
    let delivered = await within(
      this.conditions.until(() => this.oldestOutstanding() > upTo || this.refused !== undefined || this.closed),
      withinMs,
    );
    if (this.refused !== undefined) throw this.refused;
    if (delivered && this.settings.mode === 'fire-and-forget' && this.connection !== undefined) {
      delivered = await within(this.connection.written(), withinMs);
    }
    if (!delivered) throw new Error(`Recount: ${this.queue.length + this.counts.inFlight} events are not delivered after ${withinMs} ms`);
  }

  /**
   * Flushes for at most `withinMs`, gives up what is left (`onDrop` with reason `closed`), and closes the connection.
   * The client cannot be used afterwards.
   * @throws RecountRefused when that is why events could not be sent
   */
  async close(options: { withinMs?: number } = {}): Promise<RecountStats> {
    if (this.closed) return this.stats();
    this.closing = true;
    let failure: unknown;
    try {
      await this.flush({ withinMs: options.withinMs ?? 5_000 });
    } catch (error) {
      failure = error;
    }
    this.closed = true;
    this.giveUp('closed');
    this.connection?.close();
    clearTimeout(this.timer);
    this.wakeUp?.();
    await this.running;
    this.conditions.look();
    if (failure instanceof RecountRefused) throw failure;
    return this.stats();
  }

  stats(): RecountStats {
    return { queued: this.queue.length, queuedBytes: this.queue.bytes, ...this.counts };
  }

  /** Opens connections, one after the other, for as long as the client lives. */
  private async run(): Promise<void> {
    while (!this.closed) {
      try {
        const connection = await Connection.open(this.settings.url, this.settings.writeKey, this.settings.connectTimeoutMs);
        this.counts.connections++;
        this.refusals = 0;
        this.connection = connection;
        const openedAt = Date.now();
        if (this.closed) connection.close();
        this.pump();
        const reason = await connection.closed;
        this.connection = undefined;
        // A server that accepts and hangs up at once must not be called in a tight loop.
        if (Date.now() - openedAt > this.settings.backoffMaxMs) this.connecting.reset();
        if (connection.requestsMade < this.settings.requestsPerConnectionMax) throw reason;
      } catch (error) {
        if (this.closed) return;
        this.refusals = error instanceof RecountRefused ? this.refusals + 1 : 0;
        if (this.refusals >= refusalsMax) return this.refuse(error as RecountRefused);
        if (this.refusals === 0) this.settings.onError?.(error as Error);
        await this.pause(Math.max(this.connecting.nextMs(), this.refusals > 0 ? refusalPauseMs : 0));
      }
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private refuse(error: RecountRefused): void {
    this.refused = error;
    this.giveUp('refused');
    if (this.settings.onError) this.settings.onError(error);
    else process.emitWarning(error.message, 'RecountRefused');
    this.conditions.look();
  }

  /** Sends every batch that may leave now, and sets the timer for the next one. */
  private pump(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.closed || this.refused !== undefined) return;
    const connection = this.connection;
    // Without a connection nothing leaves; `run` pumps as soon as there is one.
    if (connection === undefined) return this.wakeIn(this.settings.backoffMaxMs);
    if (this.spent(connection)) return;
    const held = this.holdUntil - Date.now();
    if (held > 0) return this.wakeIn(held);
    while (this.inFlight.size < this.settings.inFlightBatchesMax) {
      if (connection.congested) return this.wakeIn(5);
      const batch = this.again.shift() ?? this.nextBatch();
      if (batch === undefined) break;
      if (this.settings.mode === 'acknowledged') void this.deliver(batch, connection);
      else this.send(batch, connection);
      if (this.spent(connection)) return;
    }
    if (this.queue.length > 0) this.wakeIn(Math.max(1, this.oldestQueuedAt + this.settings.batchAfterMs - Date.now()));
  }

  private wakeIn(ms: number): void {
    this.timer = setTimeout(() => this.pump(), ms);
  }

  /** A connection that has used up its stream ids is left alone until its last answer is in, and then closed. */
  private spent(connection: Connection): boolean {
    if (connection.requestsMade < this.settings.requestsPerConnectionMax) return false;
    if (this.inFlight.size === 0) void connection.written().then(() => connection.close());
    return true;
  }

  private batchIsFull(): boolean {
    return this.queue.length >= this.settings.batchEventsMax || this.queue.bytes >= this.settings.batchBytesMax;
  }

  private nextBatch(): Batch | undefined {
    const first = this.queue.first;
    if (first === undefined) return undefined;
    const due = this.batchIsFull() || first.sequence <= this.hurryUpTo || Date.now() - this.oldestQueuedAt >= this.settings.batchAfterMs;
    if (!due) return undefined;
    const events = this.queue.take(this.settings.batchEventsMax, this.settings.batchBytesMax);
    this.oldestQueuedAt = Date.now();
    this.counts.inFlight += events.length;
    return { events, firstSequence: first.sequence };
  }

  private send(batch: Batch, connection: Connection): void {
    connection.send(encode(batch));
    this.settleBatch(batch, 0);
  }

  private async deliver(batch: Batch, connection: Connection): Promise<void> {
    this.inFlight.add(batch);
    try {
      const answer = JSON.parse((await connection.request(encode(batch), this.settings.requestTimeoutMs)).toString()) as CollectAnswer;
      // Given up in the meantime: the batch is no longer this client's to count.
      if (!this.inFlight.delete(batch)) return;
      this.retrying.reset();
      this.settleBatch(batch, answer.rejected.length);
      if (answer.rejected.length > 0) this.settings.onReject?.(answer.rejected);
    } catch (error) {
      if (!this.inFlight.delete(batch)) return;
      this.takeBack(batch, error);
    }
    this.pump();
  }

  private takeBack(batch: Batch, error: unknown): void {
    if (error instanceof RequestFailed && !error.retry) {
      // The server cannot read the batch as a whole. No event of it can ever be accepted in this form.
      this.settleBatch(batch, batch.events.length);
      const detail = error.message;
      this.settings.onReject?.(batch.events.map((event, index) => ({ index, id: event.id, reason: 'invalid-field', detail })));
      return;
    }
    this.again.push(batch);
    this.again.sort((a, b) => a.firstSequence - b.firstSequence);
    if (error instanceof ConnectionLost || error instanceof RecountRefused) return;
    this.holdUntil = Date.now() + this.retrying.nextMs();
    this.settings.onError?.(error as Error);
  }

  private settleBatch(batch: Batch, rejected: number): void {
    this.counts.inFlight -= batch.events.length;
    this.counts.rejected += rejected;
    this.counts.sent += batch.events.length - rejected;
    this.conditions.look();
  }

  /** The sequence of the oldest event that is neither acknowledged nor given up. */
  private oldestOutstanding(): number {
    let oldest = this.again[0]?.firstSequence ?? this.queue.first?.sequence ?? this.sequence;
    for (const batch of this.inFlight) oldest = Math.min(oldest, batch.firstSequence);
    return oldest;
  }

  private giveUp(reason: DropReason): void {
    const lost = [...this.again, ...this.inFlight].flatMap((batch) => batch.events);
    lost.push(...this.queue.take(Infinity, Infinity));
    this.again = [];
    this.inFlight.clear();
    this.counts.inFlight = 0;
    if (lost.length === 0) return;
    this.drop(
      lost.map((event) => event.id),
      reason,
    );
  }

  private drop(ids: readonly string[], reason: DropReason): false {
    this.counts.dropped += ids.length;
    this.settings.onDrop?.(ids, reason);
    return false;
  }
}

/** The same events on every attempt; `sentAt` is this attempt's, since the server corrects clocks by it. */
function encode(batch: Batch): Buffer {
  return Buffer.from(`{"sentAt":${Date.now()},"events":[${batch.events.map((event) => event.json).join(',')}]}`);
}
