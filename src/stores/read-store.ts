/**
 * The read models and the small documents that keep them exact. Adapter: mongodb.ts. Contract suite: test/contracts/read-store.ts.
 * Every read is majority, every write majority + journal.
 */
export interface ReadStore {
  readonly documents: DocumentStore;
  readonly control: ControlStore;
  readonly records: RecordStore;
  /** Resolves when the store answers, rejects with StoreUnavailable after `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export const READ_STORE = Symbol('ReadStore');

/** A document of a read model. `rev` is the log revision (of its partition) it is folded to. */
export interface StoredDocument {
  _id: string;
  rev: number;
  [field: string]: unknown;
}

export interface BytesPage {
  /** In order of _id; fewer than were asked for where those are all, or where they are large. */
  readonly documents: readonly Uint8Array[];
  /** The _id of the last one where there may be more behind it. */
  readonly more: string | undefined;
}

/** Guarded, idempotent writes of whole documents (docs/decisions/013-exactly-once.md, step 3). */
export interface DocumentStore {
  load(collection: string, ids: readonly string[]): Promise<StoredDocument[]>;
  /** As load, each document as its BSON, by id. The bytes are the caller's to keep: nothing else is in their buffers. */
  loadBytes(collection: string, ids: readonly string[]): Promise<Map<string, Uint8Array>>;
  /** Documents with from <= _id < to, in order of _id. */
  scan(collection: string, from: string, to: string, options?: { limit?: number }): Promise<StoredDocument[]>;
  /** As scan, each document as its BSON: for readers who need little of many. The bytes of all may share one buffer. */
  scanBytes(collection: string, from: string, to: string, limit: number): Promise<BytesPage>;
  /**
   * Writes each document (its `rev` set to r1) where the stored one has rev <= r0 or is absent; unordered, in batches the server accepts.
   * Safe to repeat. Returns only when each document is accounted for; `conflict` names a document found strictly between r0 and r1,
   * which means the read model cannot be trusted and must be rebuilt. Throws StoreUnavailable when the outcome is unknown.
   */
  flush(collection: string, documents: readonly StoredDocument[], range: { r0: number; r1: number }): Promise<FlushOutcome>;
  /** As flush, of documents as their BSON, which begin with `_id` and in which `rev` is r1 already: for writers who never parsed them. */
  flushBytes(collection: string, documents: readonly Uint8Array[], range: { r0: number; r1: number }): Promise<FlushOutcome>;
  /** Removes documents by id; used for state snapshots that a newer one replaces. */
  remove(collection: string, ids: readonly string[]): Promise<void>;
  drop(collection: string): Promise<void>;
  collections(prefix: string): Promise<string[]>;
}

export type FlushOutcome =
  { readonly ok: true; readonly written: number; readonly alreadyApplied: number } | { readonly ok: false; readonly conflict: string };

/** One control document per (generation, partition): the fence, the checkpoint and the intent (docs/decisions/013-exactly-once.md). */
export interface ControlStore {
  /** Increments the epoch and returns the document, created at revision -1 when absent. */
  takeOver(id: string, owner: string): Promise<ControlDocument>;
  get(id: string): Promise<ControlDocument | undefined>;
  list(idPrefix: string): Promise<ControlDocument[]>;
  /** False: another owner has a later epoch; the caller must stop. */
  saveIntent(id: string, epoch: number, intent: Intent): Promise<boolean>;
  /** Sets checkpoint = r1 and clears the intent. False: fenced off, the caller must stop. */
  saveCheckpoint(id: string, epoch: number, checkpoint: Checkpoint): Promise<boolean>;
  remove(idPrefix: string): Promise<void>;
}

export interface Checkpoint {
  /** Log revision folded and flushed, inclusive; -1 before the first. */
  revision: number;
  /** Epoch ms of the newest record folded, by the log's clock; what `asOf` is computed from. */
  logTime: number;
  /** What the projector needs to resume deterministically, opaque to the store. */
  resume: Record<string, unknown>;
  events: number;
}
export interface Intent {
  r0: number;
  r1: number;
  /** Of the projections' code, tables and configuration: a different one at recovery means rebuild, never guess. */
  fingerprint: string;
}
export interface ControlDocument {
  _id: string;
  epoch: number;
  owner: string;
  checkpoint: Checkpoint;
  intent: Intent | null;
}

/**
 * Small records looked up by id or scanned by prefix: merchants, keys, leases, generations, rebuilds. One collection per kind.
 * `putIf` is compare-and-set on `rev` (absent = 0), which it increments.
 */
export interface RecordStore {
  get<T extends object>(kind: string, id: string): Promise<Versioned<T> | undefined>;
  list<T extends object>(kind: string, idPrefix?: string, options?: { limit?: number; after?: string }): Promise<Versioned<T>[]>;
  put<T extends object>(kind: string, id: string, value: T): Promise<void>;
  /** Writes only if the stored rev equals `rev` (0: must be absent). False otherwise. */
  putIf<T extends object>(kind: string, id: string, value: T, rev: number): Promise<boolean>;
  /** Writes only if `order` is greater than the stored one's (or none is stored): for records projected from a stream. */
  putNewer<T extends object>(kind: string, id: string, value: T, order: number): Promise<boolean>;
  delete(kind: string, id: string): Promise<void>;
}
export interface Versioned<T> {
  id: string;
  rev: number;
  value: T;
}
