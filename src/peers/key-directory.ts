import { createHash } from 'node:crypto';
import type { ReadStore } from '../stores/read-store';
import { recordKinds, type KeyRecord } from '../stores/records';

/** A key that opens something. */
export type UsableKey = Exclude<KeyRecord, { kind: 'revoked' }>;

/** `unavailable`: the read store did not answer and the key was not known before; asking again later is right. */
export type KeyLookup =
  { readonly kind: 'known'; readonly record: UsableKey } | { readonly kind: 'unknown' } | { readonly kind: 'unavailable' };

export interface KeyDirectoryBounds {
  readonly entriesMax: number;
  /** A key is asked for again after this long: so long a revoked key still works. */
  readonly knownForMs: number;
  /** As knownForMs for keys nobody has: so long a new key may be refused by a process that was asked for it before. */
  readonly unknownForMs: number;
  /** Look-ups under way at once; beyond them an unknown key is `unavailable`. */
  readonly lookupsMax: number;
  readonly lookupTimeoutMs: number;
}

export const keyDirectoryBounds: KeyDirectoryBounds = {
  entriesMax: 10_000,
  knownForMs: 5_000,
  unknownForMs: 1_000,
  lookupsMax: 256,
  lookupTimeoutMs: 3_000,
};

interface Entry {
  lookup: KeyLookup;
  /** Epoch ms. */
  askAgainAt: number;
}

export const keyHash = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/**
 * Who a write key or token belongs to, by the hash of the secret. What is known is answered at once and asked for again in the
 * background; while the read store is away, known keys go on working.
 */
export class KeyDirectory {
  /** In order of last use. */
  private readonly entries = new Map<string, Entry>();
  private readonly underWay = new Map<string, Promise<KeyLookup>>();

  constructor(
    private readonly readStore: Pick<ReadStore, 'records'>,
    private readonly bounds: KeyDirectoryBounds = keyDirectoryBounds,
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** @param hash sha256 of the secret, hex */
  find(hash: string): KeyLookup | Promise<KeyLookup> {
    const entry = this.entries.get(hash);
    if (!entry) return this.ask(hash);
    const isFresh = this.now() < entry.askAgainAt;
    if (entry.lookup.kind !== 'known' && !isFresh) return this.ask(hash);
    this.entries.delete(hash);
    this.entries.set(hash, entry);
    if (!isFresh) {
      entry.askAgainAt = this.now() + this.bounds.unknownForMs;
      void this.ask(hash);
    }
    return entry.lookup;
  }

  private ask(hash: string): Promise<KeyLookup> {
    const known = this.underWay.get(hash);
    if (known) return known;
    if (this.underWay.size >= this.bounds.lookupsMax) return Promise.resolve({ kind: 'unavailable' });
    const asked = this.lookUp(hash).finally(() => this.underWay.delete(hash));
    this.underWay.set(hash, asked);
    return asked;
  }

  private async lookUp(hash: string): Promise<KeyLookup> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('timeout')), this.bounds.lookupTimeoutMs);
      });
      const found = await Promise.race([this.readStore.records.get<KeyRecord>(recordKinds.keys, hash), late]);
      const record = found?.value;
      return this.remember(hash, record && record.kind !== 'revoked' ? { kind: 'known', record } : { kind: 'unknown' });
    } catch {
      // Whatever the store said, it did not say whose key this is. What was known stays; the caller decides about the rest.
      return this.entries.get(hash)?.lookup ?? { kind: 'unavailable' };
    } finally {
      clearTimeout(timer);
    }
  }

  private remember(hash: string, lookup: KeyLookup): KeyLookup {
    const { knownForMs, unknownForMs, entriesMax } = this.bounds;
    this.entries.delete(hash);
    this.entries.set(hash, { lookup, askAgainAt: this.now() + (lookup.kind === 'known' ? knownForMs : unknownForMs) });
    if (this.entries.size > entriesMax) this.entries.delete(this.entries.keys().next().value!);
    return lookup;
  }
}
