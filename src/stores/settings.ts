import type { Definitions } from '../domain/definitions';
import type { RecordStore } from './read-store';
import { recordKinds, settingsId, settingsIdPrefix, settingsRevisionOf, type SettingsRecord, type SettingsSince } from './records';

export interface SettingsRevision extends SettingsSince {
  /** Of the merchant's stream. */
  readonly revision: number;
}

/** When each of a merchant's settings came, in order: what settingsAt chooses among. */
export async function settingsRevisions(records: RecordStore, merchantId: string): Promise<SettingsRevision[]> {
  const found = await records.list<SettingsSince>(recordKinds.settingsRevisions, settingsIdPrefix(merchantId));
  return found.map(({ id, value }) => ({ revision: settingsRevisionOf(id), since: value.since }));
}

/** What the merchant had defined then; undefined where there are no such settings. */
export async function definitionsOf(records: RecordStore, merchantId: string, revision: number): Promise<Definitions | undefined> {
  return (await records.get<SettingsRecord>(recordKinds.settings, settingsId(merchantId, revision)))?.value.definitions;
}
