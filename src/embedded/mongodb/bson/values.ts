import { deserialize, serialize, type Document } from 'bson';
import { BsonType, type RawDocument, type RawValue } from './raw';
import { DocumentWriter } from './writer';

/** Between raw BSON and JavaScript, for what is not on the hot path. */

/** A document whose numbers keep their BSON types (Int32, Double, Long, …): serialising it again gives the same types. */
function toExactDocument(value: RawDocument): Document {
  return deserialize(value.bytes.subarray(value.start, value.end), { promoteValues: false, promoteLongs: false, bsonRegExp: true });
}

/** A document with plain JavaScript numbers, for mingo's expressions; integers beyond 2^53 are rounded. */
export function toPlainDocument(value: RawDocument): Document {
  return deserialize(value.bytes.subarray(value.start, value.end), { promoteValues: true, promoteLongs: true, promoteBuffers: false });
}

export function toExactValue(value: RawValue): unknown {
  if (value.type === BsonType.string) return stringOf(value);
  return toExactDocument(wrap(value)).v;
}

function wrap(value: RawValue): RawDocument {
  const writer = new DocumentWriter(value.end - value.start + 16);
  writer.begin();
  writer.value('v', value.type, value.bytes, value.start, value.end);
  writer.finish();
  return { bytes: writer.take(), start: 0, end: writer.length };
}

export function toRawDocument(document: Document): RawDocument {
  const bytes = toBuffer(serialize(document, { ignoreUndefined: true }));
  return { bytes, start: 0, end: bytes.length };
}

/** Of one value: what `field: value` becomes in BSON. */
export function toRawValue(value: unknown): RawValue {
  const { bytes, end } = toRawDocument({ v: value });
  return { type: bytes[4]!, bytes, start: 7, end: end - 1 };
}

export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function stringOf(value: RawValue): string {
  return value.bytes.toString('utf8', value.start + 4, value.end - 1);
}

export function isNumberType(type: number): boolean {
  return type === BsonType.int || type === BsonType.double || type === BsonType.long || type === BsonType.decimal;
}

export const rawNull: RawValue = { type: BsonType.null, bytes: Buffer.alloc(0), start: 0, end: 0 };

/** As the shell would print it; for error messages. */
export function describe(value: RawValue): string {
  const plain = toExactValue(value) as { _bsontype?: string; toString(): string } | null;
  switch (value.type) {
    case BsonType.string:
      return JSON.stringify(stringOf(value));
    case BsonType.objectId:
      return `ObjectId('${String(plain)}')`;
    case BsonType.date:
      return `new Date(${Number((plain as unknown as Date).getTime())})`;
    case BsonType.object: {
      const inner = Object.entries(plain as object).map(([name, field]) => `${name}: ${describe(toRawValue(field))}`);
      return inner.length === 0 ? '{}' : `{ ${inner.join(', ')} }`;
    }
    case BsonType.array:
      return `[ ${(plain as unknown as unknown[]).map((item) => describe(toRawValue(item))).join(', ')} ]`;
    case BsonType.int:
    case BsonType.long:
    case BsonType.double:
    case BsonType.boolean:
      return String(plain);
    case BsonType.decimal:
      return `Decimal128('${String(plain)}')`;
    default:
      return plain === null || plain === undefined ? 'null' : JSON.stringify(plain);
  }
}

export const typeNames: Readonly<Record<number, string>> = {
  1: 'double',
  2: 'string',
  3: 'object',
  4: 'array',
  5: 'binData',
  6: 'undefined',
  7: 'objectId',
  8: 'bool',
  9: 'date',
  10: 'null',
  11: 'regex',
  12: 'dbPointer',
  13: 'javascript',
  14: 'symbol',
  15: 'javascriptWithScope',
  16: 'int',
  17: 'timestamp',
  18: 'long',
  19: 'decimal',
  127: 'maxKey',
  255: 'minKey',
};
