import { Inject, Injectable } from '@nestjs/common';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { type KeyRecord, type MerchantRecord, recordKinds } from '../stores/records';
import type { DirectoryWrite } from './directory';
import { ExpiringCache } from './expiring-cache';

/** A key revoked by another process opens for at most this long; one revoked by this process stops at once. */
const keyCacheTtlMs = 5_000;

/** Of one merchant. */
const writesAtOnce = 32;

/** The directory as stored: written from the fold, read by guards and queries. */
@Injectable()
export class DirectoryRecords {
  private readonly keys = new ExpiringCache<KeyRecord>({ entriesMax: 10_000, ttlMs: keyCacheTtlMs });
  private readonly merchants = new ExpiringCache<MerchantRecord>({ entriesMax: 10_000, ttlMs: keyCacheTtlMs });

  private readonly asked = new Map<string, Promise<KeyRecord | undefined>>();

  constructor(@Inject(READ_STORE) private readonly store: ReadStore) {}

  /** Idempotent, in any order: older writes lose against newer ones. */
  async apply(writes: readonly DirectoryWrite[]): Promise<void> {
    let left = writes;
    const write = async (which: (kind: string) => boolean): Promise<void> => {
      const some = left.filter(({ kind }) => which(kind));
      left = left.filter(({ kind }) => !which(kind));
      for (let i = 0; i < some.length; i += writesAtOnce) {
        const chunk = some.slice(i, i + writesAtOnce);
        await Promise.all(chunk.map(({ kind, id, value, order }) => this.store.records.putNewer(kind, id, value(), order)));
      }
    };
    try {
      // Settings are there before anything says so. Keys come last: a key that is found opens a merchant that is known, with the
      // settings its events are counted by.
      await write((kind) => kind === recordKinds.settings);
      await write((kind) => kind !== recordKinds.keys);
      await write(() => true);
    } finally {
      for (const { kind, id } of writes) {
        if (kind === recordKinds.keys) this.keys.delete(id);
        else if (kind === recordKinds.merchants) this.merchants.delete(id);
      }
    }
  }

  /**
   * What a key or token opens, by its hash; at most `keyCacheTtlMs` old. Only found keys are remembered, so that guessing cannot
   * push real ones out, and a key just created is found at once.
   */
  async key(hash: string): Promise<KeyRecord | undefined> {
    const known = this.keys.get(hash);
    if (known !== undefined) return known;
    // When a busy key has aged, all who ask at that moment wait for one answer.
    let asked = this.asked.get(hash);
    if (asked === undefined) {
      asked = this.readKey(hash).finally(() => this.asked.delete(hash));
      this.asked.set(hash, asked);
    }
    return asked;
  }

  private async readKey(hash: string): Promise<KeyRecord | undefined> {
    const found = await this.store.records.get<KeyRecord>(recordKinds.keys, hash);
    if (found !== undefined) this.keys.set(hash, found.value);
    return found?.value;
  }

  /** The merchant as stored now; undefined when there is none or it was deleted. */
  async merchant(merchantId: string): Promise<MerchantRecord | undefined> {
    const found = await this.store.records.get<MerchantRecord>(recordKinds.merchants, merchantId);
    if (found === undefined || found.value.deleted) return undefined;
    this.merchants.set(merchantId, found.value);
    return found.value;
  }

  /** Whether the merchant exists, at most `keyCacheTtlMs` late to learn that it was deleted. */
  async merchantExists(merchantId: string): Promise<boolean> {
    return this.merchants.get(merchantId) !== undefined || (await this.merchant(merchantId)) !== undefined;
  }

  /** Merchants by id, deleted ones left out. `next` is where the following page starts, null on the last. */
  async page(after: string | undefined, limit: number): Promise<{ merchants: MerchantRecord[]; next: string | null }> {
    const merchants: MerchantRecord[] = [];
    let from = after;
    for (;;) {
      const wanted = limit - merchants.length + 1;
      const found = await this.store.records.list<MerchantRecord>(recordKinds.merchants, '', { limit: wanted, after: from });
      for (const { value } of found) {
        if (value.deleted) continue;
        if (merchants.length === limit) return { merchants, next: merchants.at(-1)!.merchantId };
        merchants.push(value);
      }
      if (found.length < wanted) return { merchants, next: null };
      from = found.at(-1)!.id;
    }
  }
}
