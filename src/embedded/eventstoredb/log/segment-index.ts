/** Where the records of one stream are in a segment: a single ordinal, or a growing list of them. */
type Ordinals = number | { ordinals: Uint32Array; count: number };

/** One record, as the index notes it. */
export interface IndexedRecord {
  /** Byte offset in the segment. */
  offset: number;
  /** Header and body. */
  bytes: number;
  /** Number in the StreamDirectory. */
  stream: number;
  type: string;
  createdMs: number;
}

/**
 * The index of one segment in typed arrays: for each record its offset, stream, type and time; for each stream the ordinals
 * of its records. 20 bytes a record and 4 for its place in the stream; payloads are not in it.
 */
export class SegmentIndex {
  count = 0;
  /** Bytes of the segment the records cover. */
  bytes = 0;
  readonly types: string[] = [];
  private offsets: Uint32Array;
  private streams: Uint32Array;
  private typeNumbers: Uint32Array;
  private created: Float64Array;
  private readonly byStream = new Map<number, Ordinals>();
  private readonly typeNumberOf = new Map<string, number>();

  constructor(capacity = 256) {
    this.offsets = new Uint32Array(capacity);
    this.streams = new Uint32Array(capacity);
    this.typeNumbers = new Uint32Array(capacity);
    this.created = new Float64Array(capacity);
  }

  /** Memory it takes, roughly. */
  get memoryBytes(): number {
    return this.offsets.length * 20 + this.count * 4 + this.byStream.size * 64 + 1_024;
  }

  add(record: IndexedRecord): void {
    const ordinal = this.count;
    if (ordinal === this.offsets.length) this.grow();
    this.offsets[ordinal] = record.offset;
    this.streams[ordinal] = record.stream;
    this.typeNumbers[ordinal] = this.typeNumber(record.type);
    this.created[ordinal] = record.createdMs;
    this.count = ordinal + 1;
    this.bytes = record.offset + record.bytes;
    this.append(record.stream, ordinal);
  }

  offset(ordinal: number): number {
    return this.offsets[ordinal]!;
  }
  /** Header and body. */
  recordBytes(ordinal: number): number {
    return (ordinal + 1 < this.count ? this.offsets[ordinal + 1]! : this.bytes) - this.offsets[ordinal]!;
  }
  stream(ordinal: number): number {
    return this.streams[ordinal]!;
  }
  type(ordinal: number): string {
    return this.types[this.typeNumbers[ordinal]!]!;
  }
  typeNumberAt(ordinal: number): number {
    return this.typeNumbers[ordinal]!;
  }
  createdMs(ordinal: number): number {
    return this.created[ordinal]!;
  }

  /** The ordinal of a stream's n-th record in this segment. */
  ordinalIn(stream: number, n: number): number {
    const entry = this.byStream.get(stream);
    if (typeof entry === 'object' ? n >= entry.count : entry === undefined || n > 0) {
      throw new Error(`record ${n} of stream ${stream} is not in this segment`);
    }
    return typeof entry === 'object' ? entry.ordinals[n]! : entry!;
  }
  countIn(stream: number): number {
    const entry = this.byStream.get(stream);
    return entry === undefined ? 0 : typeof entry === 'number' ? 1 : entry.count;
  }
  /** Streams with records here, in the order of their first one. */
  streamNumbers(): IterableIterator<number> {
    return this.byStream.keys();
  }

  /** The first ordinal whose record begins at `offset` or later. */
  ordinalAt(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private typeNumber(type: string): number {
    let number = this.typeNumberOf.get(type);
    if (number === undefined) {
      number = this.types.length;
      this.types.push(type);
      this.typeNumberOf.set(type, number);
    }
    return number;
  }

  private append(stream: number, ordinal: number): void {
    const entry = this.byStream.get(stream);
    if (entry === undefined) this.byStream.set(stream, ordinal);
    else if (typeof entry === 'number') this.byStream.set(stream, { ordinals: Uint32Array.of(entry, ordinal, 0, 0), count: 2 });
    else {
      if (entry.count === entry.ordinals.length) entry.ordinals = enlarged(entry.ordinals, new Uint32Array(entry.count * 2));
      entry.ordinals[entry.count++] = ordinal;
    }
  }

  private grow(): void {
    const capacity = this.offsets.length * 2;
    this.offsets = enlarged(this.offsets, new Uint32Array(capacity));
    this.streams = enlarged(this.streams, new Uint32Array(capacity));
    this.typeNumbers = enlarged(this.typeNumbers, new Uint32Array(capacity));
    this.created = enlarged(this.created, new Float64Array(capacity));
  }
}

function enlarged<A extends Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
