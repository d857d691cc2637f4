import { Inject, Injectable } from '@nestjs/common';
import { noDefinitions, type Definitions } from '../domain/definitions';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { recordKinds, settingsAt, settingsIdPrefix, settingsRevisionOf, type SettingsRecord } from '../stores/records';
import { Recent } from './recent';
import type { Standing } from './standing';

/** As soon as a promotion reaches reports, so do the settings it counts with. */
const keepMs = 500;

/** What merchants had defined when what is read of them was counted: a change shows in numbers once they are counted again. */
@Injectable()
export class FoldedDefinitions {
  private readonly settings: Recent<readonly (SettingsRecord & { readonly revision: number })[]>;

  constructor(@Inject(READ_STORE) private readonly store: ReadStore) {
    this.settings = new Recent({ keepMs, entriesMax: 1_000, now: () => performance.now() });
  }

  async of(merchantId: string, { settledBy: { createdAt, settingsRevision } }: Standing): Promise<Definitions> {
    const records = await this.settings.get(merchantId, () => this.read(merchantId));
    const folded =
      settingsRevision === undefined ? settingsAt(records, createdAt) : records.find(({ revision }) => revision === settingsRevision);
    return folded?.definitions ?? noDefinitions;
  }

  private async read(merchantId: string): Promise<(SettingsRecord & { revision: number })[]> {
    const records = await this.store.records.list<SettingsRecord>(recordKinds.settings, settingsIdPrefix(merchantId));
    return records.map(({ id, value }) => ({ ...value, revision: settingsRevisionOf(id) }));
  }
}
