import { limits } from '../protocol/limits';
import type { IncomingEvent, RejectedEvent } from '../protocol/event';

/** An event as an application hands it over: what it leaves out is filled in when it is tracked. */
export type TrackedEvent = Omit<IncomingEvent, 'id' | 'time'> & {
  /** Idempotency key. Default: 32 random hex digits. */
  id?: string;
  /** Default: now. */
  time?: string | number | Date;
};

/** Why events were given up. `queue-full`: tracked faster than sent; `too-large`: one event above the batch limit; `refused`: the server refused the key. */
export type DropReason = 'queue-full' | 'too-large' | 'closed' | 'refused';

export interface RecountOptions {
  /** `tcp://host:port`, `ws://host:port` or `wss://host:port`. */
  url: string;
  writeKey: string;
  /**
   * `acknowledged` (default): a batch is sent again, with the same event ids, until the server has it on disk.
   * `fire-and-forget`: a batch is sent once; what a lost connection swallows is lost.
   */
  mode?: 'acknowledged' | 'fire-and-forget';
  /** A batch leaves when it holds this many events … */
  batchEventsMax?: number;
  /** … or this many bytes of JSON … */
  batchBytesMax?: number;
  /** … or when its first event has waited this long. */
  batchAfterMs?: number;
  /** Events waiting to be sent; more are dropped and reported to `onDrop`. */
  queueEventsMax?: number;
  queueBytesMax?: number;
  /** Batches sent and not yet acknowledged. */
  inFlightBatchesMax?: number;
  /** Without an answer for this long the connection counts as lost and the batch is sent again. */
  requestTimeoutMs?: number;
  connectTimeoutMs?: number;
  /** First pause before a new attempt; doubles up to `backoffMaxMs`. */
  backoffMs?: number;
  backoffMaxMs?: number;
  /** Requests after which a connection is replaced by a fresh one; RSocket stream ids do not wrap, so at most 2^30. */
  requestsPerConnectionMax?: number;
  /** Events this client gave up. */
  onDrop?: (ids: readonly string[], reason: DropReason) => void;
  /** Events the server refused, each with its reason: sending them again would change nothing. Acknowledged mode only. */
  onReject?: (rejected: readonly RejectedEvent[]) => void;
  /** A connection that failed and will be tried again, or (RecountRefused) will not. */
  onError?: (error: Error) => void;
}

export type Settings = Required<Omit<RecountOptions, 'onDrop' | 'onReject' | 'onError'>> &
  Pick<RecountOptions, 'onDrop' | 'onReject' | 'onError'>;

/** Room for the frame header and the envelope around the events. */
const envelopeBytes = 1_024;
const requestsPerConnectionLimit = 2 ** 30 - 1;

/** @throws Error naming the option, its value and what is allowed. */
export function settle(options: RecountOptions): Settings {
  if (!/^(tcp|ws|wss):\/\/[^/\s]+/.test(options.url)) {
    throw new Error(`Recount: url is ${JSON.stringify(options.url)}, allowed: tcp://host:port, ws://host:port or wss://host:port`);
  }
  if (options.url.startsWith('tcp:') && !/:\d+$/.test(options.url)) {
    throw new Error(`Recount: url is ${JSON.stringify(options.url)}, which names no port, such as tcp://127.0.0.1:7878`);
  }
  if (typeof options.writeKey !== 'string' || options.writeKey === '') throw new Error('Recount: writeKey must be a non-empty string');
  const settings: Settings = {
    mode: 'acknowledged',
    batchEventsMax: 500,
    batchBytesMax: 256 << 10,
    batchAfterMs: 100,
    queueEventsMax: 100_000,
    queueBytesMax: 64 << 20,
    inFlightBatchesMax: 4,
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    backoffMs: 100,
    backoffMaxMs: 10_000,
    requestsPerConnectionMax: requestsPerConnectionLimit,
    ...withoutUndefined(options),
  };
  check('batchEventsMax', settings.batchEventsMax, 1, limits.batchEventsMax);
  check('batchBytesMax', settings.batchBytesMax, 1, limits.batchBytesMax - envelopeBytes);
  check('batchAfterMs', settings.batchAfterMs, 0, 60_000);
  check('queueEventsMax', settings.queueEventsMax, 1, 10_000_000);
  check('queueBytesMax', settings.queueBytesMax, 1, 2 ** 31);
  check('inFlightBatchesMax', settings.inFlightBatchesMax, 1, 1_000);
  check('requestTimeoutMs', settings.requestTimeoutMs, 1, 3_600_000);
  check('connectTimeoutMs', settings.connectTimeoutMs, 1, 3_600_000);
  check('backoffMs', settings.backoffMs, 1, 3_600_000);
  check('backoffMaxMs', settings.backoffMaxMs, settings.backoffMs, 3_600_000);
  check('requestsPerConnectionMax', settings.requestsPerConnectionMax, 1, requestsPerConnectionLimit);
  return settings;
}

/** An event above this many bytes of JSON fits into no batch. */
export const eventBytesMax = limits.batchBytesMax - envelopeBytes;

function check(name: string, value: number, from: number, to: number): void {
  if (!Number.isInteger(value) || value < from || value > to) {
    throw new Error(`Recount: ${name} is ${JSON.stringify(value)}, allowed: a whole number from ${from} to ${to}`);
  }
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
