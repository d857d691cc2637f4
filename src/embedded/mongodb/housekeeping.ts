import { KeyWriter } from './bson/key-codec';
import { BsonType } from './bson/raw';
import { toRawValue } from './bson/values';
import type { ServerState } from './commands/command';
import { limits } from './limits';
import { keep, type Collection } from './storage/collection';
import type { KeyRange } from './storage/environment';
import type { IndexDefinition } from './storage/index-definition';

/** Background work in small transactions between the clients' writes: expired documents and the entries of dropped collections. */
export class Housekeeping {
  private ttlTimer: NodeJS.Timeout;
  private reclaimTimer: NodeJS.Timeout;
  private reclaiming = false;
  private expiring = false;

  constructor(
    private readonly server: ServerState,
    private readonly report: (error: unknown) => void,
    ttlIntervalMs: number,
  ) {
    this.ttlTimer = setInterval(() => void this.expire(), ttlIntervalMs);
    this.reclaimTimer = setInterval(() => void this.reclaim(), 1_000);
    this.ttlTimer.unref();
    this.reclaimTimer.unref();
  }

  stop(): void {
    clearInterval(this.ttlTimer);
    clearInterval(this.reclaimTimer);
  }

  private async expire(): Promise<void> {
    if (this.expiring) return;
    this.expiring = true;
    try {
      for (const { ns, indexes } of this.server.catalog.list()) {
        for (const index of indexes) {
          if (index.expireAfterSeconds === undefined) continue;
          while ((await this.server.writes.run(0, () => this.expireSome(ns, index.id))) === limits.ttlDeletesPerTransaction) await turn();
        }
      }
    } catch (error) {
      this.report(error);
    } finally {
      this.expiring = false;
    }
  }

  /** Deletes up to a bound of documents whose date in the index has passed; dates only, as in MongoDB. */
  private expireSome(ns: string, indexId: number): number {
    const collection = this.server.catalog.get(ns);
    const index = collection?.indexes.find((candidate) => candidate.id === indexId);
    if (collection === undefined || index?.expireAfterSeconds === undefined) return 0;
    const range = expiredRange(index, Date.now() - index.expireAfterSeconds * 1000);
    const ids = [...this.server.environment.range(range, { limit: limits.ttlDeletesPerTransaction })].map(({ value }) => value);
    for (const id of ids) this.removeById(collection, id);
    return ids.length;
  }

  private removeById(collection: Collection, id: Buffer): void {
    const key = new KeyWriter().prefix(collection.id).append(id).copy();
    const stored = collection.get(key);
    if (stored !== undefined) collection.remove(key, keep(stored));
  }

  private async reclaim(): Promise<void> {
    if (this.reclaiming || !this.server.catalog.hasDropped()) return;
    this.reclaiming = true;
    try {
      while (await this.server.writes.run(0, () => this.server.catalog.reclaim())) await turn();
    } catch (error) {
      this.report(error);
    } finally {
      this.reclaiming = false;
    }
  }
}

/** Entries whose date is before `untilMs`. */
function expiredRange(index: IndexDefinition, untilMs: number): KeyRange {
  const [field] = index.fields as [IndexDefinition['fields'][number]];
  const oldest: [number, Buffer] = [BsonType.date, Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x80])];
  const until = toRawValue(new Date(untilMs));
  const first = new KeyWriter().prefix(index.id).value(oldest[0], oldest[1], 0, 8, field.descending);
  const last = new KeyWriter().prefix(index.id).value(until.type, until.bytes, until.start, until.end, field.descending);
  return field.descending ? { lower: last.copy(), upper: first.byte(0xff).copy() } : { lower: first.copy(), upper: last.copy() };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
