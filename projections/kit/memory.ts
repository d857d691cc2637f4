import { Arena } from './arena';
import { ByteReader, ByteWriter } from './bytes';
import { ColdKeys } from './cold-keys';
import { grown } from './grown';
import { RecentPairs } from './recent-pairs';

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
 * Records by 64-bit key, as bytes, none of which is ever forgotten: *hot* ones are in memory, in order of use, and carried over restarts
 * by `take`'s changes and `snapshot`; all others are *cold*, documents in the store. Hot records turn cold at `take` only, the
 * least recently used first, so which documents a flush writes is a function of the log and of where flushes fall; what is
 * folded from records never depends on which of them are hot.
 */
export class Memory {
  private readonly arena = new Arena();
  private readonly recent = new RecentPairs();
  private flags = new Uint8Array(64);
  /** Of all hot records, as they are stored. */
  private bytesHot = 0;
  /** By place: the documents of records that became hot since the last take. */
  private readonly befores = new Map<number, Uint8Array>();
  private readonly cold = new ColdKeys();
  /** What left with the last take, until its flush is complete. */
  private leaving = new Map<string, Uint8Array>();
  /** Answers of the store for records about to be used; undefined: there is no such document. */
  private readonly admitted = new Map<string, Uint8Array | undefined>();

  constructor(
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

  /** In memory. */
  get bytes(): number {
    return this.arena.bytesHeld + this.recent.bytes;
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

  /** A record's bytes for reading; none of a new one. Good until the next `write`. */
  read(place: number, from: ByteReader): void {
    const start = this.arena.starts[place]!;
    from.reset(this.arena.bytes, start, start + this.arena.lengths[place]!);
  }

  /** Makes a record in use what the writer holds. */
  write(place: number, out: ByteWriter): void {
    this.put(place, out.written, 0, out.length);
  }

  /** What changed since the last take, and which records leave. */
  take(): { change: Uint8Array | undefined; cold: ColdRecord[] } {
    if (!this.isDirty(this.recent.newestPlace)) return { change: undefined, cold: [] };
    const gone = new ByteWriter();
    const cold: ColdRecord[] = [];
    this.leaving = new Map();
    let left = 0;
    while (this.isOverfull()) {
      const place = this.recent.oldestPlace;
      if ((this.flags[place]! & logged) !== 0) {
        gone.u32(this.recent.firsts[place]!);
        gone.u32(this.recent.seconds[place]!);
        left++;
      }
      cold.push(this.leave(place));
    }
    const changed = this.changedPlaces();
    const change = new ByteWriter(gone.length + changed.length * 100);
    change.varint(left);
    change.raw(gone.part(0, gone.length));
    for (let i = changed.length - 1; i >= 0; i--) {
      this.enter(change, changed[i]!);
      this.flags[changed[i]!] = logged;
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
      this.enter(out, place);
    }
    return out.taken();
  }

  /** A snapshot, then each take's changes after it, on a fresh memory. */
  restore(parts: readonly Uint8Array[], hasCold: boolean): void {
    if (hasCold) this.cold.beginUnknown();
    for (const part of parts) {
      const from = new ByteReader(part);
      for (let left = from.varint(); left > 0; left--) {
        const place = this.recent.find(from.u32(), from.u32());
        if (place !== -1) this.remove(place);
      }
      while (from.remaining > 0) {
        const hi = from.u32();
        const lo = from.u32();
        const known = this.recent.find(hi, lo);
        if (known !== -1) this.recent.touch(known);
        const place = known === -1 ? this.newPlace(hi, lo) : known;
        const length = from.varint();
        const start = from.skip(length);
        this.put(place, part, start, start + length);
        this.flags[place] = logged;
      }
    }
  }

  private bring(hi: number, lo: number): number {
    const bytes = this.elsewhere(hi, lo);
    const place = this.newPlace(hi, lo);
    if (bytes !== undefined) {
      this.put(place, bytes, 0, bytes.length);
      this.befores.set(place, bytes);
    }
    this.flags[place] = dirty;
    return place;
  }

  private newPlace(hi: number, lo: number): number {
    const place = this.recent.add(hi, lo);
    if (place >= this.flags.length) this.flags = grown(this.flags);
    this.arena.clear(place);
    return place;
  }

  private put(place: number, source: Uint8Array, from: number, to: number): void {
    this.bytesHot += to - from - this.arena.lengths[place]!;
    this.arena.put(place, source, from, to);
  }

  private elsewhere(hi: number, lo: number): Uint8Array | undefined {
    if (!this.cold.mayHold(hi, lo)) return undefined;
    const key = this.keyOf(hi, lo);
    const leaving = this.leaving.get(key);
    if (leaving === undefined && !this.admitted.has(key)) throw new Error(`the record ${key} is used before the store was asked for it`);
    return leaving ?? this.admitted.get(key);
  }

  private isDirty(place: number): boolean {
    return place !== -1 && (this.flags[place]! & dirty) !== 0;
  }

  /** Newest use first: whatever was used since the last take is newer than all that was not. */
  private changedPlaces(): number[] {
    const places: number[] = [];
    for (let place = this.recent.newestPlace; this.isDirty(place); place = this.recent.olderThan(place)) places.push(place);
    return places;
  }

  private isOverfull(): boolean {
    return this.recent.size > this.bounds.recordsMax || (this.bytesHot > this.bounds.bytesMax && this.recent.size > 1);
  }

  private leave(place: number): ColdRecord {
    const hi = this.recent.firsts[place]!;
    const lo = this.recent.seconds[place]!;
    const key = this.keyOf(hi, lo);
    const before = this.befores.get(place);
    const bytes = this.arena.at(place).slice();
    this.remove(place);
    this.leaving.set(key, bytes);
    this.cold.add(hi, lo);
    return { key, bytes, before };
  }

  private remove(place: number): void {
    this.recent.remove(place);
    this.bytesHot -= this.arena.lengths[place]!;
    this.arena.clear(place);
  }

  private enter(out: ByteWriter, place: number): void {
    out.u32(this.recent.firsts[place]!);
    out.u32(this.recent.seconds[place]!);
    const bytes = this.arena.at(place);
    out.varint(bytes.length);
    out.raw(bytes);
  }
}
