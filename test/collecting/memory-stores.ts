import type { AcceptedEvent } from '../../src/domain/columns';
import { decodeBlockRows } from '../../src/stores/block';
import { type AppendResult, type EventStore, type NewRecord, StoreUnavailable } from '../../src/stores/event-store';
import { recordKinds, type KeyRecord } from '../../src/stores/records';
import type { ReadStore, Versioned } from '../../src/stores/read-store';
import type { SecretRecord } from '../../src/stores/pseudonym-secrets';
import type { StoredReject } from '../../src/stores/rejects';
import { keyHash } from '../../src/peers/key-directory';

/** The log, in memory, as far as collecting uses it: idempotent by record id, and as slow or broken as a test wants it. */
export class MemoryEventStore implements Pick<EventStore, 'append' | 'maxAppendBytes' | 'ping'> {
  maxAppendBytes = 1 << 20;
  readonly streams = new Map<string, NewRecord[]>();
  /** Ids in the order in which appends were tried. */
  readonly attempts: { stream: string; id: string }[] = [];
  appendMs = 0;
  /** Appends now under way, and the most there ever were on one stream. */
  private readonly underWay = new Map<string, number>();
  mostUnderWayOnOneStream = 0;
  /** Called before an append takes effect; what it throws is thrown. */
  before: (attempt: number, stream: string) => void = () => undefined;
  /** Called after it took effect: an append whose outcome the caller never learns. */
  after: (attempt: number) => void = () => undefined;

  async append(stream: string, records: readonly NewRecord[]): Promise<AppendResult> {
    const attempt = this.attempts.push({ stream, id: records[0]!.id });
    const underWay = (this.underWay.get(stream) ?? 0) + 1;
    this.underWay.set(stream, underWay);
    this.mostUnderWayOnOneStream = Math.max(this.mostUnderWayOnOneStream, underWay);
    try {
      await new Promise((resolve) => (this.appendMs > 0 ? setTimeout(resolve, this.appendMs) : setImmediate(resolve)));
      this.before(attempt, stream);
      const stored = this.streams.get(stream) ?? [];
      this.streams.set(stream, stored);
      for (const record of records) if (!stored.some(({ id }) => id === record.id)) stored.push(record);
      this.after(attempt);
      return { ok: true, revision: BigInt(stored.length - 1), position: 0n };
    } finally {
      this.underWay.set(stream, this.underWay.get(stream)! - 1);
    }
  }

  async ping(): Promise<void> {
    this.before(0, '');
  }

  get events(): AcceptedEvent[] {
    return this.records('events-').flatMap(({ data }) => decodeBlockRows(data));
  }

  get rejects(): StoredReject[] {
    return this.records('rejects-').flatMap(
      ({ data }) => (JSON.parse(Buffer.from(data).toString()) as { rejected: StoredReject[] }).rejected,
    );
  }

  records(prefix: string): NewRecord[] {
    return [...this.streams].filter(([stream]) => stream.startsWith(prefix)).flatMap(([, records]) => records);
  }
}

export const unavailable = (): never => {
  throw new StoreUnavailable('the store is away');
};

/** The records of the read store that keys are looked up in. */
export class MemoryKeys {
  readonly keys = new Map<string, KeyRecord>();
  readonly secrets = new Map<string, SecretRecord>();
  /** Of keys. */
  lookups = 0;
  isAway = false;

  put(secret: string, record: KeyRecord): void {
    this.keys.set(keyHash(secret), record);
  }

  get readStore(): Pick<ReadStore, 'records'> {
    const get = async (kind: string, id: string): Promise<Versioned<KeyRecord | SecretRecord> | undefined> => {
      if (kind === recordKinds.keys) this.lookups++;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.isAway) return unavailable();
      const value = kind === recordKinds.keys ? this.keys.get(id) : this.secrets.get(id);
      return value && { id, rev: 1, value };
    };
    const putIf = async (_kind: string, id: string, value: SecretRecord): Promise<boolean> => {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.isAway) return unavailable();
      return !this.secrets.has(id) && this.secrets.set(id, value).has(id);
    };
    return { records: { get, putIf } as unknown as ReadStore['records'] };
  }
}

export const silent = { warn: () => undefined, error: () => undefined };

export async function until(condition: () => boolean, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`did not happen within ${withinMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
