import { createHash } from 'node:crypto';

/**
 * The record of the log that carries events: many of one partition, by column, compressed and checksummed.
 * Every version ever written stays readable.
 */
export const EVENT_BLOCK = 'event-block.v1';

export { encodeBlock } from './block-encode';
export { decodeBlock, decodeBlockRows } from './block-decode';
export { BlockUnreadable, readBlockHeader } from './block-header';

/**
 * The record id of a block: a UUID (RFC 9562, version 8) made of the SHA-256 of its bytes. The same block always has the same
 * id, so appending it again after an unknown outcome changes nothing.
 */
export function blockRecordId(bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest();
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
