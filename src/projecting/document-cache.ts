import { noDocuments, type BucketDocuments } from '../../projections/kit/bucket-documents';

interface Entry {
  readonly shelf: Map<string, Entry>;
  readonly forgotten: Set<number>;
  readonly key: string;
  documents: BucketDocuments;
  bytes: number;
  newer: Entry | undefined;
  older: Entry | undefined;
}

/** Beyond this many forgotten prefixes the shelf no longer knows what does not exist and asks the store. */
const forgottenMax = 500_000;

/** Bounded by bytes over all of a worker's folds; what was not used for longest goes first. */
export class DocumentCache {
  private newest: Entry | undefined;
  private oldest: Entry | undefined;
  private used = 0;

  constructor(
    readonly bytesMax: number,
    private readonly bytesOf: (documents: BucketDocuments) => number,
  ) {}

  get bytes(): number {
    return this.used;
  }

  /** @param beganEmpty the fold has written everything there is in its collections: what it never wrote does not exist */
  shelf(beganEmpty: boolean): DocumentShelf {
    return new DocumentShelf(this, beganEmpty);
  }

  /** @internal used by shelves */
  store(shelf: Map<string, Entry>, forgotten: Set<number>, key: string, documents: BucketDocuments): void {
    const bytes = 120 + 2 * key.length + this.bytesOf(documents);
    let entry = shelf.get(key);
    if (entry === undefined) {
      entry = { shelf, forgotten, key, documents, bytes: 0, newer: undefined, older: undefined };
      shelf.set(key, entry);
    } else {
      this.unlink(entry);
    }
    entry.documents = documents;
    this.used += bytes - entry.bytes;
    entry.bytes = bytes;
    this.linkNewest(entry);
    while (this.used > this.bytesMax && this.oldest !== undefined) this.evict(this.oldest);
  }

  /** @internal */
  use(entry: Entry): BucketDocuments {
    if (entry !== this.newest) {
      this.unlink(entry);
      this.linkNewest(entry);
    }
    return entry.documents;
  }

  /** @internal */
  clear(shelf: Map<string, Entry>): void {
    for (const entry of shelf.values()) {
      this.unlink(entry);
      this.used -= entry.bytes;
    }
    shelf.clear();
  }

  private evict(entry: Entry): void {
    this.unlink(entry);
    this.used -= entry.bytes;
    entry.shelf.delete(entry.key);
    if (entry.forgotten.size < forgottenMax) entry.forgotten.add(hashOf(entry.key));
  }

  private linkNewest(entry: Entry): void {
    entry.older = this.newest;
    entry.newer = undefined;
    if (this.newest !== undefined) this.newest.newer = entry;
    this.newest = entry;
    this.oldest ??= entry;
  }

  private unlink(entry: Entry): void {
    if (entry.newer !== undefined) entry.newer.older = entry.older;
    else if (this.newest === entry) this.newest = entry.older;
    if (entry.older !== undefined) entry.older.newer = entry.newer;
    else if (this.oldest === entry) this.oldest = entry.newer;
    entry.newer = entry.older = undefined;
  }
}

/** The documents one fold has read or written, by collection and prefix. Only the owner of the partition may trust them. */
export class DocumentShelf {
  private readonly entries = new Map<string, Entry>();
  private readonly forgotten = new Set<number>();

  constructor(
    private readonly cache: DocumentCache,
    private readonly beganEmpty: boolean,
  ) {}

  /** The documents of a prefix; undefined when the store must be asked. */
  get(collection: string, prefix: string): BucketDocuments | undefined {
    const key = keyOf(collection, prefix);
    const entry = this.entries.get(key);
    if (entry !== undefined) return this.cache.use(entry);
    if (this.beganEmpty && this.forgotten.size < forgottenMax && !this.forgotten.has(hashOf(key))) return noDocuments();
    return undefined;
  }

  set(collection: string, prefix: string, documents: BucketDocuments): void {
    this.cache.store(this.entries, this.forgotten, keyOf(collection, prefix), documents);
  }

  clear(): void {
    this.cache.clear(this.entries);
    this.forgotten.clear();
  }
}

const keyOf = (collection: string, prefix: string): string => `${collection}/${prefix}`;

/** 52 bits: a collision only causes a look-up too many. */
function hashOf(key: string): number {
  let a = 0x811c9dc5;
  let b = 0x1000193;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b);
  }
  return (a >>> 0) * 0x10_0000 + ((b >>> 0) & 0xf_ffff);
}
