import type { Retention } from './retention';
import type { Signal } from './signal';

/** A record that has its revision and position but is not yet on disk. */
export interface PendingRecord {
  readonly id: Buffer;
  readonly revision: number;
  readonly position: number;
}

/** What is known of one stream. A million of these must fit in memory, so what most streams lack is left undefined. */
export class StreamState {
  /** Records on disk, which is also the next revision readers will see. */
  count = 0;
  tombstoned = false;
  retention: Retention | undefined;
  /** Written but not yet synced, in order. */
  pending: PendingRecord[] | undefined;
  pendingTombstone = false;
  /** Set while a metadata record of this stream waits for its sync; `retention` inside may be undefined. */
  pendingRetention: { retention: Retention | undefined } | undefined;
  /** Fires when the stream got records, or was deleted. */
  changed: Signal | undefined;

  private firstPlaceSegment = -1;
  private firstPlaceRevision = 0;
  /** Alternating segment number and first revision in it, after the first place. */
  private morePlaces: number[] | undefined;

  constructor(
    readonly number: number,
    readonly name: string,
  ) {}

  /** Newest revision, -1 when there is none, counting what waits for its sync. */
  get lastRevision(): number {
    return this.count + (this.pending?.length ?? 0) - 1;
  }
  get lastTombstoned(): boolean {
    return this.tombstoned || this.pendingTombstone;
  }
  get lastRetention(): Retention | undefined {
    return this.pendingRetention ? this.pendingRetention.retention : this.retention;
  }
  get hasPending(): boolean {
    return this.pending !== undefined || this.pendingTombstone || this.pendingRetention !== undefined;
  }

  /** Notes that `segment` holds this stream's records from `revision` on. */
  addPlace(segment: number, revision: number): void {
    if (this.firstPlaceSegment < 0) {
      this.firstPlaceSegment = segment;
      this.firstPlaceRevision = revision;
      return;
    }
    const places = this.morePlaces;
    const newest = places ? places[places.length - 2]! : this.firstPlaceSegment;
    if (newest === segment) return;
    (this.morePlaces ??= []).push(segment, revision);
  }

  /** The segment holding `revision` (which is below `count`) and the first revision of this stream in it. */
  placeOf(revision: number): { segment: number; firstRevision: number } {
    const places = this.morePlaces;
    let low = 0;
    let high = places ? places.length / 2 : 0;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places![middle * 2 + 1]! <= revision) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return { segment: this.firstPlaceSegment, firstRevision: this.firstPlaceRevision };
    return { segment: places![low * 2 - 2]!, firstRevision: places![low * 2 - 1]! };
  }

  /** The first revision of this stream in a segment that holds some of it. */
  firstRevisionIn(segment: number): number {
    const places = this.morePlaces;
    for (let i = places ? places.length - 2 : -1; i >= 0; i -= 2) if (places![i] === segment) return places![i + 1]!;
    return this.firstPlaceRevision;
  }

  forgetPending(): void {
    this.pending = undefined;
    this.pendingTombstone = false;
    this.pendingRetention = undefined;
  }
}

/** All streams, by name and by number. Numbers are given at start and mean nothing on disk. */
export class StreamDirectory {
  private readonly byName = new Map<string, StreamState>();
  private readonly byNumber: StreamState[] = [];

  find(name: string): StreamState | undefined {
    return this.byName.get(name);
  }

  findOrAdd(name: string): StreamState {
    let stream = this.byName.get(name);
    if (!stream) {
      stream = new StreamState(this.byNumber.length, name);
      this.byName.set(name, stream);
      this.byNumber.push(stream);
    }
    return stream;
  }

  numbered(number: number): StreamState {
    return this.byNumber[number]!;
  }
}
