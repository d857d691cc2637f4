import { Inject, Injectable } from '@nestjs/common';
import { noDefinitions, type Definitions } from '../domain/definitions';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { settingsAt, settingsId } from '../stores/records';
import { definitionsOf, type SettingsRevision, settingsRevisions } from '../stores/settings';
import { Recent } from './recent';
import type { Standing } from './standing';

/** As soon as a promotion reaches reports, so do the settings it counts with. */
const keepMs = 500;
/** Settings of one revision never change. */
const keepDefinitionsMs = 60_000;

/** What merchants had defined when what is read of them was counted: a change shows in numbers once they are counted again. */
@Injectable()
export class FoldedDefinitions {
  private readonly revisions = new Recent<readonly SettingsRevision[]>({ keepMs, entriesMax: 1_000, now: () => performance.now() });
  private readonly definitions = new Recent<Definitions>({ keepMs: keepDefinitionsMs, entriesMax: 1_000, now: () => performance.now() });

  constructor(@Inject(READ_STORE) private readonly store: ReadStore) {}

  async of(merchantId: string, { settledBy: { createdAt, settingsRevision } }: Standing): Promise<Definitions> {
    const { records } = this.store;
    const known = await this.revisions.get(merchantId, () => settingsRevisions(records, merchantId));
    const folded =
      settingsRevision === undefined ? settingsAt(known, createdAt) : known.find(({ revision }) => revision === settingsRevision);
    if (folded === undefined) return noDefinitions;
    const { revision } = folded;
    return this.definitions.get(settingsId(merchantId, revision), async () => {
      return (await definitionsOf(records, merchantId, revision)) ?? noDefinitions;
    });
  }
}
