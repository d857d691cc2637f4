import { CommandError } from '../errors';
import { limits } from '../limits';

/**
 * BSON is read where it lies: a value is a type and a range of bytes. Stored documents are answered byte for byte,
 * and a number never passes through a JavaScript number on its way to the disk. Source: bsonspec.org, version 1.1.
 */
export const BsonType = {
  double: 1,
  string: 2,
  object: 3,
  array: 4,
  binary: 5,
  undefined: 6,
  objectId: 7,
  boolean: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  code: 13,
  symbol: 14,
  codeWithScope: 15,
  int: 16,
  timestamp: 17,
  long: 18,
  decimal: 19,
  maxKey: 127,
  minKey: 255,
} as const;

/** One value: its BSON type and where its bytes lie, `end` exclusive. */
export interface RawValue {
  readonly type: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** One whole document, from its length prefix to its closing zero. */
export interface RawDocument {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface RawElement extends RawValue {
  readonly name: string;
}

export const emptyDocument: RawDocument = { bytes: Buffer.from([5, 0, 0, 0, 0]), start: 0, end: 5 };

const malformed = (what: string) => new CommandError('InvalidBSON', `invalid BSON: ${what}`);

/** Index of the zero that ends the C string beginning at `start`; at most `end`. */
export function cstringEnd(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === 0) return at;
  throw malformed('a name or pattern does not end');
}

/** End of the value that begins at `start` and must lie before `end`. */
export function valueEnd(bytes: Buffer, type: number, start: number, end: number): number {
  let after: number;
  switch (type) {
    case BsonType.double:
    case BsonType.date:
    case BsonType.timestamp:
    case BsonType.long:
      after = start + 8;
      break;
    case BsonType.int:
      after = start + 4;
      break;
    case BsonType.boolean:
      after = start + 1;
      break;
    case BsonType.null:
    case BsonType.undefined:
    case BsonType.minKey:
    case BsonType.maxKey:
      return start;
    case BsonType.objectId:
      after = start + 12;
      break;
    case BsonType.decimal:
      after = start + 16;
      break;
    case BsonType.string:
    case BsonType.code:
    case BsonType.symbol:
      after = start + 4 + lengthAt(bytes, start, end, 1);
      break;
    case BsonType.object:
    case BsonType.array:
    case BsonType.codeWithScope:
      after = start + lengthAt(bytes, start, end, 5);
      break;
    case BsonType.binary:
      after = start + 5 + lengthAt(bytes, start, end, 0);
      break;
    case BsonType.regex:
      after = cstringEnd(bytes, cstringEnd(bytes, start, end) + 1, end) + 1;
      break;
    case BsonType.dbPointer:
      after = start + 4 + lengthAt(bytes, start, end, 1) + 12;
      break;
    default:
      throw malformed(`unknown type ${type}`);
  }
  if (after > end) throw malformed('a value is longer than its document');
  return after;
}

function lengthAt(bytes: Buffer, start: number, end: number, min: number): number {
  if (start + 4 > end) throw malformed('a length is cut off');
  const length = readInt32(bytes, start);
  if (length < min) throw malformed(`a length of ${length}`);
  return length;
}

export function readInt32(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Where the document beginning at `start` ends, by its own length prefix. */
export function documentEnd(bytes: Buffer, start: number): number {
  return start + readInt32(bytes, start);
}

/** Walks a document's elements without allocating: call `next()` and read the public fields. */
export class ElementWalker {
  type = 0;
  nameStart = 0;
  nameEnd = 0;
  start = 0;
  private documentEnd = 0;

  constructor(
    readonly bytes: Buffer,
    documentStart: number,
    public end = documentStart + 4,
  ) {
    this.documentEnd = documentEnd(bytes, documentStart) - 1;
  }

  next(): boolean {
    const at = this.end;
    if (at >= this.documentEnd) return false;
    this.type = this.bytes[at]!;
    this.nameStart = at + 1;
    this.nameEnd = cstringEnd(this.bytes, at + 1, this.documentEnd);
    this.start = this.nameEnd + 1;
    this.end = valueEnd(this.bytes, this.type, this.start, this.documentEnd);
    return true;
  }

  get name(): string {
    return this.bytes.toString('utf8', this.nameStart, this.nameEnd);
  }

  nameIs(name: Buffer): boolean {
    const length = name.length;
    if (this.nameEnd - this.nameStart !== length) return false;
    for (let i = 0, at = this.nameStart; i < length; i++, at++) if (this.bytes[at] !== name[i]) return false;
    return true;
  }

  value(): RawValue {
    return { type: this.type, bytes: this.bytes, start: this.start, end: this.end };
  }
}

/** Positions a walker on the named element of the document, or returns undefined when there is none. */
export function findElement(bytes: Buffer, documentStart: number, name: Buffer): ElementWalker | undefined {
  const walker = new ElementWalker(bytes, documentStart);
  while (walker.next()) if (walker.nameIs(name)) return walker;
  return undefined;
}

export function elementsOf(value: RawDocument): RawElement[] {
  const elements: RawElement[] = [];
  const walker = new ElementWalker(value.bytes, value.start);
  while (walker.next()) {
    elements.push({ name: walker.name, type: walker.type, bytes: walker.bytes, start: walker.start, end: walker.end });
  }
  return elements;
}

export function isEmptyDocument(value: RawDocument): boolean {
  return value.end - value.start <= 5;
}

/** Throws InvalidBSON unless the bytes are one well-formed document of at most the allowed nesting. */
export function validateDocument(bytes: Buffer, start: number, end: number, depth = 0): void {
  if (depth > limits.nestingMax) throw malformed(`documents nested deeper than ${limits.nestingMax}`);
  if (end - start < 5 || readInt32(bytes, start) !== end - start || bytes[end - 1] !== 0) throw malformed('a document has a wrong length');
  const last = end - 1;
  let at = start + 4;
  while (at < last) {
    const type = bytes[at]!;
    do if (++at >= last) throw malformed('a name does not end');
    while (bytes[at] !== 0);
    at++;
    const after = valueEnd(bytes, type, at, last);
    if (type === BsonType.object || type === BsonType.array) validateDocument(bytes, at, after, depth + 1);
    else if (type === BsonType.string && bytes[after - 1] !== 0) throw malformed('a string does not end');
    else if (type === BsonType.codeWithScope) validateCodeWithScope(bytes, at, after, depth);
    at = after;
  }
  if (at !== last) throw malformed('a document has a wrong length');
}

function validateCodeWithScope(bytes: Buffer, start: number, end: number, depth: number): void {
  const code = valueEnd(bytes, BsonType.string, start + 4, end);
  validateDocument(bytes, code, end, depth + 1);
}
