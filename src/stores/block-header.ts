import { crc32c } from './crc32c';

/**
 * The first 44 bytes of a block, little-endian:
 * 0 magic "RBLK" · 4 version u8 · 5 codec u8 (0 stored, 1 brotli) · 6 reserved u16, 0 · 8 CRC-32C u32 of every other byte of the block ·
 * 12 events u32 · 16 first event time f64, epoch ms · 24 last event time f64 · 32 body bytes before compression u32 ·
 * 36 packed bytes u32 · 40 body bytes as stored u32. Then the packed section, then the body.
 */
const headerBytes = 44;
const magic = 0x4b4c4252;
const blockVersion = 1;

/** What a block may hold: decoding never allocates more, whatever the header says. */
export const blockLimits = { eventsMax: 1 << 20, rawBytesMax: 64 << 20 } as const;

const codecs = ['stored', 'brotli'] as const;
export type BlockCodec = (typeof codecs)[number];

export interface BlockHeader {
  version: number;
  codec: BlockCodec;
  count: number;
  /** Earliest and latest event time, epoch ms. */
  firstTime: number;
  lastTime: number;
  /** Of the body, before compression. */
  rawBytes: number;
}

export type BlockFault = 'not-a-block' | 'truncated' | 'unknown-version' | 'unknown-codec' | 'corrupt' | 'too-large';

/** The bytes are not a block this version can read; `fault` says why. */
export class BlockUnreadable extends Error {
  override readonly name = 'BlockUnreadable';

  constructor(
    readonly fault: BlockFault,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`block unreadable (${fault}): ${detail}`, options);
  }
}

/**
 * Reads the header alone: for sizes and times without decoding. The checksum is not verified.
 * @throws BlockUnreadable
 */
export function readBlockHeader(bytes: Uint8Array): BlockHeader {
  const { packedBytes: _packed, storedBytes: _stored, ...header } = readLayout(viewOf(bytes));
  return header;
}

/** Splits a block into its sections after verifying that every byte is as it was written. */
export function openBlock(bytes: Uint8Array): { header: BlockHeader; packed: Buffer; body: Buffer } {
  const block = viewOf(bytes);
  const { packedBytes, storedBytes, ...header } = readLayout(block);
  if (block.readUInt32LE(8) !== checksum(block)) throw new BlockUnreadable('corrupt', 'the checksum does not match the content');
  return {
    header,
    packed: block.subarray(headerBytes, headerBytes + packedBytes),
    body: block.subarray(headerBytes + packedBytes, headerBytes + packedBytes + storedBytes),
  };
}

export function sealBlock(header: Omit<BlockHeader, 'version'>, packed: Uint8Array, body: Uint8Array): Buffer {
  const block = Buffer.allocUnsafe(headerBytes + packed.length + body.length);
  block.writeUInt32LE(magic, 0);
  block[4] = blockVersion;
  block[5] = codecs.indexOf(header.codec);
  block.writeUInt16LE(0, 6);
  block.writeUInt32LE(header.count, 12);
  block.writeDoubleLE(header.firstTime, 16);
  block.writeDoubleLE(header.lastTime, 24);
  block.writeUInt32LE(header.rawBytes, 32);
  block.writeUInt32LE(packed.length, 36);
  block.writeUInt32LE(body.length, 40);
  block.set(packed, headerBytes);
  block.set(body, headerBytes + packed.length);
  block.writeUInt32LE(checksum(block), 8);
  return block;
}

function readLayout(block: Buffer): BlockHeader & { packedBytes: number; storedBytes: number } {
  if (block.length >= 4 && block.readUInt32LE(0) !== magic) throw new BlockUnreadable('not-a-block', 'it does not begin with RBLK');
  if (block.length < headerBytes) throw new BlockUnreadable('truncated', `${block.length} bytes, a header alone has ${headerBytes}`);
  const version = block[4]!;
  if (version !== blockVersion)
    throw new BlockUnreadable('unknown-version', `version ${version}, this program reads version ${blockVersion}`);
  const codec = codecs[block[5]!];
  if (codec === undefined) throw new BlockUnreadable('unknown-codec', `codec ${block[5]}`);
  const count = block.readUInt32LE(12);
  const rawBytes = block.readUInt32LE(32);
  const packedBytes = block.readUInt32LE(36);
  const storedBytes = block.readUInt32LE(40);
  const expected = headerBytes + packedBytes + storedBytes;
  if (block.length < expected) throw new BlockUnreadable('truncated', `${block.length} of ${expected} bytes`);
  if (block.length > expected) throw new BlockUnreadable('corrupt', `${block.length} bytes where the header announces ${expected}`);
  if (count === 0 || count > blockLimits.eventsMax)
    throw new BlockUnreadable('too-large', `${count} events, allowed are 1 to ${blockLimits.eventsMax}`);
  if (rawBytes > blockLimits.rawBytesMax)
    throw new BlockUnreadable('too-large', `${rawBytes} bytes, allowed are ${blockLimits.rawBytesMax}`);
  return { version, codec, count, firstTime: block.readDoubleLE(16), lastTime: block.readDoubleLE(24), rawBytes, packedBytes, storedBytes };
}

const checksum = (block: Buffer): number => crc32c(block, 12, block.length, crc32c(block, 0, 8));

const viewOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
