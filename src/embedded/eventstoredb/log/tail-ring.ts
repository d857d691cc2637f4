/** Room for one record: in the ring, or a buffer of its own when the ring has none to give. */
export interface Reservation {
  readonly buffer: Buffer;
  /** Where it ends in the ring, counted in bytes ever reserved; undefined when it is not in the ring. */
  readonly end: number | undefined;
}

/**
 * The newest records, in one block of memory that is written round and round. Records are encoded into it, written to disk
 * from it and, once durable, read by live subscribers from it. Large buffers of their own would outlive the young generation
 * and make the garbage collector mark the whole heap every few appends.
 */
export class TailRing {
  private memory: Buffer | undefined;
  /** Position → the record's part of the ring, oldest first. */
  private readonly records = new Map<number, { buffer: Buffer; start: number }>();
  private head = 0;
  /** Everything reserved before is on disk, or given up. */
  private settled = 0;

  constructor(private readonly ringBytes: number) {}

  reserve(bytes: number): Reservation {
    const { ringBytes } = this;
    const inRing = this.head % ringBytes;
    const start = inRing + bytes > ringBytes ? this.head - inRing + ringBytes : this.head;
    const end = start + bytes;
    // What is still being written to disk must not be overwritten.
    if (bytes > ringBytes / 4 || end - ringBytes > this.settled) return { buffer: Buffer.allocUnsafe(bytes), end: undefined };
    for (const [position, oldest] of this.records) {
      if (oldest.start >= end - ringBytes && this.records.size < recordsMax) break;
      this.records.delete(position);
    }
    this.head = end;
    this.memory ??= Buffer.allocUnsafeSlow(ringBytes);
    const at = start % ringBytes;
    return { buffer: this.memory.subarray(at, at + bytes), end };
  }

  /** The record at `position` is durable and may be read. Called in the order of the reservations. */
  publish(position: number, { buffer, end }: Reservation): void {
    if (end === undefined) return;
    this.settled = end;
    this.records.set(position, { buffer, start: end - buffer.length });
  }

  /** What was reserved and not published is given up. */
  abandon(): void {
    this.settled = this.head;
  }

  /** A copy of the record at `position` from byte `from` on, if it is still here: the ring may be written on before it is used. */
  copy(position: number, from: number): Buffer | undefined {
    const found = this.records.get(position);
    if (!found) return undefined;
    const copied = Buffer.allocUnsafe(found.buffer.length - from);
    found.buffer.copy(copied, 0, from);
    return copied;
  }
}

/** Small records cost more in entries than in bytes. */
const recordsMax = 65_536;
