import { countsAlike, type Definitions, noDefinitions } from '../domain/definitions';
import { evolveDefinitions } from '../domain/merchant-definitions';
import { isDefinitionEvent, type MerchantEvent } from '../domain/merchant-events';
import { evolveRates, type RateTable } from '../domain/rates';
import { withSpread } from '../domain/spreading';
import { unreachable } from '../domain/unreachable';
import {
  type KeyRecord,
  type MerchantRecord,
  type RatesRecord,
  recordKinds,
  type SettingsChange,
  settingsId,
  type SettingsRecord,
  type SettingsSince,
} from '../stores/records';

/**
 * What the other roles look up about one merchant, folded from its stream and from nothing else: its record, its settings from
 * the first to the current ones, and a record for every key it ever had. A key that was rotated or revoked stays as a tombstone, so that applying an older fact again, late or
 * twice, can never open the door it closed.
 */
export interface DirectoryView {
  readonly merchant: MerchantRecord | undefined;
  /** By hash of the key, each with the revision that changed it last. */
  readonly keys: ReadonlyMap<string, { readonly record: KeyRecord; readonly changedAt: bigint }>;
  readonly definitions: Definitions;
  /** Each fact that changed the definitions, oldest first, beginning with the registration. */
  readonly settings: readonly SettingsRevision[];
  /** Undefined until the merchant gives any. */
  readonly rates: { readonly table: RateTable; readonly changedAt: bigint } | undefined;
  /** Of the newest fact folded; -1 before the first. */
  readonly revision: bigint;
}

interface SettingsRevision {
  readonly revision: bigint;
  /** Epoch ms. */
  readonly since: number;
  readonly defined: Omit<Definitions, 'erasedVisitors'>;
  /**
   * How many of the view's erased visitors it knows. Erasing cannot be taken back, so each list of them is the beginning of the
   * newest, and thousands of revisions need not hold thousands of visitors each.
   */
  readonly erasedVisitors: number;
}

/** One record to write with `putNewer`: the same write made twice, or after a newer one, changes nothing. */
export interface DirectoryWrite {
  readonly kind: string;
  readonly id: string;
  /** Made when it is written: all settings a merchant ever had may be too much at once. */
  value(): MerchantRecord | SettingsRecord | SettingsSince | SettingsChange | RatesRecord | KeyRecord;
  /** Revision + 1 of the fact that caused it. */
  readonly order: number;
}

export const emptyView: DirectoryView = {
  merchant: undefined,
  keys: new Map(),
  definitions: noDefinitions,
  settings: [],
  rates: undefined,
  revision: -1n,
};

export function foldDirectory(view: DirectoryView, event: MerchantEvent, revision: bigint): DirectoryView {
  if (event.type === 'merchant-registered.v1') {
    const { merchantId, name, timezone, currency, at } = event.data;
    const timezones = [{ timezone, since: at }];
    const merchant = { merchantId, name, timezone, currency, timezones, createdAt: at, deleted: false, sources: [], tokens: [] };
    return withSettings({ ...view, merchant, revision }, view.definitions, at);
  }
  const { merchant } = view;
  if (merchant === undefined) return { ...view, revision };
  const { merchantId } = merchant;
  const withKeys = (changes: [hash: string, record: KeyRecord][], changed: Partial<MerchantRecord>): DirectoryView => {
    const keys = new Map(view.keys);
    for (const [hash, record] of changes) keys.set(hash, { record, changedAt: revision });
    return { ...view, merchant: { ...merchant, ...changed }, keys, revision };
  };
  const revoked: KeyRecord = { kind: 'revoked', merchantId };
  const opened = (
    source: Pick<Source, 'sourceId' | 'allowedOrigins'>,
    definitions = view.definitions,
    spreads = merchant.spreads,
  ): KeyRecord => writeKey(merchantId, source, definitions, spreads);

  if (isDefinitionEvent(event)) {
    const definitions = evolveDefinitions(view.definitions, event);
    const { goals, funnels, filters, sessionsEndAtMidnight } = definitions;
    // Only filters concern collectors; their keys are written again for any change of those, since changes are few.
    const keys =
      filters === view.definitions.filters
        ? []
        : merchant.sources.map((source): [string, KeyRecord] => [source.keyHash, opened(source, definitions)]);
    return withSettings(withKeys(keys, { sessionsEndAtMidnight, goals, funnels, filters }), definitions, event.data.at);
  }

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
    case 'spread-changed.v1': {
      const { spread, since } = event.data;
      const spreads = withSpread(merchant.spreads, { spread, since });
      return withKeys(
        merchant.sources.map((source) => [source.keyHash, opened(source, view.definitions, spreads)]),
        { spreads, reach: Math.max(spread, merchant.reach ?? 1) },
      );
    }
    case 'source-added.v1': {
      const { sourceId, name, allowedOrigins, keyHash, at } = event.data;
      return withKeys([[keyHash, opened({ sourceId, allowedOrigins })]], {
        sources: [...merchant.sources, { sourceId, name, allowedOrigins, keyHash, createdAt: at }],
      });
    }
    case 'source-changed.v1': {
      const { sourceId, name, allowedOrigins } = event.data;
      const source = merchant.sources.find((s) => s.sourceId === sourceId);
      if (!source) return { ...view, revision };
      return withKeys([[source.keyHash, opened({ sourceId, allowedOrigins })]], {
        sources: merchant.sources.map((s) => (s === source ? { ...s, name, allowedOrigins } : s)),
      });
    }
    case 'write-key-rotated.v1': {
      const { sourceId, keyHash } = event.data;
      const source = merchant.sources.find((s) => s.sourceId === sourceId);
      if (!source) return { ...view, revision };
      return withKeys(
        [
          [source.keyHash, revoked],
          [keyHash, opened(source)],
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
    case 'rates-changed.v1': {
      const table = evolveRates(view.rates?.table ?? { into: merchant.currency, rates: [] }, event.data);
      return { ...view, rates: { table, changedAt: revision }, revision };
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

function withSettings(view: DirectoryView, definitions: Definitions, at: number): DirectoryView {
  const { erasedVisitors, ...defined } = definitions;
  // Never before an earlier one, whatever the clocks of the processes that decided.
  const since = Math.max(at, view.settings.at(-1)?.since ?? at);
  const settings = [...view.settings, { revision: view.revision, since, defined, erasedVisitors: erasedVisitors.length }];
  return { ...view, definitions, settings };
}

type Source = MerchantRecord['sources'][number];

/** Collectors know a merchant by its keys, and must know where its events go, and the addresses it filters before they forget them. */
function writeKey(
  merchantId: string,
  source: Pick<Source, 'sourceId' | 'allowedOrigins'>,
  { filters }: Definitions,
  spreads: MerchantRecord['spreads'],
): KeyRecord {
  const { sourceId, allowedOrigins } = source;
  const addressFilters = filters.filter(({ field }) => field === 'address').map(({ filterId, pattern }) => ({ filterId, pattern }));
  return {
    kind: 'write',
    merchantId,
    sourceId,
    allowedOrigins,
    ...(addressFilters.length > 0 && { addressFilters }),
    ...(spreads && { spreads }),
  };
}

/** The records that facts after revision `after` changed (-1: all of them). */
export function writesAfter(view: DirectoryView, after: bigint): DirectoryWrite[] {
  const { merchant, revision } = view;
  if (merchant === undefined || revision <= after) return [];
  const { merchantId } = merchant;
  const writes: DirectoryWrite[] = [];
  for (const settings of settingsAfter(view, after)) {
    const { revision: changed, since } = settings;
    const at = { id: settingsId(merchantId, changed), order: orderOf(changed) };
    writes.push({ ...at, kind: recordKinds.settings, value: () => settingsRecord(view, settings) });
    writes.push({ ...at, kind: recordKinds.settingsRevisions, value: () => ({ since }) });
  }
  // What is known from the start is counted from the start.
  for (const [place, { revision: changed }] of view.settings.entries()) {
    if (place === 0 || changed <= after || countAlike(view.settings[place - 1]!, view.settings[place]!)) continue;
    writes.push({
      kind: recordKinds.settingsChanges,
      id: settingsId(merchantId, changed),
      value: () => ({ merchantId }),
      order: orderOf(changed),
    });
  }
  if (view.rates !== undefined && view.rates.changedAt > after) {
    const order = orderOf(view.rates.changedAt);
    const record = { ...view.rates.table, revision: order };
    writes.push({ kind: recordKinds.rates, id: merchantId, value: () => record, order });
  }
  writes.push({ kind: recordKinds.merchants, id: merchantId, value: () => merchant, order: orderOf(revision) });
  for (const [hash, { record, changedAt }] of view.keys) {
    if (changedAt > after) writes.push({ kind: recordKinds.keys, id: hash, value: () => record, order: orderOf(changedAt) });
  }
  return writes;
}

const countAlike = (a: SettingsRevision, b: SettingsRevision): boolean =>
  a.erasedVisitors === b.erasedVisitors && countsAlike(a.defined, b.defined);

/** The first goes along with any other: a merchant registered before there were settings records must not begin with a later one. */
function settingsAfter({ settings }: DirectoryView, after: bigint): SettingsRevision[] {
  const newer = settings.filter(({ revision }) => revision > after);
  const first = settings[0]!;
  return newer.length === 0 || newer[0] === first ? newer : [first, ...newer];
}

const settingsRecord = ({ definitions }: DirectoryView, { since, defined, erasedVisitors }: SettingsRevision): SettingsRecord => ({
  since,
  definitions: { ...defined, erasedVisitors: definitions.erasedVisitors.slice(0, erasedVisitors) },
});

const orderOf = (revision: bigint): number => Number(revision) + 1;
