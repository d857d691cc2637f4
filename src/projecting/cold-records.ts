import type { ColdRecord } from '../../projections/kit/memory';
import type { DocumentStore, StoredDocument } from '../stores/read-store';
import { bytesOf } from './stored-bytes';

const idsAtOnce = 1_000;

/**
 * The record of a visitor who left memory. `before` are its bytes as of the checkpoint that the range which wrote it began at,
 * where it was a document then too: they are what counts until that range is flushed to its end.
 */
interface ColdDocument extends StoredDocument {
  bytes: unknown;
  before?: unknown;
}

/** The records of one partition that are not in memory, a document each: `_id` is `${pp}|${key}`. */
export class ColdRecords {
  private readonly partition: string;

  constructor(
    private readonly documents: DocumentStore,
    readonly collection: string,
    partition: number,
  ) {
    this.partition = String(partition).padStart(2, '0');
  }

  /** The documents to flush for a range that ends at `revision`. */
  documentsOf(records: readonly ColdRecord[], revision: number): StoredDocument[] {
    return records.map(({ key, bytes, before }): ColdDocument => {
      return { _id: `${this.partition}|${key}`, rev: revision, bytes, ...(before !== undefined && { before }) };
    });
  }

  /**
   * Hands each record to `admit` as it was at the checkpoint, undefined where there was none. What an interrupted flush wrote over
   * it carries the bytes it found. A record that was in memory at the checkpoint is never asked for: memory is restored first.
   */
  async load(keys: readonly string[], checkpoint: number, admit: (key: string, bytes: Uint8Array | undefined) => void): Promise<void> {
    for (let i = 0; i < keys.length; i += idsAtOnce) {
      const some = keys.slice(i, i + idsAtOnce);
      const found = (await this.documents.load(
        this.collection,
        some.map((key) => `${this.partition}|${key}`),
      )) as ColdDocument[];
      const byId = new Map(found.map((document) => [document._id, document]));
      for (const key of some) {
        const document = byId.get(`${this.partition}|${key}`);
        const bytes = document === undefined || document.rev <= checkpoint ? document?.bytes : document.before;
        admit(key, bytes === undefined ? undefined : bytesOf(bytes));
      }
    }
  }
}
