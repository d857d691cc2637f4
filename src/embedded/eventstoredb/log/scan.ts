import { open, type FileHandle } from 'node:fs/promises';
import { headerBytes, idOf, readBody, readHeader, recordMagic, type RecordHeader } from './record';

/** A record met while scanning a segment; the buffers are valid only during the call. */
export interface ScannedRecord {
  offset: number;
  bytes: number;
  header: RecordHeader;
  stream: string;
  type: string;
  id: Buffer;
  body: Buffer;
}

export interface ScanResult {
  /** Bytes up to which every record is sound and every append complete. */
  soundBytes: number;
  /** Set when something behind the sound bytes was on disk for certain when it was written: damage, not a torn tail. */
  damage: string | undefined;
}

const chunkBytes = 4 << 20;

/**
 * Reads a segment from its start and hands over each record of each complete append. It stops at the first unsound record.
 * Whether that is a torn tail or damage is decided by what follows: each record says up to where the log was synced when
 * it was written, so a later record that was written after the unsound one had been synced proves damage.
 */
export async function scanSegment(path: string, base: number, onRecord: (record: ScannedRecord) => void): Promise<ScanResult> {
  const file = await open(path, 'r');
  try {
    const window = new FileWindow(file, (await file.stat()).size);
    let offset = 0;
    let soundBytes = 0;
    let unit: { offset: number; header: RecordHeader }[] = [];
    for (;;) {
      const header = await headerAt(window, offset, base);
      const body = header && (await bodyAt(window, offset, header));
      if (!header || !body) break;
      unit.push({ offset, header });
      offset += headerBytes + header.bodyBytes;
      if (!header.endsAppend) continue;
      // Most appends are one record, whose bytes are still in the window; the records of a longer one are read again.
      for (const record of unit) await deliver(window, record.offset, record.header, onRecord);
      unit = [];
      soundBytes = offset;
    }
    const damage = soundBytes < window.fileBytes ? await findDamage(window, offset, base, base + soundBytes) : undefined;
    return { soundBytes, damage };
  } finally {
    await file.close();
  }
}

async function headerAt(window: FileWindow, offset: number, base: number): Promise<RecordHeader | undefined> {
  const at = await window.ensure(offset, headerBytes);
  return at < 0 ? undefined : readHeader(window.buffer, at, base + offset);
}

async function bodyAt(window: FileWindow, offset: number, header: RecordHeader): Promise<Buffer | undefined> {
  const at = await window.ensure(offset, headerBytes + header.bodyBytes);
  return at < 0 ? undefined : readBody(window.buffer, at, header);
}

async function deliver(window: FileWindow, offset: number, header: RecordHeader, onRecord: (record: ScannedRecord) => void): Promise<void> {
  const bytes = headerBytes + header.bodyBytes;
  const at = await window.ensure(offset, bytes);
  const body = window.buffer.subarray(at + headerBytes, at + bytes);
  onRecord({
    offset,
    bytes,
    header,
    stream: body.toString('utf8', header.nameOffset, header.nameOffset + header.nameBytes),
    type: body.toString('utf8', header.typeOffset, header.typeOffset + header.typeBytes),
    id: idOf(window.buffer, at),
    body,
  });
}

/** Looks for a sound header behind `offset` that was written when the log was already synced beyond `soundPosition`. */
async function findDamage(window: FileWindow, offset: number, base: number, soundPosition: number): Promise<string | undefined> {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(recordMagic);
  let from = offset + 1;
  while (from + headerBytes <= window.fileBytes) {
    const span = Math.min(chunkBytes, window.fileBytes - from);
    const at = await window.ensure(from, span);
    const found = window.buffer.subarray(at, at + span).indexOf(magic);
    if (found < 0) {
      from += span - 3;
      continue;
    }
    const header = await headerAt(window, from + found, base);
    if (header && header.syncedTo > soundPosition) {
      return `the record at position ${base + offset} is damaged, and a later one at ${header.position} shows that it had been on disk`;
    }
    from += found + 1;
  }
  return undefined;
}

/** A sliding view of a file: some bytes around the last place asked for. */
class FileWindow {
  buffer = Buffer.alloc(chunkBytes);
  private start = 0;
  private length = 0;

  constructor(
    private readonly file: FileHandle,
    readonly fileBytes: number,
  ) {}

  /** Where in `buffer` the `bytes` at `offset` are, or -1 when the file ends before. */
  async ensure(offset: number, bytes: number): Promise<number> {
    if (offset + bytes > this.fileBytes) return -1;
    if (offset < this.start || offset + bytes > this.start + this.length) {
      if (bytes > this.buffer.length) this.buffer = Buffer.alloc(bytes);
      this.start = offset;
      this.length = 0;
      const wanted = Math.min(this.buffer.length, this.fileBytes - offset);
      while (this.length < wanted) {
        const { bytesRead } = await this.file.read(this.buffer, this.length, wanted - this.length, offset + this.length);
        if (bytesRead === 0) return -1;
        this.length += bytesRead;
      }
    }
    return offset - this.start;
  }
}
