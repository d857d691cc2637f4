import type { MerchantEvent } from '../domain/merchant-events';
import { unreachable } from '../domain/unreachable';
import { type KeyRecord, type MerchantRecord, recordKinds } from '../stores/records';

/**
 * What the other roles look up about one merchant, folded from its stream and from nothing else: its record, and a record for
 * every key it ever had. A key that was rotated or revoked stays as a tombstone, so that applying an older fact again, late or
 * twice, can never open the door it closed.
 */
export interface DirectoryView {
  readonly merchant: MerchantRecord | undefined;
  /** By hash of the key, each with the revision that changed it last. */
  readonly keys: ReadonlyMap<string, { readonly record: KeyRecord; readonly changedAt: bigint }>;
  /** Of the newest fact folded; -1 before the first. */
  readonly revision: bigint;
}

/** One record to write with `putNewer`: the same write made twice, or after a newer one, changes nothing. */
export interface DirectoryWrite {
  readonly kind: string;
  readonly id: string;
  readonly value: MerchantRecord | KeyRecord;
  /** Revision + 1 of the fact that caused it. */
  readonly order: number;
}

export const emptyView: DirectoryView = { merchant: undefined, keys: new Map(), revision: -1n };

export function foldDirectory(view: DirectoryView, event: MerchantEvent, revision: bigint): DirectoryView {
  if (event.type === 'merchant-registered.v1') {
    const { merchantId, name, timezone, currency, at } = event.data;
    const timezones = [{ timezone, since: at }];
    const merchant = { merchantId, name, timezone, currency, timezones, createdAt: at, deleted: false, sources: [], tokens: [] };
    return { ...view, merchant, revision };
  }
  const { merchant } = view;
  if (merchant === undefined) return { ...view, revision };
  const { merchantId } = merchant;
  const withKeys = (changes: [hash: string, record: KeyRecord][], changed: Partial<MerchantRecord>): DirectoryView => {
    const keys = new Map(view.keys);
    for (const [hash, record] of changes) keys.set(hash, { record, changedAt: revision });
    return { merchant: { ...merchant, ...changed }, keys, revision };
  };
  const revoked: KeyRecord = { kind: 'revoked', merchantId };

  switch (event.type) {
    case 'merchant-renamed.v1':
      return withKeys([], { name: event.data.name });
    case 'timezone-changed.v1': {
      const { timezone, at } = event.data;
      // Oldest first, whatever the clocks of the processes that decided.
      const since = Math.max(at, merchant.timezones.at(-1)?.since ?? at);
      return withKeys([], { timezone, timezones: [...merchant.timezones, { timezone, since }] });
    }
    case 'currency-changed.v1':
      return withKeys([], { currency: event.data.currency });
    case 'source-added.v1': {
      const { sourceId, name, allowedOrigins, keyHash, at } = event.data;
      return withKeys([[keyHash, { kind: 'write', merchantId, sourceId, allowedOrigins }]], {
        sources: [...merchant.sources, { sourceId, name, allowedOrigins, keyHash, createdAt: at }],
      });
    }
    case 'write-key-rotated.v1': {
      const { sourceId, keyHash } = event.data;
      const source = merchant.sources.find((s) => s.sourceId === sourceId);
      if (!source) return { ...view, revision };
      return withKeys(
        [
          [source.keyHash, revoked],
          [keyHash, { kind: 'write', merchantId, sourceId, allowedOrigins: source.allowedOrigins }],
        ],
        { sources: merchant.sources.map((s) => (s === source ? { ...s, keyHash } : s)) },
      );
    }
    case 'source-removed.v1': {
      const gone = merchant.sources.filter((s) => s.sourceId === event.data.sourceId);
      return withKeys(
        gone.map((s) => [s.keyHash, revoked]),
        { sources: merchant.sources.filter((s) => !gone.includes(s)) },
      );
    }
    case 'token-issued.v1': {
      const { tokenId, name, role, tokenHash, at } = event.data;
      return withKeys([[tokenHash, { kind: 'read', merchantId, tokenId, role }]], {
        tokens: [...merchant.tokens, { tokenId, name, role, tokenHash, createdAt: at }],
      });
    }
    case 'token-revoked.v1': {
      const gone = merchant.tokens.filter((t) => t.tokenId === event.data.tokenId);
      return withKeys(
        gone.map((t) => [t.tokenHash, revoked]),
        { tokens: merchant.tokens.filter((t) => !gone.includes(t)) },
      );
    }
    case 'merchant-deleted.v1': {
      const open = [...merchant.sources.map((s) => s.keyHash), ...merchant.tokens.map((t) => t.tokenHash)];
      return withKeys(
        open.map((hash) => [hash, revoked]),
        { deleted: true, sources: [], tokens: [] },
      );
    }
    default:
      return unreachable(event);
  }
}

/** The records that facts after revision `after` changed (-1: all of them). */
export function writesAfter(view: DirectoryView, after: bigint): DirectoryWrite[] {
  const { merchant, revision } = view;
  if (merchant === undefined || revision <= after) return [];
  const writes: DirectoryWrite[] = [{ kind: recordKinds.merchants, id: merchant.merchantId, value: merchant, order: orderOf(revision) }];
  for (const [hash, { record, changedAt }] of view.keys) {
    if (changedAt > after) writes.push({ kind: recordKinds.keys, id: hash, value: record, order: orderOf(changedAt) });
  }
  return writes;
}

const orderOf = (revision: bigint): number => Number(revision) + 1;
