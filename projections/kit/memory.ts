import { ByteReader, ByteWriter } from './bytes';
import { ColdKeys } from './cold-keys';
import { RecentPairs } from './recent-pairs';

/** What a memory keeps under each key. */
export interface RecordFormat<R> {
  create(): R;
  write(record: R, out: ByteWriter): void;
  read(from: ByteReader): R;
}

/** Of the records that stay in memory at a flush; between two flushes every record touched is in memory. */
export interface MemoryBounds {
  readonly recordsMax: number;
  /** Of the records as they are stored. */
  readonly bytesMax: number;
}

/** A record that left memory, to be kept as a document of its own. */
export interface ColdRecord {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The document's bytes before this range, where it had any: from these the range is folded again after a crash. */
  readonly before: Uint8Array | undefined;
}

const dirty = 1;
const logged = 2;

/**
 * Records by 64-bit key, none of which is ever forgotten: *hot* ones are in memory, in order of use, and carried over restarts
 * by `take`'s changes and `snapshot`; all others are *cold*, documents in the store. Hot records turn cold at `take` only, the
 * least recently used first, so which documents a flush writes is a function of the log and of where flushes fall; what is
 * folded from records never depends on which of them are hot.
 */
export class Memory<R> {
  /** By place. */
  readonly records: R[] = [];
  private readonly recent = new RecentPairs();
  private flags = new Uint8Array(64);
  /** Stored bytes of each hot record as of the last take. */
  private sizes = new Uint32Array(64);
  private bytesHot = 0;
  /** By place: the documents of records that became hot since the last take. */
  private readonly befores = new Map<number, Uint8Array>();
  private readonly cold = new ColdKeys();
  /** What left with the last take, until its flush is complete. */
  private leaving = new Map<string, Uint8Array>();
  /** Answers of the store for records about to be used; undefined: there is no such document. */
  private readonly admitted = new Map<string, Uint8Array | undefined>();
  private readonly scratch = new ByteWriter(1 << 12);

  constructor(
    private readonly format: RecordFormat<R>,
    private readonly bounds: MemoryBounds,
    /** One letter of its own: keys of several memories share a collection. */
    private readonly prefix: string,
  ) {}

  get size(): number {
    return this.recent.size;
  }

  /** Whether any record may be a document in the store. */
  get hasCold(): boolean {
    return this.cold.any;
  }

  /** Records in memory that will have to leave with the next take. */
  get surplus(): number {
    return Math.max(0, this.recent.size - this.bounds.recordsMax);
  }

  keyOf(hi: number, lo: number): string {
    return this.prefix + hi.toString(16).padStart(8, '0') + lo.toString(16).padStart(8, '0');
  }

  owns(key: string): boolean {
    return key.startsWith(this.prefix);
  }

  /** Whether the store must be asked for a record before it may be used. */
  isAbsent(hi: number, lo: number): boolean {
    if (this.recent.find(hi, lo) !== -1 || !this.cold.mayHold(hi, lo)) return false;
    const key = this.keyOf(hi, lo);
    return !this.leaving.has(key) && !this.admitted.has(key);
  }

  /** The store's answer; undefined: it has no such document. */
  admit(key: string, bytes: Uint8Array | undefined): void {
    this.admitted.set(key, bytes);
  }

  /** The block the records were admitted for is folded. */
  forgetAdmitted(): void {
    if (this.admitted.size > 0) this.admitted.clear();
  }

  /** The place of a record, which counts as used and changed; a new one where there is none. */
  use(hi: number, lo: number): number {
    const place = this.recent.find(hi, lo);
    if (place === -1) return this.bring(hi, lo);
    this.recent.touch(place);
    this.flags[place]! |= dirty;
    return place;
  }

  /** The record's place where it exists, hot or cold; it then counts as used. */
  useExisting(hi: number, lo: number): number {
    if (this.recent.find(hi, lo) === -1 && this.elsewhere(hi, lo) === undefined) return -1;
    return this.use(hi, lo);
  }

  /** What changed since the last take, and which records leave. */
  take(): { change: Uint8Array | undefined; cold: ColdRecord[] } {
    const changed = this.changedPlaces();
    if (changed.length === 0) return { change: undefined, cold: [] };
    const starts = this.writeChanged(changed);
    const { scratch } = this;
    const bytesOf = new Map<number, number>();
    const gone = new ByteWriter();
    const cold: ColdRecord[] = [];
    this.leaving = new Map();
    let left = 0;
    changed.forEach((place, i) => bytesOf.set(place, i));
    while (this.isOverfull()) {
      const place = this.recent.oldestPlace;
      const i = bytesOf.get(place);
      const bytes = i === undefined ? this.written(place) : scratch.part(starts[i]!, starts[i + 1]!).slice();
      if ((this.flags[place]! & logged) !== 0) {
        gone.u32(this.recent.firsts[place]!);
        gone.u32(this.recent.seconds[place]!);
        left++;
      }
      cold.push(this.leave(place, bytes));
      bytesOf.delete(place);
    }
    const change = new ByteWriter(gone.length + scratch.length + changed.length * 12);
    change.varint(left);
    change.raw(gone.taken());
    for (let i = 0; i < changed.length; i++) {
      const place = changed[i]!;
      if (!bytesOf.has(place)) continue;
      this.enter(change, place, scratch.part(starts[i]!, starts[i + 1]!));
      this.flags[place] = logged;
    }
    this.befores.clear();
    return { change: change.taken(), cold };
  }

  /** The records that left with the last take are documents now. */
  flushed(): void {
    this.leaving.clear();
  }

  /** All hot records, oldest use first. Right after a take only. */
  snapshot(): Uint8Array {
    const out = new ByteWriter(this.bytesHot + this.size * 12);
    out.varint(0);
    for (let place = this.recent.oldestPlace; place !== -1; place = this.recent.newerThan(place)) {
      this.enter(out, place, this.written(place));
    }
    return out.taken();
  }

  /** A snapshot, then each take's changes after it, on a fresh memory. */
  restore(parts: readonly Uint8Array[], hasCold: boolean): void {
    if (hasCold) this.cold.beginUnknown();
    const stored: Uint8Array[] = [];
    for (const part of parts) {
      const from = new ByteReader(part);
      for (let left = from.varint(); left > 0; left--) {
        const place = this.recent.find(from.u32(), from.u32());
        if (place !== -1) this.recent.remove(place);
      }
      while (from.remaining > 0) {
        const hi = from.u32();
        const lo = from.u32();
        const known = this.recent.find(hi, lo);
        if (known !== -1) this.recent.touch(known);
        stored[known === -1 ? this.recent.add(hi, lo) : known] = from.raw(from.varint());
      }
    }
    for (let place = this.recent.oldestPlace; place !== -1; place = this.recent.newerThan(place)) {
      this.makeRoom(place);
      const bytes = stored[place]!;
      this.records[place] = this.format.read(new ByteReader(bytes));
      this.flags[place] = logged;
      this.sizes[place] = bytes.length;
      this.bytesHot += bytes.length;
    }
  }

  private bring(hi: number, lo: number): number {
    const bytes = this.elsewhere(hi, lo);
    const place = this.recent.add(hi, lo);
    this.makeRoom(place);
    this.records[place] = bytes === undefined ? this.format.create() : this.format.read(new ByteReader(bytes));
    if (bytes !== undefined) this.befores.set(place, bytes);
    this.flags[place] = dirty;
    this.sizes[place] = 0;
    return place;
  }

  private elsewhere(hi: number, lo: number): Uint8Array | undefined {
    if (!this.cold.mayHold(hi, lo)) return undefined;
    const key = this.keyOf(hi, lo);
    const leaving = this.leaving.get(key);
    if (leaving === undefined && !this.admitted.has(key)) throw new Error(`the record ${key} is used before the store was asked for it`);
    return leaving ?? this.admitted.get(key);
  }

  /** In order of use: whatever was used since the last take is newer than all that was not. */
  private changedPlaces(): number[] {
    const places: number[] = [];
    for (let place = this.recent.newestPlace; place !== -1; place = this.recent.olderThan(place)) {
      if ((this.flags[place]! & dirty) === 0) break;
      places.push(place);
    }
    return places.reverse();
  }

  /** Into the scratch, one after the other; gives where each begins, and the end. */
  private writeChanged(places: readonly number[]): Uint32Array {
    const starts = new Uint32Array(places.length + 1);
    this.scratch.length = 0;
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      this.format.write(this.records[place]!, this.scratch);
      starts[i + 1] = this.scratch.length;
      const size = this.scratch.length - starts[i]!;
      this.bytesHot += size - this.sizes[place]!;
      this.sizes[place] = size;
    }
    return starts;
  }

  private isOverfull(): boolean {
    return this.recent.size > this.bounds.recordsMax || (this.bytesHot > this.bounds.bytesMax && this.recent.size > 1);
  }

  private leave(place: number, bytes: Uint8Array): ColdRecord {
    const hi = this.recent.firsts[place]!;
    const lo = this.recent.seconds[place]!;
    const key = this.keyOf(hi, lo);
    const before = this.befores.get(place);
    this.recent.remove(place);
    this.bytesHot -= this.sizes[place]!;
    this.flags[place] = 0;
    this.records[place] = undefined as R;
    this.leaving.set(key, bytes);
    this.cold.add(hi, lo);
    return { key, bytes, before };
  }

  private written(place: number): Uint8Array {
    const out = new ByteWriter(this.sizes[place]! + 8);
    this.format.write(this.records[place]!, out);
    return out.taken();
  }

  private enter(out: ByteWriter, place: number, bytes: Uint8Array): void {
    out.u32(this.recent.firsts[place]!);
    out.u32(this.recent.seconds[place]!);
    out.varint(bytes.length);
    out.raw(bytes);
  }

  private makeRoom(place: number): void {
    let length = this.flags.length;
    if (place < length) return;
    while (place >= length) length *= 2;
    const flags = new Uint8Array(length);
    flags.set(this.flags);
    this.flags = flags;
    const sizes = new Uint32Array(length);
    sizes.set(this.sizes);
    this.sizes = sizes;
  }
}
