import { covers, inFrontOf, isRange, scopeOf } from '../stores/overlays';
import {
  type GenerationRecord,
  type RebuildRecord,
  recordKinds,
  settingsAt,
  type SettingsChange,
  settingsId,
  settingsRevisionOf,
} from '../stores/records';
import { type SettingsRevision, settingsRevisions } from '../stores/settings';
import type { CoordinatorContext } from './coordination';
import { type GenerationsView, isOpen, newestOf } from './generations';
import type { Ledger } from './ledger';
import { failuresMax, type Starting } from './starting';

/** Changes looked at in one round, and merchants counted again at the same time: others wait for their turn. */
const changesMax = 1_000;
const merchantsAtOnce = 4;

interface Waiting {
  readonly revision: number;
  /** Epoch ms since when nothing newer came. */
  readonly since: number;
}

/**
 * A merchant who changes goals, funnels or filters is counted again with the new ones. Changes in quick succession are one; a
 * further one supersedes the rebuild that is on its way.
 */
export class SettingsChanges {
  private readonly waiting = new Map<string, Waiting>();

  constructor(
    private readonly context: CoordinatorContext,
    private readonly ledger: Ledger,
    private readonly starting: Starting,
  ) {}

  async round(view: GenerationsView): Promise<void> {
    const { now, times } = this.context;
    const changes = await this.ledger.records.list<SettingsChange>(recordKinds.settingsChanges, '', { limit: changesMax });
    const byMerchant = new Map<string, string[]>();
    for (const { id, value } of changes) byMerchant.set(value.merchantId, [...(byMerchant.get(value.merchantId) ?? []), id]);
    for (const merchantId of this.waiting.keys()) if (!byMerchant.has(merchantId)) this.waiting.delete(merchantId);
    for (const [merchantId, ids] of byMerchant) {
      const revision = Math.max(...ids.map(settingsRevisionOf));
      const known = this.waiting.get(merchantId);
      if (known === undefined || known.revision < revision) this.waiting.set(merchantId, { revision, since: now() });
      else if (now() - known.since >= times.settingsQuietMs) await this.answer(merchantId, revision, ids, view);
    }
  }

  private async answer(merchantId: string, revision: number, ids: readonly string[], view: GenerationsView): Promise<void> {
    const { records } = this.ledger;
    const settings = await settingsRevisions(records, merchantId);
    // The change may be seen before what it changed to.
    if (!settings.some((one) => one.revision === revision)) return;
    await this.supersede(merchantId, revision, view);
    const due = this.due(merchantId, revision, settings, view);
    const mustWait = merchantsBeingCounted(view).size >= merchantsAtOnce || generationsApart(view) >= this.context.times.overlaysMax * 4;
    if (due.size > 0 && mustWait) return;
    const definitions = newestOf(this.context.catalog).filter(({ name }) => due.has(name));
    if (definitions.length > 0) await this.starting.start(definitions, { merchantId }, view, revision);
    for (const id of ids) await records.delete(recordKinds.settingsChanges, id);
    this.waiting.delete(merchantId);
  }

  /** A rebuild that failed is asked for again, unless it failed too often. */
  async again({ merchantId, settingsRevision, projection }: RebuildRecord, view: GenerationsView): Promise<void> {
    if (merchantId === undefined || settingsRevision === undefined) return;
    const failed = view.rebuilds.filter(({ value }) => {
      const isSame = value.merchantId === merchantId && value.projection === projection && value.settingsRevision === settingsRevision;
      return isSame && value.state === 'failed';
    });
    if (failed.length + 1 >= failuresMax) return;
    const change: SettingsChange = { merchantId };
    await this.ledger.records.put(recordKinds.settingsChanges, settingsId(merchantId, settingsRevision), change);
  }

  /** Rebuilds with older settings end: nobody would want to see them. */
  private async supersede(merchantId: string, revision: number, view: GenerationsView): Promise<void> {
    for (const rebuild of view.rebuilds) {
      const { value } = rebuild;
      const isOlder = value.settingsRevision !== undefined && value.settingsRevision < revision && value.promote === 'automatic';
      if (value.merchantId !== merchantId || !isOpen(value) || isRange(value) || !isOlder || value.wish !== undefined) continue;
      const failure = `the settings changed again, to revision ${revision}`;
      const ended = { ...value, state: 'cancelled' as const, finishedAt: this.context.now(), failure };
      await this.ledger.save(recordKinds.rebuilds, rebuild, ended);
    }
  }

  /** Names of the projections that count the merchant with older settings. */
  private due(merchantId: string, revision: number, settings: readonly SettingsRevision[], view: GenerationsView): Set<string> {
    const due = new Set<string>();
    const scope = { merchantId };
    const revisionIn = (generation: GenerationRecord | undefined): number =>
      generation === undefined ? -1 : (generation.settingsRevision ?? settingsAt(settings, generation.createdAt)?.revision ?? -1);
    for (const { value: pointer } of view.live.values()) {
      const { projection, generationId } = pointer;
      const overlays = [...view.overlays.values()].map(({ value }) => value).filter((one) => one.projection === projection);
      const front = inFrontOf(generationId, overlays).filter((one) => !isRange(one.scope) && covers(one.scope, scope));
      const open = view.rebuilds.map(({ value }) => value).filter((one) => one.projection === projection && isOpen(one));
      const isOnItsWay = open.some((one) => covers(scopeOf(one), scope) && !isRange(one) && one.settingsRevision === revision);
      if (isOnItsWay || revisionIn(view.generations.get(front.at(-1)?.generationId ?? generationId)?.value) >= revision) continue;
      due.add(projection);
    }
    return due;
  }
}

function merchantsBeingCounted(view: GenerationsView): Set<string> {
  const building = view.rebuilds
    .map(({ value }) => value)
    .filter(({ state, settingsRevision }) => state === 'building' && settingsRevision !== undefined);
  return new Set(building.flatMap(({ merchantId }) => merchantId ?? []));
}

/** Each costs a pass over the log: while everybody is being counted again together, those that come meanwhile stay few as well. */
const generationsApart = (view: GenerationsView): number =>
  new Set([...view.overlays.values()].map(({ value }) => value.generationId)).size;
