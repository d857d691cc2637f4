import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface FileLine {
  text: string;
  /** From 1. */
  number: number;
  /** Byte at which the line begins, in the unpacked file. */
  offset: number;
  /** Bytes of the file read so far, packed as it is: what a progress bar needs. */
  bytesRead: number;
}

/** A longer line is no line of a log; it is given cut, so that one file without line ends cannot fill the memory. */
const lineBytesMax = 1 << 20;

/** The lines of a file, unpacked when its name ends in .gz; empty lines are left out. */
export async function* linesOf(file: string): AsyncGenerator<FileLine> {
  const source = createReadStream(file, { highWaterMark: 1 << 18 });
  const gunzip = file.endsWith('.gz') ? createGunzip() : undefined;
  if (gunzip !== undefined) {
    source.on('error', (error) => gunzip.destroy(error));
    source.pipe(gunzip);
  }
  const stream: Readable = gunzip ?? source;
  let rest = Buffer.alloc(0);
  let offset = 0;
  let number = 0;
  const lineOf = (bytes: Buffer, at: number): FileLine => {
    const text = bytes.toString('utf8', 0, Math.min(bytes.length, lineBytesMax)).replace(/\r$/, '');
    return { text, number, offset: at, bytesRead: source.bytesRead };
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = buffer.indexOf(10); end >= 0; end = buffer.indexOf(10, from)) {
      number++;
      if (end > from) yield lineOf(buffer.subarray(from, end), offset + from);
      from = end + 1;
    }
    if (buffer.length - from > lineBytesMax) {
      number++;
      yield lineOf(buffer.subarray(from), offset + from);
      from = buffer.length;
    }
    offset += from;
    rest = Buffer.from(buffer.subarray(from));
  }
  number++;
  if (rest.length > 0) yield lineOf(rest, offset);
}
