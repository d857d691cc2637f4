import { Inject, Injectable } from '@nestjs/common';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { partitionsOf } from '../domain/spreading';
import { dayStart } from '../../projections/kit/zone';
import { claimsOf, completeTo } from '../stores/claims';
import { inFrontOf, isRange, overlaysOf } from '../stores/overlays';
import { type Checkpoint, READ_STORE, type ReadStore } from '../stores/read-store';
import {
  controlId,
  recordKinds,
  timezoneFor,
  type Claim,
  type GenerationRecord,
  type LivePointer,
  type MerchantRecord,
  type Overlay,
  type WorkerRecord,
} from '../stores/records';
import { addDays } from './calendar';
import { Recent } from './recent';
import type { NotCounting } from './refusal';

/** How far one projection has counted a merchant's events, and where its documents are. */
export interface Standing {
  readonly projection: string;
  readonly version: number;
  readonly generationId: string;
  /** Days that were counted again and are read from elsewhere: a later entry stands in front of an earlier one. */
  readonly parts: readonly StandingPart[];
  /** Which of the merchant's settings it is counted with: see FoldedDefinitions. */
  readonly settledBy: Pick<GenerationRecord, 'createdAt' | 'settingsRevision'>;
  /** IANA name; the timezone this generation folds the merchant's days in. */
  readonly timezone: string;
  /** Epoch ms of the log's clock up to which the documents are complete; null while nothing is known to be counted. */
  readonly asOf: number | null;
  /** Changes whenever documents of the merchant's partitions may have changed. */
  readonly revision: number;
  /** Partitions whose documents are read together: as many of each bucket there may be. */
  readonly partitions: number;
}

/** Epoch ms, `to` exclusive; both at the start of a day, or infinite. */
export interface StandingPart {
  readonly from: number;
  readonly to: number;
  readonly generationId: string;
}

/** A generation that readers are sent to. */
interface Served {
  readonly pointer: Pick<LivePointer, 'generationId' | 'version' | 'heldSince'>;
  readonly generation: GenerationRecord;
}

/** Pointers, claims and checkpoints are read at most this often; promotion reaches readers within a second. */
const keepMs = 500;
const rememberedMax = 8_192;

interface Progress {
  readonly asOf: number;
  readonly revision: number;
}
type Place = Pick<Checkpoint, 'revision' | 'logTime'>;

/**
 * Reads the live pointer, then what workers claim, then the checkpoints, and all of it before the documents of an answer: what a claim
 * was made of is then in the checkpoint, and the documents are at least as complete as the answer says.
 */
@Injectable()
export class Standings {
  private readonly pointers: Recent<Served | undefined>;
  /** By what their ids begin with: see overlaysOf. */
  private readonly overlays: Recent<readonly (Served & { readonly pointer: Overlay })[]>;
  /** By partition number. */
  private readonly claims: Recent<ReadonlyMap<number, readonly Claim[]>>;
  private readonly checkpoints: Recent<Place>;
  /** The furthest each partition of a generation was seen: `asOf` never goes backwards while a version serves. */
  private readonly furthest = new Map<string, Progress>();
  /**
   * The furthest `asOf` that was told of a merchant's projection and version. Generations of one version change places only once
   * the new one has flushed what the old one had, so it holds for the new one, whatever its own worker has noticed so far.
   */
  private readonly told = new Map<string, number>();

  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(CONFIGURATION) private readonly configuration: ResolvedConfiguration,
  ) {
    const now = (): number => performance.now();
    this.pointers = new Recent({ keepMs, entriesMax: 256, now });
    this.overlays = new Recent({ keepMs, entriesMax: rememberedMax, now });
    this.claims = new Recent({ keepMs, entriesMax: 1, now });
    this.checkpoints = new Recent({ keepMs, entriesMax: rememberedMax, now });
  }

  async of(merchant: MerchantRecord, projections: readonly string[]): Promise<Standing[] | NotCounting> {
    const partitions = partitionsOf(merchant.merchantId, merchant.reach ?? 1, this.configuration.partitions);
    const standings = await Promise.all(projections.map((projection) => this.standing(merchant, partitions, projection)));
    const missing = standings.indexOf(undefined);
    if (missing < 0) return standings as Standing[];
    return {
      unanswered: 'not-counting',
      detail: `'${projections[missing]}' is not counted yet: no worker of the projecting role has begun`,
    };
  }

  private async standing(merchant: MerchantRecord, partitions: readonly number[], projection: string): Promise<Standing | undefined> {
    const [live, ...overlaid] = await Promise.all([
      this.pointers.get(projection, () => this.readPointer(projection)),
      ...['', merchant.merchantId].map((owner) => {
        const prefix = overlaysOf(projection, owner);
        return this.overlays.get(prefix, () => this.readOverlays(prefix));
      }),
    ]);
    if (live === undefined) return undefined;
    const { whole, ranges } = layersOf(live, overlaid.flat());
    const timezone = timezoneFor(merchant, whole.generation);
    // Days in another timezone would overlap those around them.
    const fitting = ranges.filter(({ generation }) => timezoneFor(merchant, generation) === timezone);
    const layers = [whole, ...fitting].map(({ pointer }) => pointer);
    const all = layers.flatMap(({ generationId: of }) => partitions.map((partition) => this.progress(of, partition)));
    const progress = await Promise.all(all);
    // A partition that had folded everything reports the present as its `asOf`; a version that is held counts nothing that came since.
    let asOf = Math.min(...progress.map((one) => one.asOf), ...layers.map((layer) => layer.heldSince ?? Infinity));
    const revision = progress.reduce((sum, one) => sum + one.revision + 1, 0);
    const { generationId, version, heldSince } = whole.pointer;
    if (heldSince === undefined) asOf = this.atLeastAsTold(`${projection}|${merchant.merchantId}|${version}`, asOf);
    const parts = fitting.map(({ pointer: { scope, generationId: of } }) => ({
      from: scope.from === undefined ? -Infinity : dayStart(timezone, scope.from),
      to: scope.to === undefined ? Infinity : dayStart(timezone, addDays(scope.to, 1)),
      generationId: of,
    }));
    const settledBy = whole.generation;
    const counted = { asOf: asOf > 0 ? asOf : null, revision, partitions: partitions.length };
    return { projection, version, generationId, parts, settledBy, timezone, ...counted };
  }

  private atLeastAsTold(key: string, asOf: number): number {
    const told = Math.max(asOf, this.told.get(key) ?? 0);
    this.told.delete(key);
    this.told.set(key, told);
    if (this.told.size > rememberedMax) this.told.delete(this.told.keys().next().value!);
    return told;
  }

  private async readPointer(projection: string): Promise<Served | undefined> {
    const pointer = await this.store.records.get<LivePointer>(recordKinds.live, projection);
    if (pointer === undefined) return undefined;
    const generation = await this.store.records.get<GenerationRecord>(recordKinds.generations, pointer.value.generationId);
    if (generation === undefined) return undefined;
    return { pointer: pointer.value, generation: generation.value };
  }

  private async readOverlays(prefix: string): Promise<(Served & { pointer: Overlay })[]> {
    const overlays = await this.store.records.list<Overlay>(recordKinds.overlays, prefix);
    const served = await Promise.all(
      overlays.map(async ({ value }) => {
        const generation = await this.store.records.get<GenerationRecord>(recordKinds.generations, value.generationId);
        return generation === undefined ? [] : [{ pointer: value, generation: generation.value }];
      }),
    );
    return served.flat();
  }

  /** The checkpoint, or what was seen of the log since: whoever saw it last may be gone. */
  private async progress(generation: string, partition: number): Promise<Progress> {
    const key = controlId(generation, partition);
    const claims = (await this.claims.get('', () => this.readClaims())).get(partition) ?? [];
    const checkpoint = await this.checkpoints.get(key, () => this.readCheckpoint(key));
    const asOf = Math.max(checkpoint.logTime, completeTo(claims, { generation, partition }, checkpoint));
    const seen = { asOf, revision: checkpoint.revision };
    const before = this.furthest.get(key);
    const furthest = before === undefined ? seen : further(before, seen);
    this.furthest.delete(key);
    this.furthest.set(key, furthest);
    if (this.furthest.size > rememberedMax) this.furthest.delete(this.furthest.keys().next().value!);
    return furthest;
  }

  private async readClaims(): Promise<ReadonlyMap<number, readonly Claim[]>> {
    const workers = await this.store.records.list<WorkerRecord>(recordKinds.workers);
    const claims = new Map<number, Claim[]>();
    for (const claim of workers.flatMap(({ value }) => claimsOf(value))) {
      const some = claims.get(claim.partition);
      if (some === undefined) claims.set(claim.partition, [claim]);
      else some.push(claim);
    }
    return claims;
  }

  private async readCheckpoint(id: string): Promise<Place> {
    const control = await this.store.control.get(id);
    return control === undefined
      ? { revision: -1, logTime: 0 }
      : { revision: control.checkpoint.revision, logTime: control.checkpoint.logTime };
  }
}

const further = (a: Progress, b: Progress): Progress => ({ asOf: Math.max(a.asOf, b.asOf), revision: Math.max(a.revision, b.revision) });

/** What all of a merchant's documents are read from, and the ranges in front of it, in order. */
function layersOf(
  live: Served,
  overlaid: readonly (Served & { pointer: Overlay })[],
): { whole: Served; ranges: (Served & { pointer: Overlay })[] } {
  const byGeneration = new Map(overlaid.map((served) => [served.pointer.generationId, served]));
  const front = inFrontOf(
    live.pointer.generationId,
    overlaid.map(({ pointer }) => pointer),
  ).map(({ generationId }) => byGeneration.get(generationId)!);
  let whole = live;
  let ranges: (Served & { pointer: Overlay })[] = [];
  for (const served of front) {
    if (isRange(served.pointer.scope)) ranges.push(served);
    else {
      whole = served;
      ranges = [];
    }
  }
  return { whole, ranges };
}
