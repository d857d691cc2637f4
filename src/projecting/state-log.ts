import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { DocumentStore, StoredDocument } from '../stores/read-store';
import { RebuildNeeded } from './faults';
import { bytesOf } from './stored-bytes';
import { nextTurn } from './timing';

/** Before compression, which takes some 10 ms for one part. */
const partBytesMax = 1 << 20;
const pageOfDocuments = 8;
const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
/** History is written whole once the changes since the last time are this many times its size, and at least `snapshotAfterBytesMin` (both uncompressed). */
const snapshotAfterRatio = 2;

type Kind = 'snapshot' | 'delta';

/**
 * One piece of the history of one partition. `_id` is `${pp}|${revision}|${epoch}|${kind}|${part}`, numbers padded: with the
 * epoch in it, attempts at the same range by successive owners never mix their bytes.
 */
interface StatePart extends StoredDocument {
  kind: Kind;
  epoch: number;
  part: number;
  parts: number;
  /** Names and versions of the projections whose history this is, in the order the bytes hold it. */
  of: string;
  /** A part of the history's bytes, compressed with brotli. */
  bytes: unknown;
}

/**
 * The history folding needs (open sessions), append-only beside the documents: now and then all of it, in between what changed.
 * Written within a flush and guarded like its documents; what a snapshot replaces is removed after the checkpoint.
 */
export class StateLog {
  private snapshotBytes = 0;
  private deltaBytes = 0;
  /** Ids of everything stored, oldest first. */
  private stored: { revision: number; id: string }[] = [];
  private readonly partition: string;

  /**
   * @param of the history's owners: other ones cannot read its bytes
   * @param snapshotAfterBytesMin of changes, before compression
   */
  constructor(
    private readonly documents: DocumentStore,
    private readonly collection: string,
    partition: number,
    private readonly of: string,
    private readonly snapshotAfterBytesMin = 1 << 20,
  ) {
    this.partition = String(partition).padStart(2, '0');
  }

  /**
   * The history at a checkpoint, for Folder.restore: the newest complete snapshot, then the changes after it. What lies beyond
   * the checkpoint belongs to a flush that was not finished, and is written again when it is.
   */
  async load(checkpoint: number): Promise<Uint8Array[]> {
    let chosen: { revision: number; kind: Kind; bytes: Uint8Array }[] = [];
    this.stored = [];
    this.snapshotBytes = this.deltaBytes = 0;
    if (this.of === '') return [];
    let group: StatePart[] = [];
    const finish = (): void => {
      const parts = group;
      group = [];
      const entry = isComplete(parts) && parts[0]!.rev <= checkpoint ? opened(parts) : undefined;
      if (entry === undefined) return;
      if (entry.of !== this.of) throw new RebuildNeeded(`the stored history is that of ${entry.of || 'no projection'}, not of ${this.of}`);
      const last = chosen.at(-1);
      // A snapshot stands for all that came before. Several attempts at one revision hold the same; the last one went on from there.
      if (entry.kind === 'snapshot') chosen = [entry];
      else if (last?.revision !== entry.revision) chosen.push(entry);
      else if (last.kind === 'delta') chosen[chosen.length - 1] = entry;
    };
    for await (const part of this.parts()) {
      this.stored.push({ revision: part.rev, id: part._id });
      if (group.length > 0 && groupOf(group[0]!) !== groupOf(part)) finish();
      group.push(part);
    }
    finish();
    for (const { kind, bytes } of chosen) {
      if (kind === 'snapshot') this.snapshotBytes = bytes.length;
      else this.deltaBytes += bytes.length;
    }
    return chosen.map(({ bytes }) => bytes);
  }

  /** Whether the next write should be all of the history, given the size of the change. */
  isSnapshotDue(changeBytes: number): boolean {
    return this.deltaBytes + changeBytes > Math.max(this.snapshotAfterBytesMin, snapshotAfterRatio * this.snapshotBytes);
  }

  /** The documents to flush for a range that ends at `revision`. */
  async documentsOf(kind: Kind, bytes: Uint8Array, revision: number, epoch: number): Promise<StoredDocument[]> {
    const parts = Math.max(1, Math.ceil(bytes.length / partBytesMax));
    const documents: StatePart[] = [];
    for (let part = 0; part < parts; part++) {
      if (part > 0) await nextTurn();
      const id = [this.partition, padded(revision, 15), padded(epoch, 10), kind, padded(part, 4)].join('|');
      const slice = bytes.subarray(part * partBytesMax, (part + 1) * partBytesMax);
      documents.push({ _id: id, rev: revision, kind, epoch, part, parts, of: this.of, bytes: brotliCompressSync(slice, fast) });
    }
    return documents;
  }

  /** After the checkpoint: takes note of what was written and removes what it replaced. */
  async committed(kind: Kind, documents: readonly StoredDocument[], bytes: number): Promise<void> {
    for (const { _id, rev } of documents) this.stored.push({ revision: rev, id: _id });
    if (kind === 'delta') {
      this.deltaBytes += bytes;
      return;
    }
    this.snapshotBytes = bytes;
    this.deltaBytes = 0;
    const revision = documents[0]!.rev;
    const replaced = this.stored.filter((entry) => entry.revision < revision).map(({ id }) => id);
    await this.documents.remove(this.collection, replaced);
    this.stored = this.stored.filter((entry) => entry.revision >= revision);
  }

  private async *parts(): AsyncIterable<StatePart> {
    let from = `${this.partition}|`;
    const to = `${this.partition}}`;
    for (;;) {
      const page = (await this.documents.scan(this.collection, from, to, { limit: pageOfDocuments })) as StatePart[];
      yield* page;
      if (page.length < pageOfDocuments) return;
      from = `${page.at(-1)!._id}\0`;
    }
  }
}

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');
const groupOf = ({ rev, epoch, kind }: StatePart): string => `${rev}|${epoch}|${kind}`;

function isComplete(group: readonly StatePart[]): boolean {
  return group.length > 0 && group.length === group[0]!.parts;
}

function opened(group: readonly StatePart[]): { revision: number; kind: Kind; of: string; bytes: Uint8Array } {
  const first = group[0]!;
  const bytes = Buffer.concat(group.map((part) => brotliDecompressSync(bytesOf(part.bytes))));
  return { revision: first.rev, kind: first.kind, of: first.of, bytes };
}
