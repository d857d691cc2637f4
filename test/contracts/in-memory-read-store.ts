import { deserialize, serialize } from 'bson';
import { StoreUnavailable } from '../../src/stores/event-store';
import type {
  BytesPage,
  Checkpoint,
  ControlDocument,
  ControlStore,
  DocumentStore,
  FlushOutcome,
  Intent,
  ReadStore,
  RecordStore,
  StoredDocument,
  Versioned,
} from '../../src/stores/read-store';

/**
 * The read store in memory, for fast tests of the layers above it. Faithful: it passes the contract suite the real adapter
 * passes; what is written is copied as BSON would (no undefined fields), and ids sort by their UTF-8 bytes.
 */
export class InMemoryReadStore implements ReadStore {
  private state: 'open' | 'away' | 'closed' = 'open';
  private readonly gate = (): void => {
    if (this.state === 'closed') throw new StoreUnavailable('the read store is closed');
    if (this.state === 'away') throw new StoreUnavailable('the read store does not answer');
  };
  readonly documents: DocumentStore = new InMemoryDocuments(this.gate);
  readonly control: ControlStore = new InMemoryControl(this.gate);
  readonly records: RecordStore = new InMemoryRecords(this.gate);

  /** True: every call throws StoreUnavailable, until it is false again. */
  setUnavailable(unavailable: boolean): void {
    if (this.state !== 'closed') this.state = unavailable ? 'away' : 'open';
  }

  async ping(_timeoutMs: number): Promise<void> {
    this.gate();
  }

  async close(): Promise<void> {
    this.state = 'closed';
  }
}

class InMemoryDocuments implements DocumentStore {
  private readonly byName = new Map<string, Map<string, StoredDocument>>();

  constructor(private readonly gate: () => void) {}

  async load(collection: string, ids: readonly string[]): Promise<StoredDocument[]> {
    this.gate();
    const stored = this.byName.get(collection);
    return [...new Set(ids)].flatMap((id) => {
      const found = stored?.get(id);
      return found ? [copy(found)] : [];
    });
  }

  async loadBytes(collection: string, ids: readonly string[]): Promise<Map<string, Uint8Array>> {
    return new Map((await this.load(collection, ids)).map((document) => [document._id, Uint8Array.from(serialize(document))]));
  }

  async scan(collection: string, from: string, to: string, options: { limit?: number } = {}): Promise<StoredDocument[]> {
    this.gate();
    const stored = this.byName.get(collection) ?? new Map<string, StoredDocument>();
    const ids = [...stored.keys()].filter((id) => byBytes(id, from) >= 0 && byBytes(id, to) < 0).sort(byBytes);
    return ids.slice(0, options.limit ?? ids.length).map((id) => copy(stored.get(id)!));
  }

  async scanBytes(collection: string, from: string, to: string, limit: number): Promise<BytesPage> {
    const found = await this.scan(collection, from, to, { limit });
    return { documents: found.map((document) => serialize(document)), more: found.length < limit ? undefined : found.at(-1)!._id };
  }

  async flush(collection: string, documents: readonly StoredDocument[], range: { r0: number; r1: number }): Promise<FlushOutcome> {
    this.gate();
    let stored = this.byName.get(collection);
    if (!stored) this.byName.set(collection, (stored = new Map()));
    let written = 0;
    let alreadyApplied = 0;
    let conflict: string | undefined;
    for (const document of documents) {
      const rev = stored.get(document._id)?.rev;
      if (rev === undefined || rev <= range.r0) {
        stored.set(document._id, copy({ ...document, rev: range.r1 }));
        written++;
      } else if (rev >= range.r1) alreadyApplied++;
      else conflict ??= document._id;
    }
    return conflict === undefined ? { ok: true, written, alreadyApplied } : { ok: false, conflict };
  }

  async flushBytes(collection: string, documents: readonly Uint8Array[], range: { r0: number; r1: number }): Promise<FlushOutcome> {
    const parsed = documents.map((bytes) => deserialize(bytes, { useBigInt64: true, promoteBuffers: true }) as StoredDocument);
    return this.flush(collection, parsed, range);
  }

  async remove(collection: string, ids: readonly string[]): Promise<void> {
    this.gate();
    for (const id of ids) this.byName.get(collection)?.delete(id);
  }

  async drop(collection: string): Promise<void> {
    this.gate();
    this.byName.delete(collection);
  }

  async collections(prefix: string): Promise<string[]> {
    this.gate();
    return [...this.byName.keys()].filter((name) => name.startsWith(prefix)).sort();
  }
}

class InMemoryControl implements ControlStore {
  private readonly byId = new Map<string, ControlDocument>();

  constructor(private readonly gate: () => void) {}

  async takeOver(id: string, owner: string): Promise<ControlDocument> {
    this.gate();
    const fresh: ControlDocument = {
      _id: id,
      epoch: 0,
      owner,
      checkpoint: { revision: -1, logTime: 0, resume: {}, events: 0 },
      intent: null,
    };
    const before = this.byId.get(id) ?? fresh;
    const taken = { ...before, owner, epoch: before.epoch + 1 };
    this.byId.set(id, taken);
    return copy(taken);
  }

  async get(id: string): Promise<ControlDocument | undefined> {
    this.gate();
    const found = this.byId.get(id);
    return found && copy(found);
  }

  async list(idPrefix: string): Promise<ControlDocument[]> {
    this.gate();
    const ids = [...this.byId.keys()].filter((id) => id.startsWith(idPrefix)).sort(byBytes);
    return ids.map((id) => copy(this.byId.get(id)!));
  }

  async saveIntent(id: string, epoch: number, intent: Intent): Promise<boolean> {
    return this.change(id, epoch, { intent });
  }

  async saveCheckpoint(id: string, epoch: number, checkpoint: Checkpoint): Promise<boolean> {
    return this.change(id, epoch, { checkpoint, intent: null });
  }

  async remove(idPrefix: string): Promise<void> {
    this.gate();
    for (const id of [...this.byId.keys()]) if (id.startsWith(idPrefix)) this.byId.delete(id);
  }

  private change(id: string, epoch: number, change: Partial<ControlDocument>): boolean {
    this.gate();
    const stored = this.byId.get(id);
    if (stored?.epoch !== epoch) return false;
    this.byId.set(id, copy({ ...stored, ...change }));
    return true;
  }
}

interface StoredRecord {
  rev: number;
  order: number;
  value: object;
}

class InMemoryRecords implements RecordStore {
  private readonly byKind = new Map<string, Map<string, StoredRecord>>();

  constructor(private readonly gate: () => void) {}

  async get<T extends object>(kind: string, id: string): Promise<Versioned<T> | undefined> {
    this.gate();
    const found = this.byKind.get(kind)?.get(id);
    return found && { id, rev: found.rev, value: copy(found.value) as T };
  }

  async list<T extends object>(kind: string, idPrefix = '', options: { limit?: number; after?: string } = {}): Promise<Versioned<T>[]> {
    this.gate();
    const { after } = options;
    const stored = this.byKind.get(kind) ?? new Map<string, StoredRecord>();
    const ids = [...stored.keys()].filter((id) => id.startsWith(idPrefix) && (after === undefined || byBytes(id, after) > 0)).sort(byBytes);
    return ids.slice(0, options.limit ?? ids.length).map((id) => {
      const { rev, value } = stored.get(id)!;
      return { id, rev, value: copy(value) as T };
    });
  }

  async put<T extends object>(kind: string, id: string, value: T): Promise<void> {
    const before = this.stored(kind).get(id);
    this.stored(kind).set(id, { rev: (before?.rev ?? 0) + 1, order: before?.order ?? 0, value: copy(value) });
  }

  async putIf<T extends object>(kind: string, id: string, value: T, rev: number): Promise<boolean> {
    const before = this.stored(kind).get(id);
    if ((before?.rev ?? 0) !== rev) return false;
    this.stored(kind).set(id, { rev: rev + 1, order: before?.order ?? 0, value: copy(value) });
    return true;
  }

  async putNewer<T extends object>(kind: string, id: string, value: T, order: number): Promise<boolean> {
    const before = this.stored(kind).get(id);
    if (before && before.order >= order) return false;
    this.stored(kind).set(id, { rev: (before?.rev ?? 0) + 1, order, value: copy(value) });
    return true;
  }

  async delete(kind: string, id: string): Promise<void> {
    this.stored(kind).delete(id);
  }

  private stored(kind: string): Map<string, StoredRecord> {
    this.gate();
    let records = this.byKind.get(kind);
    if (!records) this.byKind.set(kind, (records = new Map()));
    return records;
  }
}

/** As UTF-8 sorts them: other than their code units only where a surrogate is compared. */
function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === length) return a.length - b.length;
  const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)];
  return one < 0xd800 && other < 0xd800 ? one - other : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A deep copy holding what BSON would keep; what BSON would change or refuse is a mistake of the caller and throws. */
function copy<T>(value: T): T {
  if (value === null || typeof value !== 'object') {
    if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`a stored document cannot hold a ${typeof value}`);
    return value;
  }
  if (value instanceof Date) return new Date(value) as T;
  if (value instanceof Uint8Array) return Uint8Array.from(value) as T;
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : copy(item))) as T;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError(`a stored document cannot hold a ${value.constructor.name}`);
  const copied: Record<string, unknown> = {};
  for (const key in value) if (value[key] !== undefined) copied[key] = copy(value[key]);
  return copied as T;
}
