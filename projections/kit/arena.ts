import { copyBytes } from './copying';
import { grown } from './grown';

const roomMin = 8;

/**
 * Byte strings by place (0, 1, 2 …), all in one buffer: hundreds of thousands of records without an object each. One that outgrows
 * its room moves to the end; when the end is reached, the buffer is written anew without the gaps.
 */
export class Arena {
  /** Of record p those from `starts[p]` on, `lengths[p]` of them. Another buffer after a `put`. */
  bytes: Uint8Array;
  starts = new Uint32Array(64);
  lengths = new Uint32Array(64);
  private rooms = new Uint32Array(64);
  private end = 0;
  private inGaps = 0;

  constructor(bytesExpected = 1 << 12) {
    this.bytes = new Uint8Array(bytesExpected);
  }

  /** Of memory, whatever is in it. */
  get bytesHeld(): number {
    return this.bytes.length + this.starts.byteLength * 3;
  }

  /** Makes a place's record what `source` holds between two of its offsets. */
  put(place: number, source: Uint8Array, from: number, to: number): void {
    if (place >= this.starts.length) this.growPlaces(place);
    const length = to - from;
    if (length > this.rooms[place]!) this.move(place, length);
    this.lengths[place] = length;
    copyBytes(source, from, to, this.bytes, this.starts[place]!);
  }

  /** An empty record from now on. */
  clear(place: number): void {
    if (place >= this.starts.length) return this.growPlaces(place);
    this.inGaps += this.rooms[place]!;
    this.lengths[place] = this.rooms[place] = 0;
  }

  /** A view, valid until the next `put`. */
  at(place: number): Uint8Array {
    return this.bytes.subarray(this.starts[place]!, this.starts[place]! + this.lengths[place]!);
  }

  private move(place: number, length: number): void {
    this.inGaps += this.rooms[place]!;
    this.rooms[place] = 0;
    const room = Math.max(roomMin, length + (length >>> 3));
    if (this.end + room > this.bytes.length) this.rewrite(room);
    this.starts[place] = this.end;
    this.rooms[place] = room;
    this.end += room;
  }

  private rewrite(roomNeeded: number): void {
    const needed = this.end - this.inGaps + roomNeeded;
    let size = this.bytes.length;
    while (size < needed * 1.25) size *= 2;
    while (size > 1 << 12 && size > needed * 4) size /= 2;
    const rewritten = new Uint8Array(size);
    let end = 0;
    for (let place = 0; place < this.rooms.length; place++) {
      const room = this.rooms[place]!;
      if (room === 0) continue;
      const start = this.starts[place]!;
      copyBytes(this.bytes, start, start + this.lengths[place]!, rewritten, end);
      this.starts[place] = end;
      end += room;
    }
    this.bytes = rewritten;
    this.end = end;
    this.inGaps = 0;
  }

  private growPlaces(place: number): void {
    let size = this.starts.length;
    while (place >= size) size *= 2;
    this.starts = grown(this.starts, size);
    this.lengths = grown(this.lengths, size);
    this.rooms = grown(this.rooms, size);
  }
}
