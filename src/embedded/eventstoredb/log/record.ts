import { formatUuid } from '../wire/uuid';
import { fieldBytes, numberFieldBytes, ProtobufWriter } from '../wire/protobuf-writer';
import { crc32 } from './crc32';
import type { Reservation } from './tail-ring';

/**
 * One record of the log: a header of fixed size, then the body, which is the encoded ReadResp that readers are sent
 * unchanged. Little endian.
 *
 *   0 u32 magic            22 u48 syncedTo       56 u16 nameOffset   68 u8 flags
 *   4 u32 CRC of 8..71     28 u48 revision       58 u16 nameBytes    69 u8 version
 *   8 u32 bodyBytes        34 u48 createdMs      60 u32 typeOffset   70 u16 0
 *  12 u32 CRC of the body  40 16 bytes id        64 u32 typeBytes
 *  16 u48 position
 *
 * `position` is the record's byte position in the log of all segments, so a record copied to a wrong place is noticed.
 * `syncedTo` says up to where the log was known to be on disk when the record was written: it tells a torn tail, which was
 * never acknowledged, from damage to something acknowledged. nameOffset and typeOffset point into the body.
 */
export const headerBytes = 72;
/** 'RCR1' */
export const recordMagic = 0x31524352;
const version = 1;
const lastOfAppend = 1;
/** Refuses absurd lengths before they are allocated; more than any append may carry. */
const bodyBytesMax = 64 << 20;

export const tombstoneType = '$streamDeleted';
/** The revision the protocol shows for a tombstone: 2^63 - 1 as a varint. */
const tombstoneRevision = Buffer.from('ffffffffffffffff7f', 'hex');
const ticksPerMillisecond = 10_000n;

export interface RecordContent {
  stream: string;
  revision: number;
  /** 16 bytes. */
  id: Buffer;
  type: string;
  contentType: string;
  createdMs: number;
  metadata: Uint8Array;
  data: Uint8Array;
}

export interface RecordHeader {
  bodyBytes: number;
  bodyCrc: number;
  position: number;
  syncedTo: number;
  revision: number;
  createdMs: number;
  nameOffset: number;
  nameBytes: number;
  typeOffset: number;
  typeBytes: number;
  /** Records of one append are one unit: it counts only when its last record is there. */
  endsAppend: boolean;
}

/**
 * Header and body, in a buffer of exactly their size that `reserve` gives. The body's fields are those of ReadResp in
 * streams.proto.
 */
export function encodeRecord(
  record: RecordContent,
  position: number,
  syncedTo: number,
  endsAppend: boolean,
  reserve: (bytes: number) => Reservation,
): Reservation {
  const { stream, type, contentType, metadata, data } = record;
  const nameBytes = Buffer.byteLength(stream);
  const typeBytes = Buffer.byteLength(type);
  const contentTypeBytes = Buffer.byteLength(contentType);
  const created = String(BigInt(record.createdMs) * ticksPerMillisecond);
  const tombstone = type === tombstoneType;

  const idBytes = fieldBytes(36);
  const identifierBytes = fieldBytes(nameBytes);
  const revisionBytes = tombstone ? 1 + tombstoneRevision.length : numberFieldBytes(record.revision);
  const typeEntryBytes = fieldBytes(4) + fieldBytes(typeBytes);
  const createdEntryBytes = fieldBytes(7) + fieldBytes(created.length);
  const contentTypeEntryBytes = fieldBytes(12) + fieldBytes(contentTypeBytes);
  const eventBytes =
    fieldBytes(idBytes) +
    fieldBytes(identifierBytes) +
    revisionBytes +
    2 * numberFieldBytes(position) +
    fieldBytes(typeEntryBytes) +
    fieldBytes(createdEntryBytes) +
    fieldBytes(contentTypeEntryBytes) +
    (metadata.length > 0 ? fieldBytes(metadata.length) : 0) +
    (data.length > 0 ? fieldBytes(data.length) : 0);
  const readEventBytes = fieldBytes(eventBytes) + numberFieldBytes(position);
  const bodyBytes = fieldBytes(readEventBytes);

  const reservation = reserve(headerBytes + bodyBytes);
  const { buffer } = reservation;
  const writer = new ProtobufWriter(buffer, headerBytes);
  writer.open(1, readEventBytes);
  writer.open(1, eventBytes);
  writer.open(1, idBytes);
  writer.string(2, formatUuid(record.id), 36);
  writer.open(2, identifierBytes);
  writer.string(3, stream, nameBytes);
  const nameOffset = writer.offset - nameBytes - headerBytes;
  if (tombstone) {
    buffer[writer.offset++] = 3 << 3;
    writer.raw(tombstoneRevision);
  } else writer.number(3, record.revision);
  writer.number(4, position);
  writer.number(5, position);
  writer.open(6, typeEntryBytes);
  writer.string(1, 'type', 4);
  writer.string(2, type, typeBytes);
  const typeOffset = writer.offset - typeBytes - headerBytes;
  writer.open(6, createdEntryBytes);
  writer.string(1, 'created', 7);
  writer.string(2, created, created.length);
  writer.open(6, contentTypeEntryBytes);
  writer.string(1, 'content-type', 12);
  writer.string(2, contentType, contentTypeBytes);
  if (metadata.length > 0) writer.bytes(7, metadata);
  if (data.length > 0) writer.bytes(8, data);
  writer.number(3, position);

  buffer.writeUInt32LE(recordMagic, 0);
  buffer.writeUInt32LE(bodyBytes, 8);
  buffer.writeUInt32LE(crc32(buffer.subarray(headerBytes)), 12);
  buffer.writeUIntLE(position, 16, 6);
  buffer.writeUIntLE(syncedTo, 22, 6);
  buffer.writeUIntLE(record.revision, 28, 6);
  buffer.writeUIntLE(record.createdMs, 34, 6);
  buffer.set(record.id, 40);
  buffer.writeUInt16LE(nameOffset, 56);
  buffer.writeUInt16LE(nameBytes, 58);
  buffer.writeUInt32LE(typeOffset, 60);
  buffer.writeUInt32LE(typeBytes, 64);
  buffer[68] = endsAppend ? lastOfAppend : 0;
  buffer[69] = version;
  buffer.writeUInt16LE(0, 70);
  buffer.writeUInt32LE(crc32(buffer.subarray(8, headerBytes)), 4);
  return reservation;
}

/** The header at `offset`, or undefined when there is no whole and sound one for a record that belongs at `position`. */
export function readHeader(buffer: Buffer, offset: number, position: number): RecordHeader | undefined {
  if (buffer.length - offset < headerBytes) return undefined;
  if (buffer.readUInt32LE(offset) !== recordMagic) return undefined;
  if (crc32(buffer.subarray(offset + 8, offset + headerBytes)) !== buffer.readUInt32LE(offset + 4)) return undefined;
  const bodyBytes = buffer.readUInt32LE(offset + 8);
  if (buffer[offset + 69] !== version || bodyBytes > bodyBytesMax) return undefined;
  if (buffer.readUIntLE(offset + 16, 6) !== position) return undefined;
  return {
    bodyBytes,
    bodyCrc: buffer.readUInt32LE(offset + 12),
    position,
    syncedTo: buffer.readUIntLE(offset + 22, 6),
    revision: buffer.readUIntLE(offset + 28, 6),
    createdMs: buffer.readUIntLE(offset + 34, 6),
    nameOffset: buffer.readUInt16LE(offset + 56),
    nameBytes: buffer.readUInt16LE(offset + 58),
    typeOffset: buffer.readUInt32LE(offset + 60),
    typeBytes: buffer.readUInt32LE(offset + 64),
    endsAppend: (buffer[offset + 68]! & lastOfAppend) !== 0,
  };
}

/** The body of the record at `offset`, as a view, or undefined when it is incomplete or its checksum is wrong. */
export function readBody(buffer: Buffer, offset: number, header: RecordHeader): Buffer | undefined {
  const start = offset + headerBytes;
  const end = start + header.bodyBytes;
  if (end > buffer.length) return undefined;
  const body = buffer.subarray(start, end);
  return crc32(body) === header.bodyCrc ? body : undefined;
}
export const idOf = (record: Buffer, offset: number): Buffer => record.subarray(offset + 40, offset + 56);
