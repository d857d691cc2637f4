import { Inject, Injectable } from '@nestjs/common';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { partitionOf } from '../domain/partition';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import {
  controlId,
  recordKinds,
  timezoneFor,
  type GenerationRecord,
  type LivePointer,
  type MerchantRecord,
  type WorkerRecord,
} from '../stores/records';
import { Recent } from './recent';
import type { NotCounting } from './refusal';

/** How far one projection has counted a merchant's events, and where its documents are. */
export interface Standing {
  readonly projection: string;
  readonly version: number;
  readonly generationId: string;
  /** IANA name; the timezone this generation folds the merchant's days in. */
  readonly timezone: string;
  /** Epoch ms of the log's clock up to which the documents are complete; null while nothing is known to be counted. */
  readonly asOf: number | null;
  /** Changes whenever documents of the merchant's partition may have changed. */
  readonly revision: number;
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
  private readonly pointers: Recent<{ pointer: LivePointer; generation: GenerationRecord } | undefined>;
  private readonly heartbeats: Recent<ReadonlyMap<string, Progress>>;
  private readonly checkpoints: Recent<Progress>;
  /** The furthest each partition of a generation was seen: `asOf` never goes backwards while a version serves. */
  private readonly furthest = new Map<string, Progress>();

  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(CONFIGURATION) private readonly configuration: ResolvedConfiguration,
  ) {
    const now = (): number => performance.now();
    this.pointers = new Recent({ keepMs, entriesMax: 256, now });
    this.heartbeats = new Recent({ keepMs, entriesMax: 1, now });
    this.checkpoints = new Recent({ keepMs, entriesMax: rememberedMax, now });
  }

  async of(merchant: MerchantRecord, projections: readonly string[]): Promise<Standing[] | NotCounting> {
    const partition = partitionOf(merchant.merchantId, this.configuration.partitions);
    const standings = await Promise.all(projections.map((projection) => this.standing(merchant, partition, projection)));
    const missing = standings.indexOf(undefined);
    if (missing < 0) return standings as Standing[];
    return {
      unanswered: 'not-counting',
      detail: `'${projections[missing]}' is not counted yet: no worker of the projecting role has begun`,
    };
  }

  private async standing(merchant: MerchantRecord, partition: number, projection: string): Promise<Standing | undefined> {
    const live = await this.pointers.get(projection, () => this.readPointer(projection));
    if (live === undefined) return undefined;
    const { pointer, generation } = live;
    const progress = await this.progress(pointer.generationId, partition);
    // A partition that had folded everything reports the present as its `asOf`; a version that is held counts nothing that came since.
    const asOf = Math.min(progress.asOf, pointer.heldSince ?? Infinity);
    return {
      projection,
      version: pointer.version,
      generationId: pointer.generationId,
      timezone: timezoneFor(merchant, generation),
      asOf: asOf > 0 ? asOf : null,
      revision: progress.revision,
    };
  }

  private async readPointer(projection: string): Promise<{ pointer: LivePointer; generation: GenerationRecord } | undefined> {
    const pointer = await this.store.records.get<LivePointer>(recordKinds.live, projection);
    if (pointer === undefined) return undefined;
    const generation = await this.store.records.get<GenerationRecord>(recordKinds.generations, pointer.value.generationId);
    if (generation === undefined) return undefined;
    return { pointer: pointer.value, generation: generation.value };
  }

  /** What a worker reports; while none does (all are down), the checkpoint itself, which says less but is durable. */
  private async progress(generationId: string, partition: number): Promise<Progress> {
    const key = controlId(generationId, partition);
    const reported = (await this.heartbeats.get('', () => this.readHeartbeats())).get(key);
    const seen = reported ?? (await this.checkpoints.get(key, () => this.readCheckpoint(key)));
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
    return { asOf: control?.checkpoint.logTime ?? 0, revision: control?.checkpoint.revision ?? -1 };
  }
}

const further = (a: Progress, b: Progress): Progress => ({ asOf: Math.max(a.asOf, b.asOf), revision: Math.max(a.revision, b.revision) });
