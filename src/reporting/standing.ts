import { Inject, Injectable } from '@nestjs/common';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { partitionsOf } from '../domain/spreading';
import { dayStart } from '../../projections/kit/zone';
import { inFrontOf, isRange, overlaysOf } from '../stores/overlays';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import {
  controlId,
  recordKinds,
  timezoneFor,
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

/** Pointers and heartbeats are read at most this often; promotion reaches readers within a second. */
const keepMs = 500;
const rememberedMax = 8_192;

interface Progress {
  readonly asOf: number;
  readonly revision: number;
}

/**
 * Reads the live pointer and the heartbeats, always before the documents of an answer: the documents are then at least as
 * complete as the answer claims.
 */
@Injectable()
export class Standings {
  private readonly pointers: Recent<Served | undefined>;
  /** By what their ids begin with: see overlaysOf. */
  private readonly overlays: Recent<readonly (Served & { readonly pointer: Overlay })[]>;
  private readonly heartbeats: Recent<ReadonlyMap<string, Progress>>;
  private readonly checkpoints: Recent<Progress>;
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
    this.heartbeats = new Recent({ keepMs, entriesMax: 1, now });
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
    let asOf = Infinity;
    let revision = 0;
    for (const { pointer } of [whole, ...fitting]) {
      for (const partition of partitions) {
        const progress = await this.progress(pointer.generationId, partition);
        // A partition that had folded everything reports the present as its `asOf`; a version that is held counts nothing that came since.
        asOf = Math.min(asOf, progress.asOf, pointer.heldSince ?? Infinity);
        revision += progress.revision + 1;
      }
    }
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

  /** What a worker reports; while none does (all are down, or have yet to load what they take over), the checkpoint: it says less but is durable. */
  private async progress(generationId: string, partition: number): Promise<Progress> {
    const key = controlId(generationId, partition);
    const reported = (await this.heartbeats.get('', () => this.readHeartbeats())).get(key);
    const seen = reported !== undefined && reported.asOf > 0 ? reported : await this.checkpoints.get(key, () => this.readCheckpoint(key));
    const before = this.furthest.get(key);
    const furthest = before === undefined ? seen : further(before, seen);
    this.furthest.delete(key);
    this.furthest.set(key, furthest);
    if (this.furthest.size > rememberedMax) this.furthest.delete(this.furthest.keys().next().value!);
    return furthest;
  }

  private async readHeartbeats(): Promise<ReadonlyMap<string, Progress>> {
    const workers = await this.store.records.list<WorkerRecord>(recordKinds.workers);
    const progress = new Map<string, Progress>();
    for (const { value } of workers) {
      for (const held of value.partitions) {
        const key = controlId(held.generation, held.partition);
        const seen = { asOf: Math.max(held.checkpointTime, held.caughtUpAt), revision: held.checkpoint };
        const other = progress.get(key);
        // A partition that changed hands may be reported by both workers for a while; what either of them saw holds.
        progress.set(key, other === undefined ? seen : further(other, seen));
      }
    }
    return progress;
  }

  private async readCheckpoint(id: string): Promise<Progress> {
    const control = await this.store.control.get(id);
    if (control === undefined) return { asOf: 0, revision: -1 };
    const { logTime, completeTo = 0, revision } = control.checkpoint;
    return { asOf: Math.max(logTime, completeTo), revision };
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
