import { BSON, type Collection } from 'mongodb';
import { StoreUnavailable } from './event-store';
import type { MongoConnection } from './mongodb-connection';
import { duplicateKey, namespaceNotFound } from './mongodb-errors';
import { idOf, UpdateStatements } from './mongodb-updates';
import type { BytesPage, DocumentStore, FlushOutcome, StoredDocument } from './read-store';
import { backoffMs } from './backoff';
import { pauseMs } from './within';

/** Bounds of one write command: far below the server's own (100,000 operations, 48 MB), so that each is answered soon. */
const batchDocumentsMax = 1_000;
const batchBytesMax = 8 << 20;
const idsPerRead = 1_000;
/** A batch whose outcome stays unknown is sent again, which is safe, until this much time has gone. */
const retryForMs = 8_000;
const roundsMax = 10;
/** A reply of fewer bytes was not ended because of its size: servers send up to 16 MB, and no document is anywhere near half of that. */
const repliesMayEndAtBytes = 6 << 20;
const backoff = { firstMs: 50, longestMs: 1_000 };

type Stored = Collection<StoredDocument>;
interface Range {
  r0: number;
  r1: number;
}

/** Whole documents, replaced under the guard `rev <= r0`. Repeating a write is safe; that is what makes unknown outcomes harmless. */
export class MongoDocuments implements DocumentStore {
  constructor(private readonly connection: MongoConnection) {}

  async load(collection: string, ids: readonly string[]): Promise<StoredDocument[]> {
    return this.connection.run(`loading from ${collection}`, async () => {
      const stored = this.stored(collection);
      const found: StoredDocument[] = [];
      for (let from = 0; from < ids.length; from += idsPerRead) {
        const part = ids.slice(from, from + idsPerRead);
        for (const document of await stored.find({ _id: { $in: part } }, { batchSize: idsPerRead }).toArray()) found.push(document);
      }
      return found;
    });
  }

  async loadBytes(collection: string, ids: readonly string[]): Promise<Map<string, Uint8Array>> {
    return this.connection.run(`loading from ${collection}`, async () => {
      const found = new Map<string, Uint8Array>();
      for (let from = 0; from < ids.length; from += idsPerRead) {
        const part = ids.slice(from, from + idsPerRead);
        const cursor = this.stored(collection).find({ _id: { $in: part } }, { batchSize: idsPerRead, raw: true });
        // The driver's bytes are parts of a whole reply, which they would keep in memory.
        for (const bytes of (await cursor.toArray()) as unknown as Uint8Array[]) found.set(idOf(bytes), Uint8Array.from(bytes));
      }
      return found;
    });
  }

  async scan(collection: string, from: string, to: string, options: { limit?: number } = {}): Promise<StoredDocument[]> {
    const limit = options.limit;
    if (limit !== undefined && limit <= 0) return [];
    return this.connection.run(`scanning ${collection}`, () =>
      this.stored(collection)
        .find({ _id: { $gte: from, $lt: to } }, { sort: { _id: 1 }, batchSize: 10_000, ...(limit === undefined ? {} : { limit }) })
        .toArray(),
    );
  }

  async scanBytes(collection: string, from: string, to: string, limit: number): Promise<BytesPage> {
    // One reply and no cursor: a server ends it where the next document would make it larger than it may be.
    const options = { sort: { _id: 1 }, limit, batchSize: limit, singleBatch: true, raw: true } as const;
    const documents = (await this.connection.run(`scanning ${collection}`, () =>
      this.stored(collection)
        .find({ _id: { $gte: from, $lt: to } }, options)
        .toArray(),
    )) as unknown as Uint8Array[];
    let bytes = 0;
    for (const document of documents) bytes += document.length;
    const isAll = documents.length < limit && bytes < repliesMayEndAtBytes;
    return { documents, more: isAll ? undefined : idOf(documents.at(-1)!) };
  }

  async flush(collection: string, documents: readonly StoredDocument[], range: Range): Promise<FlushOutcome> {
    const serialized = documents.map(({ _id, ...content }) =>
      BSON.serialize({ _id, ...content, rev: range.r1 }, { ignoreUndefined: true }),
    );
    return this.flushBytes(collection, serialized, range);
  }

  async flushBytes(collection: string, documents: readonly Uint8Array[], range: Range): Promise<FlushOutcome> {
    if (!(range.r0 < range.r1)) throw new RangeError(`a flush needs r0 < r1, not ${range.r0} and ${range.r1}`);
    const statements = new UpdateStatements(range.r0);
    let written = 0;
    let alreadyApplied = 0;
    for (let from = 0, to = 0; from < documents.length; from = to) {
      let bytes = statements.bytesOf(documents[to++]!);
      while (to < documents.length && to - from < batchDocumentsMax) {
        bytes += statements.bytesOf(documents[to]!);
        if (bytes > batchBytesMax) break;
        to++;
      }
      const outcome = await this.flushBatch(collection, documents.slice(from, to), statements, range);
      if (!outcome.ok) return outcome;
      written += outcome.written;
      alreadyApplied += outcome.alreadyApplied;
    }
    return { ok: true, written, alreadyApplied };
  }

  async remove(collection: string, ids: readonly string[]): Promise<void> {
    await this.connection.run(`removing from ${collection}`, async () => {
      for (let from = 0; from < ids.length; from += idsPerRead) {
        await this.stored(collection).deleteMany({ _id: { $in: ids.slice(from, from + idsPerRead) } });
      }
    });
  }

  async drop(collection: string): Promise<void> {
    await this.connection.run(`dropping ${collection}`, async () => {
      try {
        await this.connection.db.dropCollection(collection);
      } catch (error) {
        if ((error as { code?: unknown }).code !== namespaceNotFound) throw error;
      }
    });
  }

  async collections(prefix: string): Promise<string[]> {
    return this.connection.run('listing collections', async () => {
      const all = await this.connection.db.listCollections({}, { nameOnly: true }).toArray();
      return all.flatMap(({ name }) => (name.startsWith(prefix) && !name.startsWith('system.') ? [name] : [])).sort();
    });
  }

  /** Ends only when each document is known to be written, to have been written before, or to conflict. */
  private async flushBatch(
    collection: string,
    batch: readonly Uint8Array[],
    statements: UpdateStatements,
    range: Range,
  ): Promise<FlushOutcome> {
    const giveUpAt = Date.now() + retryForMs;
    let open = batch;
    let written = 0;
    let alreadyApplied = 0;
    for (let round = 0; open.length > 0; round++) {
      if (round > 0) await pauseMs(backoffMs(round, backoff));
      try {
        const refused = await this.write(collection, open, statements);
        written += open.length - refused.length;
        open = refused;
        if (refused.length > 0) {
          const verdict = await this.classify(collection, refused, range);
          if (verdict.conflict !== undefined) return { ok: false, conflict: verdict.conflict };
          alreadyApplied += refused.length - verdict.retry.length;
          open = verdict.retry;
        }
        if (open.length > 0 && round >= roundsMax) throw new StoreUnavailable(`${open.length} documents stay between two writers`);
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || Date.now() >= giveUpAt || round >= roundsMax) throw error;
      }
    }
    return { ok: true, written, alreadyApplied };
  }

  /** One unordered command; returns the documents whose guard did not hold. A plain command, as the bulk API takes no bytes. */
  private async write(collection: string, batch: readonly Uint8Array[], statements: UpdateStatements): Promise<Uint8Array[]> {
    const updates = statements.sequenceOf(batch);
    const command = { update: collection, updates, ordered: false, writeConcern: { w: 'majority', j: true } };
    const answer = await this.connection.run(`flushing to ${collection}`, () => this.connection.db.command(command));
    const concern = answer['writeConcernError'] as { errmsg?: string } | undefined;
    if (concern) throw new StoreUnavailable(`write concern not satisfied: ${concern.errmsg ?? 'no reason given'}`);
    const refused: Uint8Array[] = [];
    for (const { index, code, errmsg } of (answer['writeErrors'] ?? []) as { index: number; code: number; errmsg: string }[]) {
      if (code !== duplicateKey) throw new Error(`document ${idOf(batch[index]!)} of ${collection} was refused: ${errmsg} (${code})`);
      refused.push(batch[index]!);
    }
    return refused;
  }

  private async classify(collection: string, refused: readonly Uint8Array[], { r0, r1 }: Range): Promise<Verdict> {
    const ids = refused.map(idOf);
    const found = await this.connection.run(`reading back from ${collection}`, () =>
      this.stored(collection)
        .find({ _id: { $in: ids } }, { projection: { rev: 1 }, batchSize: ids.length })
        .toArray(),
    );
    const revs = new Map(found.map(({ _id, rev }) => [_id, rev]));
    const retry: Uint8Array[] = [];
    for (const [i, document] of refused.entries()) {
      const rev = revs.get(ids[i]!);
      if (rev === undefined || rev <= r0) retry.push(document);
      else if (rev < r1) return { retry: [], conflict: ids[i]! };
    }
    return { retry, conflict: undefined };
  }

  private stored(collection: string): Stored {
    return this.connection.db.collection<StoredDocument>(collection);
  }
}

interface Verdict {
  readonly retry: Uint8Array[];
  readonly conflict: string | undefined;
}
