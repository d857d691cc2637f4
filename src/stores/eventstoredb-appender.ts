import type { AppendResult as ClientResult, EventData, EventStoreDBClient } from '@eventstore/db-client';
import { type AppendResult, type ExpectedRevision, type NewRecord, StoreUnavailable } from './event-store';
import { closeClient, openClient } from './eventstoredb-connections';
import { isNotLeader, isPermanent, isWrongRevision } from './eventstoredb-errors';
import { backoffMs } from './backoff';
import { pauseMs, within } from './within';

/**
 * Beyond 16 unsent messages the client's writer waits for a drain that never comes when the connection breaks, and rejects a
 * promise nobody holds, which ends the process. Fewer appends in flight than that keep it from waiting at all.
 */
const inFlightMax = 12;
/** After this an unanswered append is made again, with the same ids, over a new connection. */
const attemptMs = 10_000;
const backoff = { firstMs: 50, longestMs: 2_000 };

/** One connection's life: until the first append over it is answered, no other is made. */
interface Line {
  readonly client: EventStoreDBClient;
  proven: boolean;
  first: Promise<unknown> | undefined;
}

interface AppendCall {
  readonly stream: string;
  readonly records: readonly NewRecord[];
  readonly expected: ExpectedRevision;
  readonly timeoutMs: number;
}

/**
 * Everything a process appends to one server goes through one of these, over one connection. The client keeps the promises of all
 * appends of a process in one table: when a second appending connection breaks, those of the healthy one are rejected with it, and
 * its late answers then throw where nothing can catch them. So there is one, and it is closed before it is replaced.
 */
export class Appender {
  private line: Line | undefined;
  private closingLine: Promise<void> = Promise.resolve();
  private inFlight = 0;
  private readonly queue: (() => void)[] = [];
  private users = 0;
  private closed = false;

  private constructor(private readonly connectionString: string) {}

  private static readonly byServer = new Map<string, Appender>();

  /** The process's appender for a server. Each `open` is paired with one `close`. */
  static open(connectionString: string): Appender {
    let appender = Appender.byServer.get(connectionString);
    if (!appender) Appender.byServer.set(connectionString, (appender = new Appender(connectionString)));
    appender.users++;
    return appender;
  }

  async close(): Promise<void> {
    if (--this.users > 0) return;
    this.closed = true;
    Appender.byServer.delete(this.connectionString);
    if (this.line) this.replace(this.line);
    await this.closingLine;
  }

  async append(call: AppendCall): Promise<AppendResult> {
    const events = call.records.map(asEventData);
    const until = Date.now() + call.timeoutMs;
    let lastFault: unknown;
    for (let attempt = 0; ; attempt++) {
      const remainingMs = until - Date.now();
      if (this.closed) throw new StoreUnavailable(`append to ${call.stream}: the event store is closed`, { cause: lastFault });
      if (remainingMs <= 0) {
        const why = lastFault instanceof Error ? lastFault.message : 'no answer';
        throw new StoreUnavailable(`append to ${call.stream}: not acknowledged within ${call.timeoutMs} ms (${why})`, { cause: lastFault });
      }
      try {
        const result = await this.inTurn(remainingMs, (leftMs) => this.attempt(call, events, leftMs));
        return { ok: true, revision: result.nextExpectedRevision, position: result.position?.commit ?? 0n };
      } catch (error) {
        if (isWrongRevision(error)) {
          const actual = error.actualVersion;
          return { ok: false, reason: 'wrong-expected-revision', actual: typeof actual === 'bigint' ? actual : 'no-stream' };
        }
        if (isPermanent(error)) throw error;
        lastFault = error;
        await pauseMs(Math.min(backoffMs(attempt, backoff), Math.max(0, until - Date.now())));
      }
    }
  }

  private async attempt(call: AppendCall, events: EventData[], remainingMs: number): Promise<ClientResult> {
    const line = await this.currentLine(remainingMs);
    const timeoutMs = Math.min(remainingMs, attemptMs);
    if (line.first !== undefined && !line.proven) {
      await within(line.first, timeoutMs, 'waiting for the first append over a new connection');
      if (!line.proven) throw new StoreUnavailable('the first append over a new connection failed');
    }
    const answer = line.client.appendToStream(call.stream, events, {
      expectedRevision: asClientRevision(call.expected),
      deadline: timeoutMs,
    });
    // Appends sent before the first one is answered can arrive in any order.
    line.first ??= answer.catch(() => undefined);
    try {
      const result = await within(answer, timeoutMs, `append to ${call.stream}`);
      line.proven = true;
      return result;
    } catch (error) {
      if (isPermanent(error)) line.proven = true;
      else if (isNotLeader(error)) line.first = undefined;
      else this.replace(line);
      throw error;
    }
  }

  private async currentLine(remainingMs: number): Promise<Line> {
    await within(this.closingLine, remainingMs, 'closing a broken connection');
    if (this.closed) throw new StoreUnavailable('the event store is closed');
    return (this.line ??= { client: openClient(this.connectionString), proven: false, first: undefined });
  }

  /** Closing cancels what others have in flight on this connection; they make their appends again on the next one. */
  private replace(line: Line): void {
    if (this.line !== line) return;
    this.line = undefined;
    this.closingLine = closeClient(line.client);
  }

  private async inTurn<T>(remainingMs: number, work: (leftMs: number) => Promise<T>): Promise<T> {
    const until = Date.now() + remainingMs;
    if (this.inFlight >= inFlightMax) {
      let myTurn: () => void = () => undefined;
      const turn = new Promise<void>((resolve) => {
        myTurn = resolve;
        this.queue.push(resolve);
      });
      try {
        await within(turn, remainingMs, `${this.queue.length} appends are waiting`);
      } catch (error) {
        const place = this.queue.indexOf(myTurn);
        if (place >= 0) this.queue.splice(place, 1);
        else this.passOn();
        throw error;
      }
    } else this.inFlight++;
    try {
      return await work(Math.max(1, until - Date.now()));
    } finally {
      this.passOn();
    }
  }

  /** The next in the queue takes over the place of the one that is done. */
  private passOn(): void {
    const next = this.queue.shift();
    if (next) next();
    else this.inFlight--;
  }
}

function asEventData(record: NewRecord): EventData {
  const { id, type } = record;
  const metadata = record.metadata && record.metadata.length > 0 ? plainBytes(record.metadata) : undefined;
  if (record.contentType === 'binary')
    return { id, type, contentType: 'application/octet-stream', data: plainBytes(record.data), metadata };
  const data = JSON.parse(Buffer.from(record.data).toString('utf8')) as Record<string, unknown>;
  return { id, type, contentType: 'application/json', data, metadata };
}

/** The client sends a Buffer as metadata as JSON, and copies one given as data: it must be a Uint8Array and nothing more. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asClientRevision(expected: ExpectedRevision): 'any' | 'no_stream' | 'stream_exists' | bigint {
  switch (expected) {
    case 'any':
      return 'any';
    case 'no-stream':
      return 'no_stream';
    case 'stream-exists':
      return 'stream_exists';
    default:
      return expected;
  }
}
