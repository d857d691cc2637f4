import type { Definitions, Filter, Funnel, Goal } from '../domain/definitions';
import type { RateTable } from '../domain/rates';
import type { SpreadSince } from '../domain/spreading';

/**
 * The small records the roles share through the read store (RecordStore), by kind. Roles never import each other:
 * what one writes and another reads is described here.
 */
export const recordKinds = {
  /** id: merchantId → MerchantRecord. Projected from the merchant-{id} stream (putNewer, order = stream revision + 1). */
  merchants: 'merchants',
  /** id: settingsId → SettingsRecord. Projected from the merchant-{id} stream, one more at each change, none ever changed. */
  settings: 'settings',
  /**
   * id: settingsId → SettingsSince, written once its settings are. What a merchant ever had defined may be much, and to choose among it
   * takes little (settings.ts).
   */
  settingsRevisions: 'settings-revisions',
  /** id: settingsId → SettingsChange: changes of settings that the coordinator has not answered with a rebuild yet; it removes them. */
  settingsChanges: 'settings-changes',
  /** id: merchantId → RatesRecord, of merchants who gave any. Projected from the merchant-{id} stream. */
  rates: 'rates',
  /** id: sha256 (hex) of the write key or token → KeyRecord. Keys and tokens themselves are stored nowhere. */
  keys: 'keys',
  /** id: merchantId → SecretRecord (pseudonym-secrets.ts). Projected from nothing: it is stored here and nowhere else. */
  secrets: 'secrets',
  /** id: 'whole': written once the directory of merchants has followed the log to its end (directory-whole.ts). */
  directory: 'directory',
  /** id: 'partition-07', 'coordinator' or 'directory' → LeaseRecord. */
  leases: 'leases',
  /** id: workerId → WorkerRecord, rewritten about once a second; of those that are gone for as long as a claim of theirs is needed. */
  workers: 'workers',
  /** id: generationId → GenerationRecord. */
  generations: 'generations',
  /** id: projection name → LivePointer. Promotion is one write here. */
  live: 'live',
  /** id: overlayId → Overlay: what a scoped rebuild serves on top of that. Its promotion is one write here. */
  overlays: 'overlays',
  /** id: rebuildId → RebuildRecord. */
  rebuilds: 'rebuilds',
} as const;

export interface MerchantRecord {
  merchantId: string;
  name: string;
  /** IANA name. */
  timezone: string;
  /** ISO 4217. */
  currency: string;
  /** Every timezone the merchant had, oldest first: a generation folds days in the one valid when it was created (timezoneFor). */
  timezones: { timezone: string; since: number }[];
  createdAt: number;
  deleted: boolean;
  /** Over how many partitions its events are spread, oldest first; absent: it never was. */
  spreads?: readonly SpreadSince[];
  /** The most it ever was, or is going to be: its events are in as many partitions from its home on. Absent: 1. */
  reach?: number;
  /** The definitions of now, for showing them; absent: none. What is folded with is in the settings records. */
  sessionsEndAtMidnight?: boolean;
  goals?: readonly Goal[];
  funnels?: readonly Funnel[];
  filters?: readonly Filter[];
  sources: { sourceId: string; name: string; allowedOrigins: string[]; keyHash: string; createdAt: number }[];
  tokens: { tokenId: string; name: string; role: 'viewer' | 'owner'; tokenHash: string; createdAt: number }[];
}

/** What a merchant had defined from a revision of its stream on, until the next such record. */
export interface SettingsRecord extends SettingsSince {
  definitions: Definitions;
}
export interface SettingsSince {
  /** Epoch ms; of one merchant never before that of an earlier revision. */
  since: number;
}

export interface RatesRecord extends RateTable {
  /** Another one at each change. */
  revision: number;
}

export type AddressFilter = Pick<Filter, 'filterId' | 'pattern'>;

export interface SettingsChange {
  merchantId: string;
}

export type KeyRecord =
  | {
      kind: 'write';
      merchantId: string;
      sourceId: string;
      allowedOrigins: string[];
      /** What collectors refuse by the visitor's address, which is forgotten at collection; absent: nothing. */
      addressFilters?: readonly AddressFilter[];
      /** Which partitions its events go to; absent: to the merchant's home. */
      spreads?: readonly SpreadSince[];
    }
  | { kind: 'read'; merchantId: string; tokenId: string; role: 'viewer' | 'owner' }
  /** Rotated, revoked or deleted: opens nothing. Kept, so that replaying an older fact cannot bring the key back. */
  | { kind: 'revoked'; merchantId: string };

export interface LeaseRecord {
  owner: string;
  /** Epoch ms after which anyone may take it. Leases give liveness only; the epoch of the control document gives safety. */
  until: number;
}

export interface WorkerRecord {
  workerId: string;
  pid: number;
  startedAt: number;
  /** Epoch ms of this heartbeat; 0: it was the last one. */
  at: number;
  partitions: WorkerPartition[];
  /** Of what it does not fold, or not any more, and of which nobody else has claimed as much yet. Absent: none. */
  claims?: Claim[];
}
/**
 * That at some time nothing was in a partition of the log behind what was flushed there. Once true it remains so, whoever saw it and
 * whatever became of them: see completeTo (claims.ts).
 */
export interface Claim {
  generation: string;
  partition: number;
  /** Log revision flushed. */
  revision: number;
  /** Log time of that revision, epoch ms. */
  logTime: number;
  /** Epoch ms of the time it was seen at. */
  completeTo: number;
}
export interface WorkerPartition {
  partition: number;
  generation: string;
  /** Log revision folded and flushed; -1 before the first. */
  checkpoint: number;
  /** Log time of that revision, epoch ms; 0 before the first. */
  checkpointTime: number;
  /** Newest revision of the partition's stream; -1 when it is empty. */
  head: number;
  /** Epoch ms at which checkpoint === head was last observed; 0 when never. asOf = max(checkpointTime, caughtUpAt). */
  caughtUpAt: number;
  eventsFolded: number;
  /** Why folding stopped here, for people. */
  stopped?: string;
  /** It cannot be continued exactly: the coordinator starts a rebuild. */
  rebuildNeeded?: boolean;
}

/**
 * What a scoped rebuild counts: one merchant's events, the buckets of a range of days, or both. Nothing else is written, so nothing
 * else is there to be read.
 */
export interface RebuildScope {
  merchantId?: string;
  /** The first and the last day, `2026-11-22`, each in the timezone the merchant's days are folded in. Absent: no end on that side. */
  from?: string;
  to?: string;
}

/** Projection versions folded together, with collections `${projection}_${generationId}` and control documents `${generationId}|${pp}`. */
export interface GenerationRecord {
  generationId: string;
  projections: { name: string; version: number }[];
  state: 'building' | 'live' | 'retired';
  /** Those of `projections` no longer folded here, since when (epoch ms), and whether their collection is dropped. */
  left?: { name: string; since: number; dropped: boolean }[];
  createdAt: number;
  /** Absent: everything. */
  scope?: RebuildScope;
  /** Over how many partitions the events of its one merchant lie, from the merchant's home on; it only grows. Absent: 1. */
  reach?: number;
  /** Epoch ms by which merchants' timezones are chosen instead of `createdAt`: days of a range must be those around it. */
  timezonesAt?: number;
  /** The settings its one merchant is folded with, instead of those of `createdAt`. */
  settingsRevision?: number;
  /** Hash of the projections' code and tables that created it. */
  fingerprint: string;
}

export interface LivePointer {
  projection: string;
  generationId: string;
  version: number;
  since: number;
  /** Epoch ms since when it is no longer folded, because the code of this version is gone: `asOf` ends here until a newer one is promoted. */
  heldSince?: number;
  /** What served before; rollback points back at it while it is kept. */
  previous?: { generationId: string; version: number };
}

/**
 * Documents that stand in front of those of the live pointer within a scope. Of several the one of the youngest generation (by
 * number) is read, and a live pointer to a younger generation stands in front of them all: generations are numbered in the order
 * they were begun in, so the younger one knows all the older one knew.
 */
export interface Overlay {
  projection: string;
  generationId: string;
  version: number;
  scope: RebuildScope;
  since: number;
  /** Epoch ms since when it is not read any more: rolled back. */
  withdrawnAt?: number;
  /** As that of a live pointer. */
  heldSince?: number;
}

export type RebuildState = 'building' | 'caught-up' | 'live' | 'retired' | 'cancelled' | 'failed';
export interface RebuildRecord {
  rebuildId: string;
  projection: string;
  version: number;
  state: RebuildState;
  generationId: string;
  previousGenerationId: string | null;
  promote: 'automatic' | 'manual';
  merchantId?: string;
  from?: string;
  to?: string;
  /** The settings its one merchant is counted with. */
  settingsRevision?: number;
  /** Of a range, as that of its generation: its days were chosen by these timezones. */
  timezonesAt?: number;
  requestedAt: number;
  /** Set by the administering role, carried out by the coordinator. */
  wish?: 'promote' | 'cancel' | 'rollback';
  promotedAt?: number;
  finishedAt?: number;
  failure?: string;
  /** The log ends before what serves was counted to, and where: it serves by an operator's wish alone, who has read this. */
  warning?: string;
}

/** The timezone a generation folds a merchant's days in: the one valid when the generation was created, or the merchant's first. */
export function timezoneFor(
  merchant: Pick<MerchantRecord, 'timezones'>,
  generation: Pick<GenerationRecord, 'createdAt' | 'timezonesAt'>,
): string {
  const at = generation.timezonesAt ?? generation.createdAt;
  let chosen = merchant.timezones[0]?.timezone ?? 'UTC';
  for (const entry of merchant.timezones) if (entry.since <= at) chosen = entry.timezone;
  return chosen;
}

/** Generations are numbered in the order they were begun in. */
export const generationNumber = (generationId: string): number => Number(/^g(\d+)$/.exec(generationId)?.[1] ?? 0);
export const nextGenerationId = (used: readonly string[]): string => `g${Math.max(1, ...used.map(generationNumber)) + 1}`;

/** In order of revision when listed with settingsIdPrefix. */
export const settingsId = (merchantId: string, revision: number | bigint): string =>
  settingsIdPrefix(merchantId) + String(revision).padStart(10, '0');
export const settingsIdPrefix = (merchantId: string): string => `${merchantId}|`;
export const settingsRevisionOf = (id: string): number => Number(id.slice(id.lastIndexOf('|') + 1));

/**
 * The settings a generation folds a merchant with: the last there were when the generation was created, or the merchant's first.
 * @param records of one merchant, in order of revision
 */
export function settingsAt<T extends SettingsSince>(records: readonly T[], createdAt: number): T | undefined {
  let chosen = records[0];
  for (const record of records) if (record.since <= createdAt) chosen = record;
  return chosen;
}

export const collectionOf = (projection: string, generationId: string): string => `${projection}_${generationId}`;
export const coldCollectionOf = (generationId: string): string => `cold_${generationId}`;
export const stateCollectionOf = (generationId: string): string => `state_${generationId}`;
export const controlId = (generationId: string, partition: number): string => `${generationId}|${String(partition).padStart(2, '0')}`;
