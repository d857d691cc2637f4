import { BSON } from 'mongodb';
import { DocumentSequence } from 'mongodb/lib/cmap/commands';
import { int32At } from '../domain/int32';

/** Where the text of `_id` is in a document that begins with it: behind its length, a type and a name. */
const idLengthAt = 9;
const afterId = (document: Uint8Array): number => idLengthAt + 4 + int32At(document, idLengthAt);

export const idOf = (document: Uint8Array): string =>
  Buffer.from(document.buffer, document.byteOffset, document.length).toString('utf8', idLengthAt + 4, afterId(document) - 1);

/** Kind, length and name of a section. */
const sectionOfUpdates = Uint8Array.of(1, 0, 0, 0, 0, ...Buffer.from('updates\0'));

const intoQuery = Uint8Array.of(0x03, 0x71, 0);
const intoUpdate = Uint8Array.of(0x03, 0x75, 0);
/** `upsert: true` and the end of a statement. */
const ending = BSON.serialize({ upsert: true }).subarray(4);

/**
 * The statements `{ q: { _id, rev: { $lte: r0 } }, u: document, upsert: true }` of an update command, one after the other as BSON, for
 * documents that are BSON already.
 */
export class UpdateStatements {
  /** `rev: { $lte: r0 }`, and the end of a query. */
  private readonly guard: Uint8Array;

  constructor(r0: number) {
    this.guard = BSON.serialize({ rev: { $lte: r0 } }).subarray(4);
  }

  bytesOf(document: Uint8Array): number {
    return 4 + intoQuery.length + this.queryBytesOf(document) + intoUpdate.length + document.length + ending.length;
  }

  /**
   * A section of a message of its own (OP_MSG, kind 1). The driver sends the statements of its own bulk writes that way, but has no public
   * way for documents that are serialized already; to parse them for it would cost more than everything else in a flush.
   */
  sequenceOf(documents: readonly Uint8Array[]): DocumentSequence {
    const length = documents.reduce((total, document) => total + this.bytesOf(document), sectionOfUpdates.length);
    const bytes = Buffer.allocUnsafe(length);
    let at = copied(bytes, 0, sectionOfUpdates);
    // The kind is not part of it.
    bytes.writeInt32LE(length - 1, 1);
    for (const document of documents) {
      const queryBytes = this.queryBytesOf(document);
      at = bytes.writeInt32LE(this.bytesOf(document), at);
      at = copied(bytes, at, intoQuery);
      at = bytes.writeInt32LE(queryBytes, at);
      bytes.set(document.subarray(4, afterId(document)), at);
      at = copied(bytes, at + afterId(document) - 4, this.guard);
      at = copied(bytes, at, intoUpdate);
      at = copied(bytes, at, document);
      at = copied(bytes, at, ending);
    }
    return new WholeSequence(bytes);
  }

  private queryBytesOf(document: Uint8Array): number {
    return afterId(document) + this.guard.length;
  }
}

/** A section in one piece: the driver would put it together from pieces, which for megabytes is a copy that shows. */
class WholeSequence extends DocumentSequence {
  constructor(private readonly section: Uint8Array) {
    super('updates');
    // The documents themselves are for those only who watch the driver's commands.
    this.push({}, section);
  }

  override toBin(): Uint8Array {
    return this.section;
  }
}

function copied(bytes: Buffer, at: number, source: Uint8Array): number {
  bytes.set(source, at);
  return at + source.length;
}
