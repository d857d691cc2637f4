import { documentEnd, readInt32, validateDocument, type RawDocument } from './bson/raw';
import { DocumentWriter } from './bson/writer';
import { CommandError } from './errors';
import { limits } from './limits';

/**
 * The MongoDB wire protocol: OP_MSG, and OP_QUERY/OP_REPLY for the first hello of a connection.
 * Source: the "MongoDB Wire Protocol" chapter of the MongoDB manual and the OP_MSG specification of the drivers.
 */
const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;

const headerBytes = 16;
const checksumPresent = 1;
const moreToCome = 2;
/** Bits 0 to 15 must be understood; the others may be ignored. */
const requiredBits = 0xffff;

export interface Request {
  readonly requestId: number;
  /** The client wants no answer. */
  readonly silent: boolean;
  readonly legacy: boolean;
  readonly bytes: number;
  /** The command document. */
  readonly body: RawDocument;
  /** Database of an OP_QUERY; an OP_MSG names it as `$db` in the body. */
  readonly database?: string;
  /** Documents sent beside the body, by the name of the field they belong to. */
  readonly sequences: ReadonlyMap<string, readonly RawDocument[]>;
}

/** The bytes do not follow the protocol: the connection cannot go on. */
export class ProtocolError extends Error {}

/** Cuts a byte stream into messages. Throws ProtocolError as soon as a header cannot be one. */
export class MessageReader {
  private chunks: Buffer[] = [];
  private held = 0;
  private needed = headerBytes;

  /** True between the first byte of a message and its last. */
  get partial(): boolean {
    return this.held > 0;
  }

  push(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    this.chunks.push(chunk);
    this.held += chunk.length;
    if (this.held < this.needed) return;
    let bytes = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks, this.held);
    while (bytes.length >= headerBytes) {
      const length = checkHeader(bytes);
      this.needed = length;
      if (bytes.length < length) break;
      onMessage(bytes.subarray(0, length));
      bytes = bytes.subarray(length);
      this.needed = headerBytes;
    }
    this.chunks = bytes.length > 0 ? [bytes] : [];
    this.held = bytes.length;
  }
}

function checkHeader(bytes: Buffer): number {
  const length = readInt32(bytes, 0);
  if (length < headerBytes + 5 || length > limits.messageBytesMax) throw new ProtocolError(`message length ${length}`);
  const operation = readInt32(bytes, 12);
  if (operation !== opMsg && operation !== opQuery) throw new ProtocolError(`operation ${operation}`);
  return length;
}

/** Throws ProtocolError for a broken frame, and CommandError when the frame is sound but a document in it is not. */
export function parseRequest(message: Buffer): Request {
  const requestId = readInt32(message, 4);
  return readInt32(message, 12) === opMsg ? parseMsg(message, requestId) : parseQuery(message, requestId);
}

export function requestIdOf(message: Buffer): number {
  return readInt32(message, 4);
}

function parseMsg(message: Buffer, requestId: number): Request {
  const flags = message.readUInt32LE(16);
  if ((flags & requiredBits & ~(checksumPresent | moreToCome)) !== 0) throw new ProtocolError(`unknown flags ${flags}`);
  const end = message.length - (flags & checksumPresent ? 4 : 0);
  let body: RawDocument | undefined;
  const sequences = new Map<string, RawDocument[]>();
  let at = 20;
  while (at < end) {
    const kind = message[at]!;
    const size = at + 5 <= end ? readInt32(message, at + 1) : -1;
    if (size < 5 || at + 1 + size > end) throw new ProtocolError('a section does not fit its message');
    if (kind === 0) {
      if (body !== undefined) throw new ProtocolError('two bodies');
      body = documentAt(message, at + 1, end);
    } else if (kind === 1) {
      const [name, documents] = parseSequence(message, at + 5, at + 1 + size);
      if (sequences.has(name)) throw new ProtocolError('two sequences of one name');
      sequences.set(name, documents);
    } else throw new ProtocolError(`section kind ${kind}`);
    at += 1 + size;
  }
  if (body === undefined) throw new ProtocolError('no body');
  return { requestId, silent: (flags & moreToCome) !== 0, legacy: false, bytes: message.length, body, sequences };
}

function parseSequence(message: Buffer, start: number, end: number): [string, RawDocument[]] {
  const nameEnd = message.indexOf(0, start);
  if (nameEnd < 0 || nameEnd >= end) throw new ProtocolError('a sequence without a name');
  const documents: RawDocument[] = [];
  for (let at = nameEnd + 1; at < end;) {
    const document = documentAt(message, at, end);
    documents.push(document);
    if (documents.length > limits.writeBatchMax) {
      throw new CommandError('InvalidOptions', `Write batch sizes must be between 1 and ${limits.writeBatchMax}. Got more operations.`);
    }
    at = document.end;
  }
  return [message.toString('utf8', start, nameEnd), documents];
}

function documentAt(message: Buffer, start: number, limit: number): RawDocument {
  const end = start + 4 <= limit ? documentEnd(message, start) : -1;
  if (end < start + 5 || end > limit) throw new ProtocolError('a document does not fit its section');
  return { bytes: message, start, end };
}

function parseQuery(message: Buffer, requestId: number): Request {
  const nameEnd = message.indexOf(0, 20);
  if (nameEnd < 0 || nameEnd + 9 >= message.length) throw new ProtocolError('a query without a collection');
  const namespace = message.toString('utf8', 20, nameEnd);
  if (!namespace.endsWith('.$cmd')) throw new ProtocolError('OP_QUERY is answered for commands only');
  const body = documentAt(message, nameEnd + 9, message.length);
  return { requestId, silent: false, legacy: true, bytes: message.length, body, database: namespace.slice(0, -5), sequences: new Map() };
}

/** Refuses bytes that are not BSON before anything reads them. */
export function validateRequest(request: Request): void {
  validateDocument(request.body.bytes, request.body.start, request.body.end);
  for (const documents of request.sequences.values()) {
    for (const { bytes, start, end } of documents) validateDocument(bytes, start, end);
  }
}

let nextRequestId = 1;

/** A writer with room for the header, in which a reply document is to be written, for `frame` to complete. */
export function replyWriter(legacy: boolean, initialBytes?: number): DocumentWriter {
  const writer = new DocumentWriter(initialBytes);
  writer.skip(legacy ? 36 : 21);
  return writer;
}

/** Completes the header of a reply written into a `replyWriter`. */
export function frame(writer: DocumentWriter, request: { requestId: number; legacy: boolean }): Buffer {
  writer.writeInt32At(0, writer.length);
  writer.writeInt32At(4, nextRequestId);
  nextRequestId = (nextRequestId + 1) | 0;
  writer.writeInt32At(8, request.requestId);
  writer.writeInt32At(12, request.legacy ? opReply : opMsg);
  if (request.legacy) {
    writer.writeInt32At(16, 8); // "await capable", as every server says
    writer.writeInt32At(20, 0);
    writer.writeInt32At(24, 0);
    writer.writeInt32At(28, 0);
    writer.writeInt32At(32, 1);
  } else {
    writer.writeInt32At(16, 0);
    writer.writeUInt8At(20, 0);
  }
  return writer.take();
}
