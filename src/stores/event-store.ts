/** The log, as the roles need it. Adapter: eventstoredb.ts. Contract suite: test/contracts/event-store.ts. */
export interface EventStore {
  /** Bytes one append call may carry, data and metadata of all its records together. */
  readonly maxAppendBytes: number;

  /**
   * Appends in one piece. Retries transient faults by itself with the same record ids until `timeoutMs` is over, then
   * throws StoreUnavailable: the outcome is then unknown and the same call, with the same ids, may be made again.
   */
  append(stream: string, records: readonly NewRecord[], options?: AppendOptions): Promise<AppendResult>;

  /** Reads from a revision, inclusive. A stream that does not exist is empty. */
  read(stream: string, options?: ReadOptions): AsyncIterable<RecordedEvent>;

  /** The newest record of a stream, or undefined when there is none. */
  last(stream: string): Promise<RecordedEvent | undefined>;

  /**
   * Everything after `after` (exclusive; undefined: from the start), then what is appended later, until `signal` aborts.
   * Throws StoreUnavailable on connection loss: the caller resumes from its checkpoint. `caught-up` is given when the head is
   * reached, and again after having fallen behind; not after every record that follows live.
   */
  subscribe(stream: string, options: SubscribeOptions): AsyncIterable<RecordedEvent | CaughtUp>;

  /** As subscribe, over all streams whose name starts with `prefix`, in log order; resumes from a log position. */
  subscribeAll(options: SubscribeAllOptions): AsyncIterable<RecordedEvent | CaughtUp>;

  /** Resolves when the store answers, rejects with StoreUnavailable after `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;

  close(): Promise<void>;
}

export const EVENT_STORE = Symbol('EventStore');

export interface NewRecord {
  /** UUID; the idempotency key of the append. */
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  /** `json` for records people read in the store's own tools, `binary` for blocks. */
  readonly contentType: 'json' | 'binary';
  readonly metadata?: Uint8Array;
}

export interface AppendOptions {
  /** Default 'any'. A bigint is the revision the stream must be at. */
  readonly expected?: ExpectedRevision;
  /** Default 30,000. */
  readonly timeoutMs?: number;
}
export type ExpectedRevision = 'any' | 'no-stream' | 'stream-exists' | bigint;

export type AppendResult =
  | { readonly ok: true; readonly revision: bigint; readonly position: bigint }
  | { readonly ok: false; readonly reason: 'wrong-expected-revision'; readonly actual: bigint | 'no-stream' };

export interface ReadOptions {
  readonly from?: bigint | 'start' | 'end';
  readonly direction?: 'forwards' | 'backwards';
  /** Default: no limit. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}
export interface SubscribeOptions {
  readonly after: bigint | undefined;
  readonly signal: AbortSignal;
}
export interface SubscribeAllOptions {
  readonly prefix: string;
  /** Commit position. */
  readonly after: bigint | undefined;
  readonly signal: AbortSignal;
}

export interface RecordedEvent {
  readonly kind: 'record';
  readonly stream: string;
  readonly revision: bigint;
  /** Commit position in the log of all streams; 0n where the store does not say (reads of one stream). */
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array | undefined;
  /** The store's clock at the append, epoch ms. */
  readonly createdAt: number;
}
export interface CaughtUp {
  readonly kind: 'caught-up';
}

/** The store did not answer in time or refused the connection; trying again later is right. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
