import { createHash } from 'node:crypto';
import { pseudonymsUnder, type PseudonymOf } from '../domain/pseudonyms';
import { pseudonymSecretOf } from '../stores/pseudonym-secrets';
import type { ReadStore } from '../stores/read-store';
import { recordKinds, type KeyRecord } from '../stores/records';

export type WriteKey = Extract<KeyRecord, { kind: 'write' }> & {
  /** Under the merchant's secret, which is not in here to be read. */
  readonly pseudonymOf: PseudonymOf;
};

/** A key that opens something. */
export type UsableKey = WriteKey | Extract<KeyRecord, { kind: 'read' }>;

/** `unavailable`: the read store did not answer and the key was not known before; asking again later is right. */
export type KeyLookup =
  { readonly kind: 'known'; readonly record: UsableKey } | { readonly kind: 'unknown' } | { readonly kind: 'unavailable' };

export interface KeyDirectoryBounds {
  readonly entriesMax: number;
  /** A key is asked for again after this long: so long a revoked key still works. */
  readonly knownForMs: number;
  /** What was asked for longer ago is not used before it was asked for again: a spread must have begun with all collectors knowing of it. */
  readonly staleAfterMs: number;
  /** As staleAfterMs from when the read store did not answer on: so rarely is it waited for while it is away. */
  readonly awayForMs: number;
  /** As knownForMs for keys nobody has: so long a new key may be refused by a process that was asked for it before. */
  readonly unknownForMs: number;
  /** Look-ups under way at once; beyond them an unknown key is `unavailable`. */
  readonly lookupsMax: number;
  readonly lookupTimeoutMs: number;
}

export const keyDirectoryBounds: KeyDirectoryBounds = {
  entriesMax: 10_000,
  knownForMs: 5_000,
  staleAfterMs: 8_000,
  awayForMs: 60_000,
  unknownForMs: 1_000,
  lookupsMax: 256,
  lookupTimeoutMs: 3_000,
};

interface Entry {
  lookup: KeyLookup;
  /** Epoch ms. */
  askAgainAt: number;
  /** Epoch ms. */
  staleAt: number;
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
  /** By merchant, in order of last look-up. */
  private readonly secrets = new Map<string, { readonly secret: string; readonly pseudonymOf: PseudonymOf }>();

  constructor(
    private readonly readStore: Pick<ReadStore, 'records'>,
    private readonly bounds: KeyDirectoryBounds = keyDirectoryBounds,
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** @param hash sha256 of the secret, hex */
  find(hash: string): KeyLookup | Promise<KeyLookup> {
    const entry = this.entries.get(hash);
    if (!entry) return this.ask(hash);
    const now = this.now();
    const isFresh = now < entry.askAgainAt;
    if ((entry.lookup.kind !== 'known' && !isFresh) || now >= entry.staleAt) return this.ask(hash);
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
      return this.remember(hash, await Promise.race([this.read(hash), late]));
    } catch {
      // Whatever the store said, it did not say whose key this is. What was known stays; the caller decides about the rest.
      const entry = this.entries.get(hash);
      if (entry === undefined) return { kind: 'unavailable' };
      entry.staleAt = this.now() + this.bounds.awayForMs;
      return entry.lookup;
    } finally {
      clearTimeout(timer);
    }
  }

  private async read(hash: string): Promise<KeyLookup> {
    const record = (await this.readStore.records.get<KeyRecord>(recordKinds.keys, hash))?.value;
    if (record === undefined || record.kind === 'revoked') return { kind: 'unknown' };
    if (record.kind === 'read') return { kind: 'known', record };
    const pseudonymOf = await this.pseudonymsOf(record.merchantId);
    // Without its secret a merchant is deleted, and so are its keys.
    return pseudonymOf === undefined ? { kind: 'unknown' } : { kind: 'known', record: { ...record, pseudonymOf } };
  }

  /** Asked for again with the key: all collectors work with the secret that is stored, whatever happened to it in between. */
  private async pseudonymsOf(merchantId: string): Promise<PseudonymOf | undefined> {
    const known = this.secrets.get(merchantId);
    const secret = await pseudonymSecretOf(this.readStore.records, merchantId, known?.secret);
    this.secrets.delete(merchantId);
    if (secret === undefined) return undefined;
    const entry = secret === known?.secret ? known : { secret, pseudonymOf: pseudonymsUnder(secret) };
    this.secrets.set(merchantId, entry);
    if (this.secrets.size > this.bounds.entriesMax) this.secrets.delete(this.secrets.keys().next().value!);
    return entry.pseudonymOf;
  }

  private remember(hash: string, lookup: KeyLookup): KeyLookup {
    const { knownForMs, unknownForMs, staleAfterMs, entriesMax } = this.bounds;
    const now = this.now();
    this.entries.delete(hash);
    this.entries.set(hash, {
      lookup,
      askAgainAt: now + (lookup.kind === 'known' ? knownForMs : unknownForMs),
      staleAt: now + staleAfterMs,
    });
    if (this.entries.size > entriesMax) this.entries.delete(this.entries.keys().next().value!);
    return lookup;
  }
}
