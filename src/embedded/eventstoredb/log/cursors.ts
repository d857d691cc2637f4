import type { EventLog } from './event-log';
import type { Selection } from './fetch';
import type { Segment } from './segment';
import type { StreamState } from './stream-state';

/** What one step of a reader takes at most: it bounds the memory of each reader, whatever it reads. */
const stepRecordsMax = 256;
const stepBytesMax = 512 << 10;
/** Index entries a filtered step looks at before it lets others have a turn. */
const stepExaminedMax = 10_000;

/** Walks one stream. `next` is the revision of the next record to read. */
export class StreamCursor {
  constructor(
    private readonly log: EventLog,
    private readonly stream: StreamState,
    public next: number,
    private readonly backwards: boolean,
  ) {}

  get atEnd(): boolean {
    return this.backwards ? this.next < 0 : this.next >= this.stream.count;
  }

  /** The next records, none below `first`; undefined when there are none (yet). */
  async step(first: number, recordsMax: number): Promise<Selection | undefined> {
    if (!this.backwards && this.next < first) this.next = first;
    if (this.atEnd || this.next < first || recordsMax <= 0) return undefined;
    const { segment: number, firstRevision } = this.stream.placeOf(this.next);
    const segment = this.log.segments[number]!;
    const index = await this.log.indexes.of(segment);
    const firstHere = Math.max(first, firstRevision);
    const endHere = firstRevision + index.countIn(this.stream.number);
    const ordinals: number[] = [];
    const max = Math.min(recordsMax, stepRecordsMax);
    let bytes = 0;
    while (ordinals.length < max && this.next >= firstHere && this.next < endHere) {
      const ordinal = index.ordinalIn(this.stream.number, this.next - firstRevision);
      bytes += index.recordBytes(ordinal);
      if (bytes > stepBytesMax && ordinals.length > 0) break;
      ordinals.push(ordinal);
      this.next += this.backwards ? -1 : 1;
    }
    return { segment, index, ordinals };
  }
}

/** Decides by stream name and event type. */
export type RecordFilter = (stream: string, type: string) => boolean;

export interface AllStep extends Selection {
  /** Records looked at, selected or not. */
  readonly examined: number;
}

/** Walks all streams in log order. Forwards, `next` is the position to go on from; backwards, the position to stay below. */
export class AllCursor {
  /** Position of the last record looked at, -1 before the first. */
  lastExamined = -1;

  constructor(
    private readonly log: EventLog,
    public next: number,
    private readonly backwards: boolean,
    private readonly filter: RecordFilter | undefined,
  ) {}

  get atEnd(): boolean {
    return this.backwards ? this.next <= 0 : this.next >= this.log.endPosition;
  }

  /** The next matching records; undefined when there are none (yet). The selection may be empty: nothing matched so far. */
  async step(recordsMax: number, examinedMax: number = stepExaminedMax): Promise<AllStep | undefined> {
    if (this.atEnd || recordsMax <= 0) return undefined;
    const segment = this.segment();
    const index = await this.log.indexes.of(segment);
    const ordinals: number[] = [];
    const max = Math.min(recordsMax, stepRecordsMax);
    const direction = this.backwards ? -1 : 1;
    const start = index.ordinalAt(this.next - segment.base) - (this.backwards ? 1 : 0);
    const count = index.count;
    let ordinal = start;
    let bytes = 0;
    for (; ordinal >= 0 && ordinal < count && ordinals.length < max; ordinal += direction) {
      if (Math.abs(ordinal - start) >= Math.min(examinedMax, stepExaminedMax)) break;
      if (this.filter && !this.filter(this.log.streams.numbered(index.stream(ordinal)).name, index.type(ordinal))) continue;
      bytes += index.recordBytes(ordinal);
      if (bytes > stepBytesMax && ordinals.length > 0) break;
      ordinals.push(ordinal);
    }
    const examined = Math.abs(ordinal - start);
    if (examined > 0) this.lastExamined = segment.base + index.offset(ordinal - direction);
    if (this.backwards) this.next = ordinal < 0 ? segment.base : segment.base + index.offset(ordinal) + 1;
    else this.next = segment.base + (ordinal < count ? index.offset(ordinal) : index.bytes);
    return { segment, index, ordinals, examined };
  }

  /** The segment of the next record: the one holding `next` forwards, the one holding the byte before it backwards. */
  private segment(): Segment {
    const { segments } = this.log;
    const position = this.backwards ? this.next - 1 : this.next;
    let low = 0;
    let high = segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (segments[middle]!.base <= position) low = middle;
      else high = middle - 1;
    }
    return segments[low]!;
  }
}
